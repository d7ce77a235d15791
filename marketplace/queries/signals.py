"""Signals as people read them: admins with all numbers, the worker in words that tell neither gold nor anybody else."""

from typing import Any, Final

from django.db.models import QuerySet

from marketplace.models import Assignment, Signal
from qualification.statistics.signals.words import in_words, meaning_of
from workforce.models import Worker

TURNS_SHOWN: Final = 50


def told_to(worker: Worker) -> QuerySet[Signal]:
    """The signals that an admin told this worker of."""
    return Signal.objects.filter(worker=worker, told_at__isnull=False).select_related("job")


def sentence_of(signal: Signal, *, for_worker: bool = False) -> str:
    """What was seen, with its numbers."""
    return in_words(signal.name, signal.numbers, choice=signal.choice, for_worker=for_worker)


def matter_of_signal(signal: Signal) -> dict[str, Any]:
    """All that there is to look at: the numbers, what they mean, what was said, and the last answers behind them."""
    columns = ("job_id", "worker_id", "partner_id", "state", "score", "chance", "jobs", "numbers", "since", "until")
    said = ("told_at", "reason", "answered_at", "answer")
    return {
        "signal": signal.pk,
        "name": signal.name,
        "meaning": meaning_of(signal.name),
        "sentence": sentence_of(signal),
        **{name.removesuffix("_id"): getattr(signal, name) for name in (*columns, *said)},
        "turns": turns_behind(signal),
    }


def turns_behind(signal: Signal) -> list[dict[str, Any]]:
    """The worker's last answers of the window, the latest first."""
    turns = Assignment.objects.filter(
        job_id=signal.job_id,
        worker_id=signal.worker_id,
        claimed_at__gte=signal.since,
        claimed_at__lt=signal.until,
        submitted_at__lt=signal.until,
        annotation__late=False,
    )
    rows = turns.order_by("-claimed_at", "-pk").values_list(
        "pk", "submitted_at", "annotation__seconds", "annotation__result"
    )
    return [
        {"assignment": pk, "submitted_at": submitted_at, "seconds": seconds, "result": result}
        for pk, submitted_at, seconds, result in rows[:TURNS_SHOWN]
    ]
