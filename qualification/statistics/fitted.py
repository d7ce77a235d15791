"""What was learnt of a job, as a decision about one of its tasks needs it; and what is so before anything was.

Plain Python: a request that decides loads no NumPy, and what it takes grows with the answers to one task, never with
the job.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, Final

from qualification.statistics.fusion.online import Calibration
from qualification.statistics.fusion.priors import WEIGHTED
from qualification.statistics.parts import Part, Rates
from qualification.statistics.resemblance import UNTAUGHT, ResemblanceFit, read_resemblance

TYPICAL_ACCURACY: Final = 0.75
"""How often the next worker is right before anything is known, as for scores."""

TYPICAL_ANSWERS: Final = 2.0
"""How many answers it takes to settle most tasks, before anything is known."""

BY_SCORE: Final = "votes weighted by score"


@dataclass(frozen=True, slots=True)
class PartFit:
    """What was learnt of one part: by which `method`, and `because` of what it leads.

    `shares` weigh the classes before any answer. `spread` are calibrations as likely as one another, for the interval.
    `accuracy` is how often the next worker is right. Where `weighs_workers` is false, votes alone count.
    """

    shares: tuple[float, ...]
    calibration: Calibration
    spread: tuple[Calibration, ...]
    accuracy: float = TYPICAL_ACCURACY
    weighs_workers: bool = True
    method: str = BY_SCORE
    because: str = "nothing is fitted yet"

    def __hash__(self) -> int:
        # It is looked up for each part of each task, and its forty calibrations take longer than what is looked up.
        return hash(self.calibration)


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found of a method that was on trial for a part.

    `right_on_gold` is the share of gold that it gets right without knowing, none without gold. Where held-out answers
    were looked at, `told_better` is by how much the mean logarithm of an answer's probability exceeds that of one
    accuracy per worker, with its standard error `told_error`; `against` says why it may not lead for that.
    """

    method: str
    right_on_gold: float | None
    told_better: float | None = None
    told_error: float | None = None
    against: str = ""


@dataclass(frozen=True, slots=True)
class JobFit:
    """What was learnt of a job, by part; a part that is not here, or has other classes now, is as before any fit.

    And what was learnt of how likely its merged answers are right, where it asks for what is no choice. Fits of a job
    have a `number`; before the first one there is none.
    """

    parts: Mapping[Part, PartFit]
    resemblance: ResemblanceFit = UNTAUGHT
    number: int | None = None

    def of(self, part: Part, *, parts: int) -> PartFit:
        """What is known of one of so many parts."""
        return self.parts.get(part) or unfitted(len(part.classes), parts)


UNFITTED: Final = JobFit({})
"""Before any fit: votes weighted by score, and the calibration that crowds have on average."""


@lru_cache(maxsize=256)
def unfitted(classes: int, parts: int) -> PartFit:
    """What is known of a part with so many classes, one of so many parts, before any fit."""
    prior = WEIGHTED.of_one_of(parts)
    return PartFit(
        shares=(1 / classes,) * classes,
        calibration=replace(prior.calibration, typical=TYPICAL_ANSWERS),
        spread=tuple(replace(each, typical=TYPICAL_ANSWERS) for each in prior.points),
    )


def written_part(part: Part, fitted: PartFit, tried: Sequence[Trial] = ()) -> dict[str, Any]:
    """As JSON values, with what was on trial."""
    return {
        "control": part.control,
        "label": part.label,
        "classes": list(part.classes),
        "method": fitted.method,
        "because": fitted.because,
        "tried": [asdict(trial) for trial in tried],
        "weighs_workers": fitted.weighs_workers,
        "accuracy": fitted.accuracy,
        "shares": list(fitted.shares),
        "calibration": _written(fitted.calibration),
        "spread": [_written(each) for each in fitted.spread],
    }


def read_fit(
    rows: list[dict[str, Any]], resemblance: Mapping[str, Any] | None = None, *, number: int | None = None
) -> JobFit:
    """What `written_part` wrote of each part, and `written_resemblance` of what was merged."""
    return JobFit(dict(map(_read_part, rows)), read_resemblance(resemblance), number)


def read_rates(rates: Any) -> Rates:
    """How somebody errs, from JSON values."""
    return tuple(map(tuple, rates)) if isinstance(rates, list) else float(rates)


def _read_part(row: Mapping[str, Any]) -> tuple[Part, PartFit]:
    fitted = PartFit(
        shares=tuple(row["shares"]),
        calibration=Calibration(*row["calibration"]),
        spread=tuple(Calibration(*each) for each in row["spread"]),
        accuracy=row["accuracy"],
        weighs_workers=row["weighs_workers"],
        method=row["method"],
        because=row["because"],
    )
    return Part(row["control"], row["label"], tuple(row["classes"])), fitted


def _written(calibration: Calibration) -> list[float]:
    numbers = (calibration.discount, calibration.vote_weight, calibration.floor, calibration.typical)
    return [round(number, 6) for number in numbers]
