"""crowd-kit beside it, on the same answers and the same draws of gold, in a Python of its own."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from marketplace.bench.quality.recordings import Recording
from marketplace.bench.quality.speed import simulated

SCRIPT: Final = Path(__file__).with_name("crowd_kit.py")


class NoRival(Exception):
    """crowd-kit cannot be run; the message says what is missing."""


@dataclass
class RivalFindings:
    """By set and method, the accuracy in each draw or why there is none; and processor seconds of a step of EM."""

    right: dict[str, dict[str, list[float] | str]] = field(default_factory=dict)
    seconds_a_step: float | None = None

    def mean(self, method: str, name: str) -> float | None:
        """A method's accuracy on a set, the mean over the draws; None where it failed."""
        found = self.right[name].get(method)
        return float(np.mean(found)) if isinstance(found, list) else None

    def means(self) -> dict[str, float]:
        """The mean over the sets, for each method that managed all of them."""
        methods = {method for found in self.right.values() for method in found}
        by_set = {method: [self.mean(method, name) for name in self.right] for method in sorted(methods)}
        return {
            method: float(np.mean([one for one in found if one is not None]))
            for method, found in by_set.items()
            if None not in found
        }


def check_rival(python: str) -> None:
    """Raise `NoRival` unless crowd-kit can be imported there."""
    try:
        tried = subprocess.run(  # noqa: S603  (the Python that whoever runs the benchmark names)
            [python, "-c", "import crowdkit"], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise NoRival(f"{python} cannot be run: {error.strerror}.") from error
    if tried.returncode:
        raise NoRival(
            f"crowd-kit cannot be imported by {python}. Install it apart (python -m venv rivals; rivals/bin/pip "
            "install crowd-kit 'pandas<3' 'scikit-learn<1.7') and name that Python: --rivals rivals/bin/python."
        )


def measure_rivals(
    recordings: Sequence[Recording],
    *,
    python: str,
    draws: int,
    share: float,
    quick: bool,
    answers: int,
    tell: Callable[[str], None],
) -> RivalFindings:
    """Let crowd-kit label all sets, and time its Dawid–Skene on so many simulated answers."""
    found = RivalFindings()
    with tempfile.TemporaryDirectory(prefix="rivals-") as place:
        folder = Path(place)
        for recording in recordings:
            np.savez(folder / f"set-{recording.name}.npz", **_arrays(recording, draws=draws, share=share))
        job = simulated(answers)
        np.savez(folder / "speed.npz", task=job.task, worker=job.worker, said=job.said)
        for line in _lines([python, str(SCRIPT), place, *(["--quick"] if quick else [])]):
            if "set" in line:
                tell(f"crowd-kit: {line['set']} is done")
                found.right[line["set"]] = line["right"]
            else:
                found.seconds_a_step = line["seconds_a_step"]
    return found


def _arrays(recording: Recording, *, draws: int, share: float) -> dict[str, Any]:
    answers = recording.answers
    drawn = [recording.draw(seed=seed, share=share) for seed in range(draws)]
    return {
        "task": answers.task,
        "worker": answers.worker,
        "said": answers.said,
        "truth": recording.truth,
        "gold": np.stack([gold for gold, _ in drawn]),
        "left": np.stack([left for _, left in drawn]),
    }


def _lines(command: list[str]) -> Iterator[dict[str, Any]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as rival:  # noqa: S603  (see check_rival)
        assert rival.stdout is not None
        for line in rival.stdout:
            yield json.loads(line)
    if rival.returncode:
        raise NoRival(f"crowd-kit's run ended with {rival.returncode}.")
