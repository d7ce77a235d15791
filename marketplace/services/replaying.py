"""What another policy would have made of a job: its own answers again, beside what really happened."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from kernel.errors import Invalid, Refused
from marketplace.models import Job
from marketplace.queries import current_schema_of
from marketplace.queries.recorded import History, history_of
from qualification.labels.schema import LabelSchema
from qualification.statistics.whatif import Figure, Prediction, Recorded, Rules, predict

SEED: Final = 7
"""What draws answers that were never given, and the intervals, unless another is asked for."""

MOST_TASKS: Final = 2_000
MOST_WEIGHED: Final = 200_000
MOST_WEIGHED_DRAWN: Final = 3_000
"""How much weighing a replay may take, as tasks × the square of their answers; less of what is drawn or written."""

MOST_ANSWERS_DRAWN: Final = 10
"""Of one task, where answers are drawn or written: merging more takes longer than anybody waits for."""

LONGEST_DRAWN: Final = 400_000
"""Characters of such answers, after which no more tasks are taken."""


class NothingToReplay(Refused):
    """Nobody has answered yet, so there is nothing to replay."""

    code = "nothing_to_replay"


@dataclass(frozen=True, slots=True)
class Compared:
    """A number as it really was (none where nobody knows), and as the rules would have it, with its bounds."""

    happened: float | None
    predicted: Figure


@dataclass(frozen=True, slots=True)
class WhatIf:
    """``replayed`` of the ``tasks`` that somebody answered were tried; ``judged`` tasks have a truth and a label.

    What happened rests on ``looked_at`` of them; where these are not all, it is estimated, and what is reckoned from
    it for the whole job has its interval widened by what that may be off. ``answers`` are per task, gold's on top,
    ``cost_minor`` and ``hours`` of the whole job, ``escalated`` and ``right`` shares of tasks. ``drawn`` is the share
    of answers that were never given; ``really_judged`` of how many labels it is known whether they are right.
    """

    rules: Rules
    tasks: int
    looked_at: int
    replayed: int
    judged: int
    really_judged: int
    drawn: float
    answers: Compared
    cost_minor: Compared
    hours: Compared
    escalated: Compared
    right: Compared


def what_if(
    *,
    job: Job,
    overlap: tuple[int, int] | None = None,
    confidence: float | None = None,
    gold_share: float | None = None,
    seed: int = SEED,
) -> WhatIf:
    """Replay ``job`` under other rules; what is None stays as the job has it. Reads, and changes nothing.

    A job with more tasks than can be replayed in a moment is sampled; the intervals say what that costs. Raises
    NothingToReplay, or Invalid for rules that cannot be.
    """
    rules = _rules(job, overlap, confidence, gold_share)
    schema = current_schema_of(job.pk)
    history = history_of(job, most=_most_tasks(schema, rules), answers=rules.overlap_max)
    if not history.work:
        raise NothingToReplay("Nobody has answered yet, so there is nothing to replay.")
    tasks = history.work if schema.asks_only_choices else _within(history.work, LONGEST_DRAWN)
    try:
        work = predict(schema, tasks, rules, chance=random.Random(seed), fit=history.fit)  # noqa: S311
        known = [task for task in [*tasks, *history.gold] if task.truth]
        judged = predict(schema, known, rules, chance=random.Random(seed), fit=history.fit) if known else None  # noqa: S311
    except ValueError as error:
        raise Invalid(str(error)) from error
    return _compared(rules, history, work, judged)


def _rules(job: Job, overlap: tuple[int, int] | None, confidence: float | None, gold_share: float | None) -> Rules:
    rules = Rules(
        *(overlap or (job.overlap_min, job.overlap_max)),
        job.confidence_basis_points / 10_000 if confidence is None else confidence,
        job.gold_share_basis_points / 10_000 if gold_share is None else gold_share,
        job.when_unsure == Job.WhenUnsure.ESCALATE,
        job.price.minor / job.label_worth_minor if job.label_worth_minor else 0.0,
    )
    if not 1 <= rules.overlap_min <= rules.overlap_max <= 100:
        raise Invalid(
            f"An overlap goes from 1 to 100, the least first; {rules.overlap_min} to {rules.overlap_max} is none. What "
            f"is not given is the job's own: {job.overlap_min} to {job.overlap_max}."
        )
    if not 0 < rules.confidence < 1:
        raise Invalid(f"A confidence is a number between 0 and 1, both excluded, not {rules.confidence}.")
    if not 0 <= rules.gold_share <= 0.5:
        raise Invalid(f"The share of gold is from 0 to 0.5, not {rules.gold_share}.")
    return rules


def _most_tasks(schema: LabelSchema, rules: Rules) -> int:
    if schema.asks_only_choices:
        return min(MOST_TASKS, MOST_WEIGHED // rules.overlap_max**2)
    if rules.overlap_max > MOST_ANSWERS_DRAWN:
        raise Invalid(
            f"This job asks for what is drawn or written; up to {MOST_ANSWERS_DRAWN} answers to a task can be tried, "
            f"not {rules.overlap_max}."
        )
    return min(MOST_TASKS, MOST_WEIGHED_DRAWN // rules.overlap_max**2)


def _within(tasks: list[Recorded], characters: int) -> list[Recorded]:
    """The first tasks whose answers have so many characters in all; one at least."""
    lengths = accumulate(sum(len(vote.answer.key) for vote in task.votes) for task in tasks)
    return tasks[: max(1, sum(length <= characters for length in lengths))]


def _compared(rules: Rules, history: History, work: Prediction, judged: Prediction | None) -> WhatIf:
    happened = history.answers + history.gold_answers
    price, pace = history.spent_minor / happened, history.hours / happened
    unknown, whole = Figure(None, None, None), _widened(work.answers, history.error)
    return WhatIf(
        rules=rules,
        tasks=history.tasks,
        looked_at=history.looked_at,
        replayed=work.tasks,
        judged=judged.judged if judged else 0,
        really_judged=history.judged,
        drawn=work.drawn,
        answers=Compared(happened / history.tasks, work.answers),
        cost_minor=Compared(history.spent_minor, _each(whole, lambda answers: round(answers * history.tasks * price))),
        hours=Compared(history.hours, _each(whole, lambda answers: answers * history.tasks * pace)),
        escalated=Compared(history.escalated / history.looked_at, work.escalated),
        right=Compared(history.right / history.judged if history.judged else None, judged.right if judged else unknown),
    )


def _widened(figure: Figure, error: float) -> Figure:
    """With bounds that are so much further, as a share, from 0 or nearer to it."""
    low, high = figure.low, figure.high
    return Figure(
        figure.value, None if low is None else low * max(0.0, 1 - error), None if high is None else high * (1 + error)
    )


def _each(figure: Figure, change: Callable[[float], float]) -> Figure:
    value, low, high = (None if one is None else change(one) for one in (figure.value, figure.low, figure.high))
    return Figure(value, low, high)
