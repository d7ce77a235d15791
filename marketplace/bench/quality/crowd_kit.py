"""The rival: crowd-kit's methods on the same answers. Run as a script by a Python that has it; the project does not.

    python crowd_kit.py FOLDER [--quick]

FOLDER holds an .npz for each set (task, worker, said, and by draw gold and left). Prints a line of JSON for each set,
then one with the time of a step of Dawid–Skene on `speed.npz`, if that is there.
"""

import json
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

QUICK_METHODS = ("MajorityVote", "Wawa", "ZeroBasedSkill", "DawidSkene", "OneCoinDawidSkene", "MMSR", "KOS")
SLOW_METHODS = ("GLAD", "MACE")
WITH_GOLD = ("DawidSkene", "GoldMajorityVote")
STEPS = 5


def main() -> None:
    """Go through the folder that the command line names."""
    warnings.simplefilter("ignore")
    aggregation, pandas = import_module("crowdkit.aggregation"), import_module("pandas")
    folder, quick = Path(sys.argv[1]), "--quick" in sys.argv
    methods = QUICK_METHODS if quick else QUICK_METHODS + SLOW_METHODS
    for path in sorted(folder.glob("set-*.npz")):
        held = np.load(path)
        answers = pandas.DataFrame({"task": held["task"], "worker": held["worker"], "label": held["said"]})
        found = {name: outcome(getattr(aggregation, name)(), answers, None, held) for name in methods}
        for name in WITH_GOLD:
            found[f"{name} with gold"] = with_gold(getattr(aggregation, name), answers, held, pandas)
        print(json.dumps({"set": path.stem.removeprefix("set-"), "right": found}), flush=True)
    if (path := folder / "speed.npz").is_file():
        held = np.load(path)
        answers = pandas.DataFrame({"task": held["task"], "worker": held["worker"], "label": held["said"]})
        print(json.dumps({"seconds_a_step": seconds_a_step(aggregation.DawidSkene, answers)}), flush=True)


def outcome(method: Any, answers: Any, truths: Any, held: Any) -> list[float] | str:
    """The accuracy in each draw, or why there is none: what a rival cannot do is a finding, whatever it raises."""
    try:
        labels = method.fit_predict(answers)
        return [right(labels, held, draw) for draw in range(len(held["gold"]))]
    except Exception as fault:
        return f"{type(fault).__name__}: {fault}"[:120]


def with_gold(method: Any, answers: Any, held: Any, pandas: Any) -> list[float] | str:
    """The same for a method that takes gold, which is fitted anew in each draw."""
    found = []
    for draw, gold in enumerate(held["gold"]):
        known = np.flatnonzero(gold >= 0)
        try:
            labels = method().fit_predict(answers, pandas.Series(gold[known], index=known))
            found.append(right(labels, held, draw))
        except Exception as fault:
            return f"{type(fault).__name__}: {fault}"[:120]
    return found


def right(labels: Any, held: Any, draw: int) -> float:
    """The share of right labels among the tasks that the draw's gold leaves."""
    left = held["left"][draw]
    left = left[left >= 0]
    return float(np.mean(labels.reindex(left).to_numpy() == held["truth"][left]))


def seconds_a_step(method: Any, answers: Any) -> float:
    """Processor time of one step of EM: of a fit with some steps, less that of a fit with one."""
    took = []
    for steps in (1, 1 + STEPS):
        began = time.process_time()
        method(n_iter=steps, tol=0.0).fit(answers)
        took.append(time.process_time() - began)
    return (took[1] - took[0]) / STEPS


if __name__ == "__main__":
    main()
