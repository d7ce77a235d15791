"""Consensus on answers that real crowds gave: as right as everybody's majority, for fewer answers."""

import gzip
import json
import random
from collections import defaultdict
from pathlib import Path

import pytest

from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema, parse_schema
from qualification.statistics.calibrated import calibrated_posterior
from qualification.statistics.consensus import Posterior, Vote, majority_vote
from qualification.statistics.scoring import Score
from qualification.statistics.stopping import Decision, decide

CROWDS = Path(__file__).resolve().parents[3] / "shared" / "data"

GOLD_SHARE = 0.05

Answers = dict[str, list[tuple[str, Answer]]]


def read(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def recording(name: str) -> tuple[LabelSchema, Answers, dict[str, Answer]]:
    folder = CROWDS / name
    if not folder.is_dir():
        pytest.skip(f"There is no recorded crowd at {folder}.")
    truth = {row["task"]: row["label"] for row in read(folder / "truth.jsonl.gz")}
    rows = [row for row in read(folder / "answers.jsonl.gz") if row["task"] in truth]
    labels = sorted({row["label"] for row in rows} | set(truth.values()))
    choices = "".join(f'<Choice value="{label}"/>' for label in labels)
    schema = parse_schema(
        f'<View><Text name="t" value="$t"/><Choices name="q" toName="t" required="true">{choices}</Choices></View>'
    )
    answers: Answers = defaultdict(list)
    for row in rows:
        answers[row["task"]].append((row["worker"], Answer.of({"q": [row["label"]]})))
    return schema, answers, {task: Answer.of({"q": [label]}) for task, label in truth.items()}


def scores_on(gold: list[str], answers: Answers, truth: dict[str, Answer]) -> dict[str, Score]:
    scores: dict[str, Score] = defaultdict(Score)
    for task in gold:
        for worker, answer in answers[task]:
            scores[worker] = scores[worker].after(correct=answer == truth[task])
    return scores


def ask(schema: LabelSchema, queue: list[tuple[str, Answer]], scores: dict[str, Score]) -> tuple[Posterior, int]:
    votes: list[Vote] = []
    for worker, answer in queue:
        votes.append(Vote(answer=answer, reliability=scores[worker].mean))
        belief = calibrated_posterior(schema, votes)
        least = min(2, len(queue))
        if (
            decide(belief.confidence, answers=len(votes), overlap_min=least, overlap_max=len(queue), confidence=0.9)
            is not Decision.ONE_MORE
        ):
            break
    return belief, len(votes)


@pytest.mark.parametrize(("name", "most_answers"), [("rte", 0.55), ("dog", 0.4), ("sp_amt", 0.3)])
def test_adaptive_overlap_is_as_right_as_everybody_together_for_fewer_answers(name: str, most_answers: float) -> None:
    schema, answers, truth = recording(name)
    chance = random.Random(3)
    tasks = chance.sample(sorted(answers), len(answers))
    gold_tasks = int(len(tasks) * GOLD_SHARE)
    scores = scores_on(tasks[:gold_tasks], answers, truth)
    right = right_by_all = asked = given = 0
    for task in tasks[gold_tasks:]:
        queue = chance.sample(answers[task], len(answers[task]))
        belief, turns = ask(schema, queue, scores)
        everybody = majority_vote(schema, [Vote(answer=answer, reliability=0.5) for _, answer in queue])
        right += belief.leader == truth[task]
        right_by_all += everybody.answer == truth[task]
        asked, given = asked + turns, given + len(queue)

    assert right >= right_by_all - 0.02 * (len(tasks) - gold_tasks)
    assert asked <= most_answers * given
