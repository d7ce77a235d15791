"""From a replay that has been played to its outcome: labels as they are downloaded, books as they stand."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.db.models import QuerySet

from billing.models import Payout
from billing.queries import books
from marketplace.demo import outcome
from marketplace.demo.outcome import Outcome
from marketplace.demo.replaying import CURRENCY, Replay
from marketplace.demo.rule_before import RuleBefore, rule_before
from marketplace.models import Assignment
from marketplace.services.checks import CHECKS, check_invariants
from marketplace.services.results import stream_results

KINDS: Final = (
    (0.9, "90% right or more"),
    (0.75, "75% to 90% right"),
    (0.6, "60% to 75% right"),
    (0.0, "less than 60% right"),
)
"""Workers by how much of all that they answered in the recording is right."""

UNKNOWN: Final = "no truth known"


def outcome_of(replay: Replay) -> Outcome:
    """What ``replay`` came to, with every invariant checked."""
    faults = Counter(fault.check for fault in check_invariants())
    return Outcome(
        title="Assay: recorded answers replayed",
        about_the_crowd=_about(replay),
        labels=_labels(replay),
        groups=_groups(replay),
        money=_money(),
        reward_minor=replay.job.reward_minor,
        fee_minor=replay.job.fee_minor,
        payouts_settled=sum(payout.state == Payout.State.SETTLED for payout in replay.payouts),
        payouts_asked=len(replay.payouts),
        rejected=0,
        reversed=0,
        checks={check: faults[check] for check in CHECKS},
        seconds=replay.seconds,
    )


def _about(replay: Replay) -> str:
    recording = replay.recording
    order = "in the order of their times" if recording.is_timed else "in an order drawn by the seed"
    left_out = f" {len(recording.repeated):,} repeated answers were left out." if recording.repeated else ""
    return (
        f"The {len(recording.answers):,} answers that {len(recording.workers):,} workers once gave to "
        f"{len(recording.tasks):,} tasks are replayed {order}; nobody was asked now.{left_out} The client is invented, "
        "and so is the admin, who decides by the recorded truth. The platform and its database are real. Stripe is the "
        "project's own double."
    )


def _labels(replay: Replay) -> outcome.Labels:
    lines = [json.loads(line) for piece in stream_results(job=replay.job) for line in piece.splitlines()]
    decided = [line for line in lines if line["method"] == "consensus"]
    adjudicated = [line for line in lines if line["method"] == "adjudication"]
    by_all = _majority_of_all(replay)

    truth = replay.recording.truth

    def right(given: Callable[[Any], object], among: Sequence[Any]) -> float | None:
        judged = [line for line in among if line["external_id"] in truth]
        return _mean([given(line) == truth[line["external_id"]] for line in judged])

    return outcome.Labels(
        tasks=len(lines),
        by_consensus=len(decided),
        adjudicated=len(adjudicated),
        answers=sum(1 for line in lines for answer in line["answers"] if answer["submitted_at"]),
        gold_answers=_submitted(replay).filter(task__gold_question__isnull=False).count(),
        full_overlap=sum(answer.task not in replay.gold for answer in replay.recording.answers) / len(lines),
        judged=sum(line["external_id"] in truth for line in decided),
        consensus_right=right(lambda line: line["value"], decided),
        majority_right=right(lambda line: line["majority"]["value"], decided),
        all_right=right(lambda line: line["value"], decided + adjudicated),
        mean_confidence=_mean([line["confidence"] for line in decided]),
        recorded_majority_right=right(lambda line: by_all[line["external_id"]], decided),
        rule_before=_rule_before(replay),
        left_over=replay.left_over,
    )


def _rule_before(replay: Replay) -> RuleBefore:
    terms, (work, gold) = replay.terms, replay.in_order
    return rule_before(
        replay.recording,
        work=work,
        gold=gold,
        gold_share=terms.gold_share,
        overlap=(terms.overlap_min, terms.overlap_max),
        confidence=terms.confidence,
        seed=terms.seed,
    )


def _majority_of_all(replay: Replay) -> dict[str, str]:
    """The label that most of all recorded answers give each task; of several the first, as consensus has it."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in replay.recording.answers:
        votes[answer.task][answer.label] += 1
    return {task: min(counted, key=lambda label: (-counted[label], label)) for task, counted in votes.items()}


def _submitted(replay: Replay) -> QuerySet[Assignment]:
    return Assignment.objects.filter(job=replay.job, submitted_at__isnull=False)


def _groups(replay: Replay) -> list[outcome.Group]:
    kinds, truth = _kinds(replay), replay.recording.truth
    labels = {(answer.worker, answer.task): answer.label for answer in replay.recording.answers}
    names = {worker.pk: name for name, worker in replay.workers.items()}
    answers, paid, marks = Counter[str](), Counter[str](), defaultdict[str, list[bool]](list)
    for worker_id, task, state, reward_minor in _submitted(replay).values_list(
        "worker_id", "task__external_id", "state", "reward_minor"
    ):
        name = names[worker_id]
        kind = kinds[name]
        answers[kind] += 1
        paid[kind] += reward_minor if state == Assignment.State.ACCEPTED else 0
        if task in truth:
            marks[kind].append(labels[name, task] == truth[task])
    members = Counter(kinds.values())
    return [
        outcome.Group(
            name=kind,
            workers=members[kind],
            certified=members[kind],
            flagged=0,
            answers=answers[kind],
            accuracy=_mean(marks[kind]),
            paid_minor=paid[kind],
        )
        for kind in (*(kind for _, kind in KINDS), UNKNOWN)
        if members[kind]
    ]


def _kinds(replay: Replay) -> dict[str, str]:
    truth = replay.recording.truth
    marks: dict[str, list[bool]] = {name: [] for name in replay.workers}
    for answer in replay.recording.answers:
        if answer.task in truth:
            marks[answer.worker].append(answer.label == truth[answer.task])
    shares = {name: _mean(marked) for name, marked in marks.items()}
    return {
        name: UNKNOWN if share is None else next(kind for least, kind in KINDS if share >= least)
        for name, share in shares.items()
    }


def _money() -> outcome.Money:
    now = books(CURRENCY)
    return outcome.Money(
        currency=now.currency,
        funded=now.funded_minor,
        available=now.client_funds_minor,
        held=now.job_escrow_minor,
        earnings=now.worker_earnings_minor,
        paid_out=now.paid_out_minor,
        in_flight=now.payouts_in_flight_minor + now.refunds_in_flight_minor,
        fees=now.platform_fees_minor,
        processor_fees=now.processor_fees_minor,
        losses=now.loss_minor,
        refunded=now.refunded_minor,
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
