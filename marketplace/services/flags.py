"""From the answers of a job to flags: which workers stand out, by which signals. NumPy lives here."""

from typing import Final

import numpy as np

from marketplace.queries.turns import Found, TurnsRead
from qualification.statistics.signals.found import Signal, signals_of, too_fast
from qualification.statistics.signals.turns import Turns

_ABOUT_OTHERS: Final = {"partner", "place"}
"""Evidence that is an index, and not a number to show."""


def flags_in(read: TurnsRead) -> list[Found]:
    """Whatever would be flagged if this were the only job. Where many answers are possible, times alone tell."""
    turns = Turns(
        task=np.frombuffer(read.task, dtype=np.int32),
        worker=np.frombuffer(read.worker, dtype=np.int32),
        said=np.frombuffer(read.said, dtype=np.int32),
        seconds=np.frombuffer(read.seconds, dtype=np.float64),
        gold=np.frombuffer(read.gold, dtype=np.int32),
        workers=len(read.workers),
        classes=max(len(read.choices), 1),
    )
    found = signals_of(turns) if len(read.choices) > 1 else [[signal] for signal in too_fast(turns)]
    return [
        _found(signal, worker, read) for worker, signals in enumerate(found) for signal in signals if signal.is_flagged
    ]


def _found(signal: Signal, worker: int, read: TurnsRead) -> Found:
    partner, place = (signal.evidence.get(name) for name in ("partner", "place"))
    return Found(
        name=signal.name,
        worker_id=read.workers[worker],
        partner_id=None if partner is None else read.workers[int(partner)],
        score=float(signal.score),
        chance=float(signal.chance),
        numbers={name: number for name, number in signal.evidence.items() if name not in _ABOUT_OTHERS},
        choice="" if place is None else read.choices[int(place)],
    )
