"""Predictions on their way into the table: each at a task that waits for its label, once for each model version.

Some tasks are drawn as audits when they are first predicted: people alone will label them, whatever a model says.
"""

import random
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from kernel import clock
from marketplace.models import Assignment, Job, Prediction, Predictor, Task
from marketplace.services.import_streams import RowFault
from marketplace.services.prediction_rows import GivenPrediction
from marketplace.services.priorities import put_first
from marketplace.services.slots import CHANCE
from qualification.labels.errors import quoted

MOST_VERSIONS: Final = 50
"""Of models in one job."""


class Placed(NamedTuple):
    """A prediction, the row that it stands in, and the task that it is of."""

    row: int
    task_id: UUID
    given: GivenPrediction


class PredictionIntake:
    """What takes the predictions of one job, whose row the caller has locked; ``taken`` counts them."""

    def __init__(self, *, job: Job, chance: random.Random = CHANCE) -> None:
        self._job, self._chance = job, chance
        self._created_at = clock.now()
        self._predictors = {(known.name, known.version): known for known in Predictor.objects.filter(job=job)}
        self.taken = 0

    def take(self, placed: Sequence[Placed]) -> list[RowFault]:
        """Write these down, except what cannot be taken: the faults say why. The tasks exist and are of this job."""
        if not placed:
            return []
        tasks = _Tasks({one.task_id for one in placed})
        faults, rows, fresh = [], [], set[UUID]()
        for one in placed:
            predictor = self._predictor(one.given)
            message = self._flaw(predictor, one, tasks)
            if message or predictor is None:
                faults.append(RowFault(one.row, "", message))
                continue
            if one.task_id not in tasks.drawn:
                tasks.drawn[one.task_id] = self._is_audit(one.task_id, tasks)
                fresh.add(one.task_id)
            rows.append(self._row(predictor, one, is_audit=tasks.drawn[one.task_id]))
            tasks.predicted.add((predictor.pk, one.task_id))
        Prediction.objects.bulk_create(rows)
        put_first({task_id for task_id in fresh if tasks.drawn[task_id]})
        self.taken += len(rows)
        return faults

    def _predictor(self, given: GivenPrediction) -> Predictor | None:
        key = given.name, given.version
        if key not in self._predictors and len(self._predictors) < MOST_VERSIONS:
            self._predictors[key] = Predictor.objects.create(job=self._job, name=given.name, version=given.version)
        return self._predictors.get(key)

    def _flaw(self, predictor: Predictor | None, one: Placed, tasks: "_Tasks") -> str:
        if predictor is None:
            return f"The job has predictions of {MOST_VERSIONS} model versions; more are not taken."
        if predictor.state == Predictor.State.STOPPED:
            return f"{quoted(str(predictor))} was stopped: {predictor.stopped_because} Give another model_version."
        if one.task_id not in tasks.open_ids:
            return "The task is not open any more; a prediction comes before the label."
        if (predictor.pk, one.task_id) in tasks.predicted:
            return f"{quoted(str(predictor))} has predicted this task already; predictions are never changed."
        return ""

    def _is_audit(self, task_id: UUID, tasks: "_Tasks") -> bool:
        share = self._job.audit_share_basis_points
        is_wanted = self._job.allowed_error_basis_points is not None and task_id in tasks.untouched
        return is_wanted and self._chance.random() * 10_000 < share

    def _row(self, predictor: Predictor, one: Placed, *, is_audit: bool) -> Prediction:
        return Prediction(
            predictor=predictor,
            task_id=one.task_id,
            score=one.given.score,
            result=one.given.result,
            answer_key=one.given.answer_key,
            is_audit=is_audit,
            created_at=self._created_at,
        )


class _Tasks:
    """What is known of some tasks: which are open and not begun, by whom they are predicted, whether as audits."""

    def __init__(self, ids: Collection[UUID]) -> None:
        still_open = Task.objects.filter(pk__in=ids, state=Task.State.OPEN)
        begun = Assignment.objects.filter(task__in=ids, ordinal__isnull=False)
        self.open_ids = set(still_open.values_list("pk", flat=True))
        self.untouched = set(still_open.filter(gold_question__isnull=True).values_list("pk", flat=True))
        self.untouched -= set(begun.values_list("task_id", flat=True))
        earlier = list(Prediction.objects.filter(task__in=ids).values_list("predictor_id", "task_id", "is_audit"))
        self.predicted = {(predictor_id, task_id) for predictor_id, task_id, _ in earlier}
        self.drawn = {task_id: is_audit for _, task_id, is_audit in earlier}
