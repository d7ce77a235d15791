"""Beliefs: what the answers to one task, and the predictions of models that count, say that its label is."""

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple
from uuid import UUID

from kernel.rows import planned_cursor
from marketplace.models import Job, Task
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.queries import UNMEASURED
from qualification.statistics.automation.voter import measured_accuracy
from qualification.statistics.believing import believe
from qualification.statistics.consensus import Posterior, Vote

NEVER_GUESSED: Final = 1_000_000
"""How many answers are possible where they are drawn or written: who guesses is not right."""


@dataclass(frozen=True, slots=True)
class TaskBelief:
    """What is believed of a task, majority being people's alone, and after how many answers by people."""

    posterior: Posterior
    answers: int


def belief_of(
    *,
    task: Task,
    job: Job,
    schema: LabelSchema,
    without: UUID | None = None,
    by_models: bool = True,
    by_rejected: bool = False,
) -> TaskBelief | None:
    """What is believed of ``task`` now, none where nobody has answered it; one SQL statement.

    ``schema`` is that of the job's latest version. ``without`` leaves one assignment's answer out, and ``by_models``
    false all predictions. Answers that came too late, or are softly rejected, take no part; those that are rejected
    only where ``by_rejected`` says so, because a label rests on nothing that is not paid.
    """
    said = _said_of(task, job, without=without, by_rejected=by_rejected)
    votes = _by_people(said)
    if not votes:
        return None
    predicted = _by_models(said, schema) if by_models else []
    belief = believe(schema, [*votes, *predicted])
    if predicted:  # majority is people's
        belief = replace(belief, majority=believe(schema, votes).majority)
    return TaskBelief(posterior=belief, answers=len(votes))


class _Said(NamedTuple):
    """An answer with its worker's reliability, or a prediction (no reliability) with how often its model was right."""

    answer_key: str
    reliability: float | None
    right: int
    wrong: int


def _said_of(task: Task, job: Job, *, without: UUID | None, by_rejected: bool) -> list[_Said]:
    given: dict[str, Any] = {"unmeasured": UNMEASURED.mean, "skill": job.skill_id, "task": task.pk}
    given |= {"without": without, "by_rejected": by_rejected}
    with planned_cursor() as cursor:
        cursor.execute(_SAID, given)
        return [_Said(*row) for row in cursor.fetchall()]


# One statement with or without models: how long an answer takes must not tell. An audit is decided by people alone.
# An answer that takes up no turn is late, or softly rejected.
_SAID: Final = """
SELECT answer.answer_key, coalesce(score.estimate, %(unmeasured)s::float8), 0, 0
FROM marketplace_assignment turn
JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
LEFT JOIN qualification_score score ON score.worker_id = turn.worker_id AND score.skill_id = %(skill)s
WHERE turn.task_id = %(task)s AND turn.ordinal IS NOT NULL AND turn.id IS DISTINCT FROM %(without)s::uuid
  AND (turn.state <> 'rejected' OR %(by_rejected)s)
UNION ALL
SELECT prediction.answer_key, NULL, predictor."right", predictor.wrong
FROM marketplace_prediction prediction JOIN marketplace_predictor predictor ON predictor.id = prediction.predictor_id
WHERE prediction.task_id = %(task)s AND NOT prediction.is_audit AND predictor.state <> 'stopped'
"""


def _by_people(said: list[_Said]) -> list[Vote]:
    return [Vote(Answer.from_key(each.answer_key), each.reliability) for each in said if each.reliability is not None]


def _by_models(said: list[_Said], schema: LabelSchema) -> list[Vote]:
    """Predictions by what their models have shown in this job; one that shows no more than guessing has no vote."""
    candidates = schema.possible_answers if schema.asks_only_choices else NEVER_GUESSED
    shown = [
        (each.answer_key, measured_accuracy(right=each.right, wrong=each.wrong, candidates=candidates))
        for each in said
        if each.reliability is None
    ]
    return [Vote(Answer.from_key(key), accuracy) for key, accuracy in shown if accuracy > 1 / candidates]
