"""Habits of workers: what many answers teach of them, what merging makes of it, and when it is left alone."""

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from qualification.labels import learning
from qualification.labels.habits import Habit, read_habits, written_habits
from qualification.labels.learning import ControlHabits, Said, SharedTask, habits_of, learn_habits
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema, parse_schema
from qualification.labels.similarity import meant_answer, merge_answers
from qualification.statistics.merging.marks import weigh_marks
from qualification.statistics.merging.numbers import fuse_numbers


def asking(control: str) -> LabelSchema:
    return parse_schema(f'<View><Text name="t" value="$text"/>{control}</View>')


NUMBERS = asking('<Number name="c" toName="t" min="0" max="100"/>')
STEPS = asking('<Number name="c" toName="t" min="1" max="9" step="1"/>')
STARS = asking('<Rating name="c" toName="t" maxRating="5"/>')
SPANS = asking('<Labels name="c" toName="t"><Label value="Name"/></Labels>')
LISTS = parse_schema('<View><List name="t" value="$list"/><Ranker name="c" toName="t"/></View>')


def saying(**value: Any) -> Answer:
    return Answer.of({"c": [json.dumps(value, separators=(",", ":"), sort_keys=True)]})


def spanning(*starts: int) -> Answer:
    values = ({"start": start, "end": start + 5, "labels": ["Name"]} for start in starts)
    return Answer.of({"c": [json.dumps(value, separators=(",", ":"), sort_keys=True) for value in values]})


def shared(
    truths: Sequence[Answer], say: Mapping[str, Callable[[int], Answer]], *, gold: int, weight: float = 1.0
) -> list[SharedTask]:
    """Everybody answers all tasks; of the first ones the truth is known."""
    return [
        SharedTask(
            fold=place % 5,
            said=tuple(Said(worker, answer(place), weight) for worker, answer in say.items()),
            truth=truth if place < gold else None,
        )
        for place, truth in enumerate(truths)
    ]


def merged(schema: LabelSchema, learnt: Sequence[ControlHabits], said: dict[str, Answer]) -> Answer:
    habits = [habits_of(learnt, worker) for worker in said]
    meant = [meant_answer(schema, answer, own) for answer, own in zip(said.values(), habits, strict=True)]
    return merge_answers(schema, meant, [1.0] * len(said), habits)


def number_of(answer: Answer) -> float:
    return float(json.loads(answer.chosen("c")[0])["number"])


def test_who_adds_ten_to_every_number_is_read_without_it() -> None:
    chance = random.Random(4)
    truths = [float(chance.randint(30, 70)) for _ in range(60)]
    tasks = shared(
        [saying(number=truth) for truth in truths],
        {
            "exact": lambda place: saying(number=truths[place] + chance.choice((-1.0, 1.0))),
            "high": lambda place: saying(number=truths[place] + 10 + chance.choice((-1.0, 1.0))),
            "wild": lambda place: saying(number=truths[place] + chance.choice((-25.0, 25.0))),
        },
        gold=20,
    )

    [learnt] = learn_habits(NUMBERS, tasks, most=3)

    exact, high, wild = (learnt.habits[worker] for worker in ("exact", "high", "wild"))
    assert (learnt.is_used, learnt.by_gold, learnt.tried) == (True, True, 20)
    assert high.shift - exact.shift == pytest.approx(10, abs=1)
    assert min(exact.weight, high.weight) > 3 * wild.weight
    said = {"exact": saying(number=50), "high": saying(number=60), "wild": saying(number=90)}
    assert number_of(merge_answers(NUMBERS, list(said.values()))) == 60
    assert number_of(merged(NUMBERS, [learnt], said)) == pytest.approx(50, abs=2)


def test_an_average_answer_weighs_what_it_weighed_by_score() -> None:
    tasks = a_crowd_of_stars(weight=2.5)

    [learnt] = learn_habits(STARS, tasks, most=3)

    assert sum(habit.weight for habit in learnt.habits.values()) / 3 == pytest.approx(2.5, abs=0.1)


def a_crowd_of_stars(*, weight: float = 1.0) -> list[SharedTask]:
    """Two who always say five stars, and one who looks."""
    stars = [1 + place % 4 for place in range(40)]
    return shared(
        [saying(rating=each) for each in stars],
        {
            "looks": lambda place: saying(rating=stars[place]),
            "nods": lambda _: saying(rating=5),
            "nods too": lambda _: saying(rating=5),
        },
        gold=20,
        weight=weight,
    )


def test_gold_tells_who_is_right_from_those_who_only_agree() -> None:
    [learnt] = learn_habits(STARS, a_crowd_of_stars(), most=3)

    said = {"looks": saying(rating=2), "nods": saying(rating=5), "nods too": saying(rating=5)}
    assert (learnt.is_used, learnt.by_gold) == (True, True)
    assert merge_answers(STARS, list(said.values())) == saying(rating=5)
    assert merged(STARS, [learnt], said) == saying(rating=2)


def test_where_all_answer_alike_nothing_is_learnt_and_scores_weigh_as_before() -> None:
    chance = random.Random(7)
    truths = [float(chance.randint(30, 70)) for _ in range(60)]
    guess = {f"worker {n}": lambda place: saying(number=truths[place] + chance.randint(-9, 9)) for n in range(4)}

    [learnt] = learn_habits(NUMBERS, shared([saying(number=each) for each in truths], guess, gold=0), most=4)

    assert (learnt.is_used, learnt.by_gold, learnt.tried, dict(learnt.habits)) == (False, False, 60, {})
    assert habits_of([learnt], "worker 1") == {}


def test_a_handful_of_tasks_teaches_nothing() -> None:
    assert [each.is_used for each in learn_habits(STARS, a_crowd_of_stars()[:9], most=3)] == [False]
    assert [each.is_used for each in learn_habits(STARS, [], most=3)] == [False]


def test_spans_that_most_workers_miss_are_there_when_those_are_known_to_miss() -> None:
    chance = random.Random(11)
    starts = (0, 10, 20, 30, 40)
    kept = {"careful": 0.95, "hasty": 0.3, "hurried": 0.3, "rushed": 0.3}
    marks = [
        {worker: spanning(*(at for at in starts if chance.random() < share)) for worker, share in kept.items()}
        for _ in range(60)
    ]
    say = {worker: (lambda place, worker=worker: marks[place][worker]) for worker in kept}

    [learnt] = learn_habits(SPANS, shared([spanning(*starts)] * 60, say, gold=15), most=4)

    said = {"careful": spanning(*starts), "hasty": spanning(0), "hurried": spanning(10), "rushed": spanning()}
    assert learnt.is_used
    assert learnt.habits["hasty"].silent < learnt.habits["careful"].silent
    assert merge_answers(SPANS, list(said.values())) == spanning()
    assert merged(SPANS, [learnt], said) == spanning(*starts)


def test_an_order_is_that_of_who_is_known_to_put_things_in_order() -> None:
    chance = random.Random(3)
    right = ["a", "b", "c", "d", "e"]

    def mixed(_: int) -> Answer:
        return saying(ranker={"c": chance.sample(right, len(right))})

    say: dict[str, Callable[[int], Answer]] = {"orders": lambda _: saying(ranker={"c": right})}
    say |= {"shuffles": mixed, "mixes": mixed}

    [learnt] = learn_habits(LISTS, shared([saying(ranker={"c": right})] * 40, say, gold=20), most=3)

    backwards = saying(ranker={"c": right[::-1]})
    said = {"orders": saying(ranker={"c": right}), "shuffles": backwards, "mixes": backwards}
    assert merge_answers(LISTS, list(said.values())) == backwards
    assert merged(LISTS, [learnt], said) == saying(ranker={"c": right})


def test_what_a_task_taught_is_left_out_where_that_task_is_merged_to_learn_from_it() -> None:
    tasks = a_crowd_of_stars()

    learnt = learn_habits(STARS, tasks, most=3)

    others = learn_habits(STARS, [task for task in tasks if task.fold != 2], most=3)
    assert habits_of(learnt, "looks", without=2) == habits_of(others, "looks")
    assert habits_of(learnt, "looks", without=2) != habits_of(learnt, "looks")


def test_a_thing_is_there_when_its_marks_outweigh_the_silence_of_the_others() -> None:
    said = [spanning(0, 10), spanning(10), spanning(10)]
    marks = {"c": Habit(1.0, marked=3.0, silent=1.0)}

    for silent, there in ((1.0, spanning(0, 10)), (2.0, spanning(10))):
        others = {"c": Habit(1.0, marked=1.0, silent=silent)}
        assert merge_answers(SPANS, said, [1.0] * 3, [marks, others, others]) == there
        assert merge_answers(SPANS, said[::-1], [1.0] * 3, [others, others, marks]) == there


def test_a_corrected_number_is_one_that_could_have_been_said() -> None:
    habits = {"c": Habit(1.0, 1.0, 1.0, shift=2.3)}

    meant = [number_of(meant_answer(STEPS, saying(number=said), habits)) for said in (9, 5, 2)]

    assert meant == [7, 3, 1]


def test_habits_are_read_as_they_were_written() -> None:
    habits = {"c": Habit(1.25, 2.5, 0.125, shift=-3.0), "d": Habit.plain(0.5)}

    assert read_habits(json.loads(json.dumps(written_habits(habits)))) == habits


def test_what_marks_and_silence_say_is_how_much_oftener_they_are_so_when_a_thing_is_there() -> None:
    """Two workers see forty things, half of them there: one marks just those, the other half of either."""
    thing, worker = (each.ravel() for each in np.meshgrid(np.arange(40), np.arange(2), indexing="ij"))
    there = (thing < 20).astype(float)
    is_marked = np.where(worker == 0, there, thing % 2).astype(float)

    marks = weigh_marks(
        thing=thing, worker=worker, is_marked=is_marked, truth=(np.arange(40) < 20).astype(float), workers=2
    )

    often, seldom = 31 / 42, 11 / 42
    told = [((20 + 8 * often) / 28, 8 * seldom / 28), ((10 + 8 * often) / 28, (10 + 8 * seldom) / 28)]
    marked = [math.log(when / not_so) for when, not_so in told]
    silent = [math.log((1 - not_so) / (1 - when)) for when, not_so in told]
    # Each is drawn to that of all by eight things; either worker marked twenty and passed over twenty.
    of_all = math.log(often / seldom), math.log((1 - seldom) / (1 - often))
    assert marks.marked.tolist() == pytest.approx([(20 * own + 8 * of_all[0]) / 28 for own in marked])
    assert marks.silent.tolist() == pytest.approx([(20 * own + 8 * of_all[1]) / 28 for own in silent])


def test_marks_of_somebody_who_hardly_ever_marks_weigh_what_those_of_all_do() -> None:
    """Else who stays silent long enough could make one mark that outweighs everybody."""
    things = 200
    thing, worker = (each.ravel() for each in np.meshgrid(np.arange(things), np.arange(4), indexing="ij"))
    truth = (np.arange(things) < 20).astype(float)
    is_marked = np.select(
        [worker == 3, worker == 2],
        [0.0, (thing % 3 == 0).astype(float)],
        default=(truth[thing] * (thing % 10 != worker)),
    ).astype(float)

    marks = weigh_marks(thing=thing, worker=worker, is_marked=is_marked, truth=truth, workers=4)

    assert marks.marked[3] < marks.marked[0] == pytest.approx(marks.marked[1])
    assert marks.marked[2] < marks.marked[3]


def test_one_slip_of_a_finger_on_gold_shifts_nobody_else() -> None:
    truth = np.arange(40, dtype=np.float64)
    task, worker = (each.ravel() for each in np.meshgrid(np.arange(40), np.arange(3), indexing="ij"))
    said = truth[task] + np.where(task % 2 == 0, 1.0, -1.0)
    said[0] = 1e15

    fused = fuse_numbers(task=task, worker=worker, said=said, tasks=40, workers=3, truth=truth)

    assert np.abs(fused.bias[1:]).max() <= 1
    assert np.isfinite(fused.variance).all()


def test_of_more_than_can_be_looked_at_gold_teaches_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "MOST_COMPARED", 15 * 3 * 3)  # fifteen tasks with three answers each

    [learnt] = learn_habits(STARS, a_crowd_of_stars()[::-1], most=3)

    assert (learnt.by_gold, learnt.tried) == (True, 15)


def test_what_everybody_adds_is_seen_where_truth_is_known() -> None:
    truth = np.arange(40, dtype=np.float64) * 2
    task, worker = (each.ravel() for each in np.meshgrid(np.arange(40), np.arange(3), indexing="ij"))
    said = truth[task] + 5.0
    known = np.where(np.arange(40) < 20, truth, np.nan)

    fused = fuse_numbers(task=task, worker=worker, said=said, tasks=40, workers=3, truth=known)
    blind = fuse_numbers(task=task, worker=worker, said=said, tasks=40, workers=3)

    assert blind.values.tolist() == pytest.approx((truth + 5).tolist())
    assert fused.values[:20].tolist() == truth[:20].tolist()
    assert fused.values[20:].tolist() == pytest.approx((truth[20:] + 5 * 4 / 64).tolist(), abs=0.01)
