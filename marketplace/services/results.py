"""Results: the labels of a job and where they come from, one line of JSON for each task, in constant memory.

A client takes away only what was paid for; docs/results.md has the rule and the form of a line.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef, Q
from django.db.models.functions import JSONObject

from kernel.crypto import pseudonyms
from kernel.models import Media
from kernel.services.audit import Actor, record
from marketplace.models import Assignment, Job, Prediction, Reweighing, Task
from marketplace.queries.fits import methods_by
from qualification.items import media_of, pictures_of
from qualification.labels.results import Answer

TASKS_AT_ONCE: Final = 200
ANSWERED: Final = (Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED)


def download_results(*, job: Job, by: Actor) -> Iterator[bytes]:
    """What ``stream_results`` gives, after an audit event that says who takes it away."""
    with transaction.atomic():
        record(action="results.downloaded", subject=job, by=by)
    return stream_results(job=job)


def stream_results(*, job: Job) -> Iterator[bytes]:
    """The work tasks of ``job`` by ascending id as JSON Lines; each piece is some whole lines.

    Each piece is one short statement of its own, so that a slow reader keeps no transaction open. A line is of one
    instant; while the job is open, lines of different pieces are of different ones.
    """
    lines = _Lines(job)
    last = UUID(int=0)
    while tasks := _tasks_after(last, job):
        lines.look_up_media_of(tasks)
        yield b"".join(lines.of(task) for task in tasks)
        last = tasks[-1]["id"]


def _tasks_after(last: UUID, job: Job) -> list[dict[str, Any]]:
    answers = (
        Assignment.objects.filter(task=OuterRef("pk"), state__in=ANSWERED)
        .order_by("submitted_at", "id")
        .values(
            answer=JSONObject(
                worker="worker_id",
                state="state",
                result="annotation__result",
                key="annotation__answer_key",
                version="version__number",
                claimed_at="claimed_at",
                submitted_at="submitted_at",
                seconds="annotation__seconds",
                reward_minor="reward_minor",
                fee_minor="fee_minor",
                currency="currency",
                soft_rejection="soft_rejection__reason",
            )
        )
    )
    predictions = (
        Prediction.objects.filter(task=OuterRef("pk"))
        .order_by("pk")
        .values(
            prediction=JSONObject(
                model="predictor__name",
                model_version="predictor__version",
                score="score",
                result="result",
                is_audit="is_audit",
                is_label=Q(acceptance__isnull=False),
            )
        )
    )
    told = {name: name for name in ("at", "outcome", "from_confidence", "to_confidence")}
    weighed = Reweighing.objects.filter(task=OuterRef("pk")).order_by("pk").values(found=JSONObject(**told))
    tasks = Task.objects.filter(job=job, gold_question__isnull=True, pk__gt=last).annotate(
        answers=ArraySubquery(answers), predicted=ArraySubquery(predictions), weighed=ArraySubquery(weighed)
    )
    columns = ("external_id", "item", "state", "label", "answer_key", "method", "resolved_at")
    annotated = ("answers", "predicted", "weighed")
    believed = ("confidence", "confidence_low", "confidence_high", "fit_number", "majority_key", "majority_share")
    return list(tasks.order_by("pk").values("id", *columns, *annotated, *believed)[:TASKS_AT_ONCE])


class _Lines:
    """The lines of one job: they share its pseudonyms and what a plain value is under its schema."""

    def __init__(self, job: Job) -> None:
        name_of = pseudonyms(scope=str(job.client_id))
        self._name_of: Callable[[str], str] = lru_cache(maxsize=10_000)(lambda worker_id: name_of(UUID(worker_id)))
        schema = job.versions.select_related("label_schema").latest("number").label_schema.checked
        self._media_owner, self._pictures = job.media_owner, pictures_of(schema)
        self._media: dict[UUID, dict[str, object]] = {}
        self._is_plain = schema.asks_only_choices
        self._methods_by: Callable[[int | None], list[str]] = lru_cache(maxsize=100)(partial(methods_by, job))
        control = schema.single_choice
        self._control = control.name if control else None
        self._value_of: Callable[[str], object] = lru_cache(maxsize=1_000)(self._read_value)

    def look_up_media_of(self, tasks: Iterable[Mapping[str, Any]]) -> None:
        """Read what the lines of these tasks tell of the media that they show, in one statement if there are any."""
        asked = {media_id for task in tasks for media_id in media_of(task["item"], self._pictures).values()}
        rows = Media.objects.filter(owner=self._media_owner, pk__in=asked) if asked else Media.objects.none()
        told = rows.values("id", "sha256", "media_type", "state")
        self._media = {row["id"]: {**row, "id": str(row["id"])} for row in told}

    def of(self, task: Mapping[str, Any]) -> bytes:
        """The line of one task."""
        is_shown = _is_paid(task)
        # What was believed of a task is of the answer then in front: a person who decides may have taken another.
        is_believed = is_shown and task["method"] != Task.Method.ADJUDICATION
        line = {
            "task": str(task["id"]),
            "external_id": task["external_id"] or None,
            "item": task["item"],
            "media": {
                field: self._media[media_id] for field, media_id in media_of(task["item"], self._pictures).items()
            },
            "state": task["state"],
            "label": task["label"] if is_shown else None,
            "value": self._value_of(task["answer_key"]) if is_shown else None,
            "confidence": task["confidence"] if is_believed else None,
            "confidence_low": task["confidence_low"] if is_believed else None,
            "confidence_high": task["confidence_high"] if is_believed else None,
            "method": (task["method"] or None) if is_shown else None,
            "fit": task["fit_number"] if is_believed else None,
            "weighed_by": self._weighed_by(task) if is_believed else None,
            "majority": self._majority(task) if is_shown else None,
            "resolved_at": task["resolved_at"].isoformat() if task["resolved_at"] else None,
            "withheld": task["label"] is not None and not is_shown,
            "answers": [self._answer(answer) for answer in task["answers"]],
            "predictions": task["predicted"],
            "reweighings": task["weighed"] if is_shown else [],
        }
        return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def _majority(self, task: Mapping[str, Any]) -> dict[str, object] | None:
        if task["majority_share"] is None:
            return None
        return {"value": self._value_of(task["majority_key"]), "share": task["majority_share"]}

    def _weighed_by(self, task: Mapping[str, Any]) -> list[str] | None:
        """What weighed the answers, where they were."""
        return None if task["majority_share"] is None else self._methods_by(task["fit_number"])

    def _answer(self, answer: Mapping[str, Any]) -> dict[str, object]:
        is_paid = answer["state"] == Assignment.State.ACCEPTED
        return {
            "worker": self._name_of(answer["worker"]),
            "state": answer["state"],
            "result": answer["result"] if is_paid else None,
            "value": self._value_of(answer["key"]) if is_paid else None,
            **{name: answer[name] for name in _FACTS},
        }

    def _read_value(self, key: str) -> object:
        if not self._is_plain:
            return None  # the label says it, in Label Studio's form
        chosen = dict(Answer.from_key(key).selections)
        if self._control is None or chosen.keys() - {self._control}:
            return {control: list(labels) for control, labels in chosen.items()}
        return chosen.get(self._control, (None,))[0]


_FACTS: Final = (
    "version",
    "claimed_at",
    "submitted_at",
    "seconds",
    "reward_minor",
    "fee_minor",
    "currency",
    "soft_rejection",
)
"""What is said of every answer, paid or not."""


def _is_paid(task: Mapping[str, Any]) -> bool:
    """Whether the label may be taken away: an answer was paid that is used, an admin decided and none waits, or nobody
    was asked.
    """
    if task["label"] is None:
        return False
    if task["method"] == Task.Method.PREDICTION:
        return True
    states = {answer["state"] for answer in task["answers"] if answer["soft_rejection"] is None}
    is_adjudicated = task["method"] == Task.Method.ADJUDICATION
    return Assignment.State.ACCEPTED in states or (is_adjudicated and Assignment.State.SUBMITTED not in states)
