"""Beliefs: what the answers to one task, and the predictions of models that count, say that its label is.

Answers are weighed by what the latest fit of the job knows of their workers, and by scores where it knows nothing; one
statement reads all of it, and what it takes does not grow with the job.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple
from uuid import UUID

from kernel.rows import planned_cursor
from marketplace.models import Job, Task
from marketplace.queries.fits import LATEST_FIT, fit_written, habits_written, model_vote, rates_written
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.queries import UNMEASURED
from qualification.statistics.automation.voter import candidates_of
from qualification.statistics.believing import believe
from qualification.statistics.consensus import Posterior, Vote
from qualification.statistics.fitted import UNFITTED, JobFit


@dataclass(frozen=True, slots=True)
class TaskBelief:
    """What is believed of a task, majority being people's alone, after how many answers by people; and by which fit."""

    posterior: Posterior
    answers: int
    fit: JobFit


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
    fit, said = _said_of(_SAID, task.pk, job, without=without, by_rejected=by_rejected)
    return _believed(said[task.pk], fit, schema, by_models=by_models)


def beliefs_of(*, tasks: Sequence[Task], job: Job, schema: LabelSchema) -> dict[UUID, TaskBelief]:
    """What is believed of each of these tasks of which answers are used; one SQL statement."""
    fit, said = _said_of(_SAID_OF_MANY, [task.pk for task in tasks], job, without=None, by_rejected=False)
    found = {task_id: _believed(each, fit, schema, by_models=True) for task_id, each in said.items()}
    return {task_id: belief for task_id, belief in found.items() if belief is not None}


def _believed(said: list["_Said"], fit: JobFit, schema: LabelSchema, *, by_models: bool) -> TaskBelief | None:
    votes = [
        Vote(
            Answer.from_key(each.answer_key),
            each.reliability,
            rates=rates_written(each.rates, fit),
            habits=habits_written(each.habits),
        )
        for each in said
        if each.kind == _PERSON
    ]
    if not votes:
        return None
    predicted = _by_models(said, schema) if by_models else []
    belief = believe(schema, [*votes, *predicted], fit, interval=True)
    if predicted:  # majority is people's
        belief = replace(belief, majority=believe(schema, votes, fit).majority)
    return TaskBelief(posterior=belief, answers=len(votes), fit=fit)


class _Said(NamedTuple):
    """An answer with how its worker errs, a prediction with how its model does, or what the job's fit has learnt."""

    task_id: UUID | None
    kind: str
    answer_key: str
    reliability: float
    right: int
    wrong: int
    rates: str | None
    habits: str | None


_PERSON, _MODEL, _FIT = "person", "model", "fit"


def _said_of(
    statement: str, asked: UUID | list[UUID], job: Job, *, without: UUID | None, by_rejected: bool
) -> tuple[JobFit, dict[UUID, list[_Said]]]:
    """The latest fit of the job, and by task what is said of it."""
    given: dict[str, Any] = {"unmeasured": UNMEASURED.mean, "skill": job.skill_id, "asked": asked}
    given |= {"without": without, "by_rejected": by_rejected}
    fit, said = UNFITTED, defaultdict[UUID, list[_Said]](list)
    with planned_cursor() as cursor:
        cursor.execute(statement, given | {"job": job.pk})
        for each in map(_Said._make, cursor.fetchall()):
            if each.task_id is None:
                fit = fit_written(each.rates)
            else:
                said[each.task_id].append(each)
    return fit, said


# One statement with or without models, fitted or not: how long an answer takes must not tell. An audit is decided by
# people alone. An answer that takes up no turn is late, or softly rejected.
_SAYS: Final = f"""
WITH latest AS MATERIALIZED ({LATEST_FIT})
SELECT turn.task_id, '{_PERSON}', answer.answer_key, coalesce(score.estimate, %(unmeasured)s::float8), 0, 0,
       known.rates::text, known.habits::text
FROM marketplace_assignment turn
JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
LEFT JOIN qualification_score score ON score.worker_id = turn.worker_id AND score.skill_id = %(skill)s
LEFT JOIN marketplace_fittedworker known
    ON known.worker_id = turn.worker_id AND known.fit_id = (SELECT id FROM latest)
WHERE turn.task_id {{which}} AND turn.ordinal IS NOT NULL AND turn.id IS DISTINCT FROM %(without)s::uuid
  AND (turn.state <> 'rejected' OR %(by_rejected)s)
UNION ALL
SELECT prediction.task_id, '{_MODEL}', prediction.answer_key, 0, predictor."right", predictor.wrong,
       predictor.error_rates::text, NULL
FROM marketplace_prediction prediction JOIN marketplace_predictor predictor ON predictor.id = prediction.predictor_id
WHERE prediction.task_id {{which}} AND NOT prediction.is_audit AND predictor.state <> 'stopped'
UNION ALL
SELECT NULL, '{_FIT}', '', 0, 0, 0, latest.learnt::text, NULL FROM latest
"""  # noqa: S608  (all of it ours)
_SAID: Final = _SAYS.format(which="= %(asked)s")
_SAID_OF_MANY: Final = _SAYS.format(which="= ANY(%(asked)s)")


def _by_models(said: list[_Said], schema: LabelSchema) -> list[Vote]:
    candidates = candidates_of(schema)
    votes = (
        model_vote(each.answer_key, right=each.right, wrong=each.wrong, error_rates=each.rates, candidates=candidates)
        for each in said
        if each.kind == _MODEL
    )
    return [vote for vote in votes if vote is not None]
