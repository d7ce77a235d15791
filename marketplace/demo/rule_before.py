"""What the rule of docs/adr/0006 would have bought of a replay's recording: the same answers, in the same order.

It needs no platform: one accuracy per worker from gold, a posterior by it, and the overlap and confidence of the job.
"""

import random
from collections import defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from marketplace.demo.recording import CONTROL, RecordedAnswer, Recording, label_config
from qualification.labels.results import Answer
from qualification.labels.schema import parse_schema
from qualification.statistics.consensus import Posterior, Vote, posterior
from qualification.statistics.scoring import Score
from qualification.statistics.stopping import Decision, decide


@dataclass(frozen=True, slots=True)
class RuleBefore:
    """What the rule bought, gold's answers included, how many tasks it settled, and how right and sure these are."""

    answers: int
    settled: int
    right: float | None
    mean_confidence: float | None


def rule_before(
    recording: Recording,
    *,
    work: Sequence[RecordedAnswer],
    gold: Mapping[str, Sequence[RecordedAnswer]],
    gold_share: float,
    overlap: tuple[int, int],
    confidence: float,
    seed: int,
) -> RuleBefore:
    """Give the answers at ``work`` in their order as long as their task asks for them, and ``gold`` by worker between.

    Chance, by the seed, says when a worker is given gold.
    """
    schema, chance = parse_schema(label_config(recording.labels)), random.Random(seed)
    answer_of = lru_cache(maxsize=None)(lambda label: Answer.of({CONTROL: [label]}))
    left = {worker: deque(answers) for worker, answers in gold.items()}
    scores: dict[str, Score] = defaultdict(Score)
    said: dict[str, list[RecordedAnswer]] = defaultdict(list)
    settled: dict[str, Posterior] = {}
    done, bought = set[str](), 0
    for answer in work:
        if answer.task in done:
            continue
        while left.get(answer.worker) and chance.random() < gold_share:
            known = left[answer.worker].popleft()
            is_right = known.label == recording.truth[known.task]
            scores[answer.worker], bought = scores[answer.worker].after(correct=is_right), bought + 1
        said[answer.task].append(answer)
        bought += 1
        votes = [Vote(answer_of(each.label), scores[each.worker].mean) for each in said[answer.task]]
        belief, (least, most) = posterior(schema, votes), overlap
        decision = decide(
            belief.confidence, answers=len(votes), overlap_min=least, overlap_max=most, confidence=confidence
        )
        if decision is not Decision.ONE_MORE:
            done.add(answer.task)
        if decision is Decision.RESOLVED:
            settled[answer.task] = belief
    return RuleBefore(
        answers=bought,
        settled=len(settled),
        right=_mean(
            [
                belief.leader.chosen(CONTROL)[0] == recording.truth[task]
                for task, belief in settled.items()
                if task in recording.truth
            ]
        ),
        mean_confidence=_mean([belief.confidence for belief in settled.values()]),
    )


def _mean(values: Collection[float]) -> float | None:
    return sum(values) / len(values) if values else None
