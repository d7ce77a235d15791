"""The demo's simulated crowd: who is in it, how it errs, and that a seed fixes all of it."""

import random
from collections import Counter
from itertools import combinations

import pytest

from marketplace.demo.crowd import Persona, SimulatedWorker, crowd
from marketplace.demo.digits import load_digits
from marketplace.demo.people import invent_people

DIGITS = load_digits()
EXAM_QUESTIONS = 20
PASS_MARK = 0.75
CROWDS = {seed: crowd(seed=seed) for seed in (1, 2, 3)}

a_crowd = pytest.mark.parametrize("workers", CROWDS.values(), ids=[f"seed {seed}" for seed in CROWDS])


def test_a_seed_fixes_the_whole_crowd() -> None:
    assert crowd(seed=1) == CROWDS[1]
    assert [worker.answers for worker in CROWDS[1]] != [worker.answers for worker in CROWDS[2]]
    assert {worker.email for worker in CROWDS[1]} != {worker.email for worker in CROWDS[2]}


def test_sixty_workers_are_mostly_careful_and_some_are_not() -> None:
    assert Counter(worker.persona for worker in CROWDS[1]) == {
        Persona.CAREFUL: 33,
        Persona.AVERAGE: 12,
        Persona.CARELESS: 8,
        Persona.SPAMMER: 5,
        Persona.PRETENDER: 1,
        Persona.COPIER: 1,
    }


def test_the_smallest_crowd_has_every_persona() -> None:
    assert Counter(worker.persona for worker in crowd(seed=1, size=10)) == {
        Persona.CAREFUL: 4,
        Persona.AVERAGE: 2,
        Persona.CARELESS: 1,
        Persona.SPAMMER: 1,
        Persona.PRETENDER: 1,
        Persona.COPIER: 1,
    }


def test_a_crowd_too_small_for_every_persona_is_refused() -> None:
    with pytest.raises(ValueError) as refusal:
        crowd(seed=1, size=9)

    assert str(refusal.value) == "A crowd of 9 cannot have every persona. Its size may be 10 or more."


@a_crowd
@pytest.mark.parametrize(
    ("persona", "worst", "best"),
    [
        (Persona.CAREFUL, 0.88, 0.975),
        (Persona.AVERAGE, 0.77, 0.90),
        (Persona.CARELESS, 0.58, 0.75),
        (Persona.SPAMMER, 0.08, 0.12),
        (Persona.PRETENDER, 0.08, 0.12),
        (Persona.COPIER, 0.85, 0.97),
    ],
)
def test_each_persona_is_as_good_as_its_name(
    workers: list[SimulatedWorker], persona: Persona, worst: float, best: float
) -> None:
    found = {worker.name: worker.accuracy for worker in those(workers, persona)}

    assert {name: accuracy for name, accuracy in found.items() if not worst <= accuracy <= best} == {}


@a_crowd
def test_accuracy_is_what_the_answers_say(workers: list[SimulatedWorker]) -> None:
    assert [worker.accuracy for worker in workers] == [
        sum(worker.answer(digit) == digit.label for digit in DIGITS) / len(DIGITS) for worker in workers
    ]


@a_crowd
def test_an_exam_passes_the_careful_and_stops_spammers_and_most_of_the_careless(
    workers: list[SimulatedWorker],
) -> None:
    passed = Counter(worker.persona for worker in certified(workers))

    assert passed[Persona.CAREFUL] == 33
    assert passed[Persona.AVERAGE] >= 9
    assert passed[Persona.CARELESS] <= 4
    assert passed[Persona.SPAMMER] == 0
    assert passed[Persona.PRETENDER] == 1


@a_crowd
def test_five_certified_workers_are_mostly_right_and_often_not_of_one_mind(workers: list[SimulatedWorker]) -> None:
    panel, chance = certified(workers), random.Random(5)

    right = unlike = 0
    for digit in DIGITS:
        votes = Counter(worker.answer(digit) for worker in chance.sample(panel, 5)).most_common()
        right += votes[0][0] == digit.label
        unlike += len(votes) > 1

    assert 0.95 <= right / len(DIGITS) <= 0.98
    assert 0.30 <= unlike / len(DIGITS) <= 0.45


@a_crowd
def test_some_images_mislead_most_people_and_many_mislead_few(workers: list[SimulatedWorker]) -> None:
    careful = those(workers, Persona.CAREFUL)
    misled = [sum(worker.answer(digit) != digit.label for worker in careful) / len(careful) for digit in DIGITS]

    assert 20 <= sum(share > 0.5 for share in misled) <= 60
    assert sum(share < 0.1 for share in misled) > 1400


@a_crowd
def test_careful_workers_err_on_the_same_images_more_than_chance_would_have_it(
    workers: list[SimulatedWorker],
) -> None:
    errors = [
        {digit.index for digit in DIGITS if worker.answer(digit) != digit.label}
        for worker in those(workers, Persona.CAREFUL)
    ]
    shared = sum(len(one & other) for one, other in combinations(errors, 2))
    by_chance = sum(len(one) * len(other) / len(DIGITS) for one, other in combinations(errors, 2))

    assert shared > 3 * by_chance
    assert all(one != other for one, other in combinations(errors, 2))


@a_crowd
def test_spammers_answer_without_looking(workers: list[SimulatedWorker]) -> None:
    for spammer in those(workers, Persona.SPAMMER):
        given = {spammer.answer(digit) for digit in DIGITS}
        if spammer.habit == "answers at random":
            assert given == set(range(10))
        else:
            assert [f"always answers {answer}" for answer in given] == [spammer.habit]


@a_crowd
def test_a_pretender_sees_well_in_the_exam_only(workers: list[SimulatedWorker]) -> None:
    [pretender] = those(workers, Persona.PRETENDER)

    assert sum(pretender.answer(digit, in_exam=True) == digit.label for digit in DIGITS) > 1580
    assert sum(pretender.answer(digit) == digit.label for digit in DIGITS) < 216


def test_only_a_pretender_treats_exams_and_work_differently() -> None:
    assert [worker.persona for worker in CROWDS[1] if worker.answers != worker.exam_answers] == [Persona.PRETENDER]


@a_crowd
def test_a_copier_gives_its_friends_answers_errors_included_and_later(workers: list[SimulatedWorker]) -> None:
    [copier] = those(workers, Persona.COPIER)
    [friend] = [worker for worker in workers if worker.email == copier.friend_email]
    friends_errors = [digit for digit in DIGITS if friend.answer(digit) != digit.label]

    assert friend.persona is Persona.CAREFUL
    assert copier.habit == f"gives the answers of {friend.name}"
    assert sum(copier.answer(digit) == friend.answer(digit) for digit in DIGITS) > 0.93 * len(DIGITS)
    assert sum(copier.answer(digit) == friend.answer(digit) for digit in friends_errors) > 0.8 * len(friends_errors)
    assert [digit for digit in DIGITS if copier.seconds(digit) <= friend.seconds(digit)] == []


@a_crowd
def test_people_who_look_take_longer_than_people_who_do_not(workers: list[SimulatedWorker]) -> None:
    slowest_spammer = max(typical_seconds(worker) for worker in those(workers, Persona.SPAMMER))
    careless = [typical_seconds(worker) for worker in those(workers, Persona.CARELESS)]
    fastest_careful = min(typical_seconds(worker) for worker in those(workers, Persona.CAREFUL))

    assert 0.1 < slowest_spammer < min(careless)
    assert max(careless) < fastest_careful < 10


@a_crowd
def test_honest_workers_together_want_about_six_answers_to_every_digit(workers: list[SimulatedWorker]) -> None:
    honest = [*those(workers, Persona.CAREFUL), *those(workers, Persona.AVERAGE)]
    wanted = sum(worker.appetite for worker in honest)

    assert round(wanted / len(DIGITS)) == 6
    assert min(worker.appetite for worker in honest) >= 20
    assert max(worker.appetite for worker in honest) <= len(DIGITS)


def test_invented_people_cannot_be_taken_for_real_ones() -> None:
    people = [worker.person for worker in CROWDS[1]]

    assert {person.email.partition("@")[2] for person in people} == {"example.org", "example.com"}
    assert {person.tax_id[:4] for person in people} == {"000-"}
    assert {person.address.partition(", ")[2] for person in people} == {"Exampleton 00000"}
    assert {person.country for person in people} == {"US"}
    assert {person.languages[0] for person in people} == {"en"}
    assert [person for person in people if not 1955 <= person.birth_date.year <= 2004] == []


def test_no_two_invented_people_share_a_name_an_address_to_write_to_or_a_tax_id() -> None:
    people = invent_people(seed=4, count=3600)

    assert len({person.name for person in people}) == 3600
    assert len({person.email for person in people}) == 3600
    assert len({person.tax_id for person in people}) == 3600
    assert [person.email for person in people if not person.email.isascii()] == []


def test_more_people_than_there_are_names_for_are_refused() -> None:
    with pytest.raises(ValueError) as refusal:
        invent_people(seed=4, count=3601)

    assert str(refusal.value) == "There are names for 0 to 3600 people, not for 3601."


def those(workers: list[SimulatedWorker], persona: Persona) -> list[SimulatedWorker]:
    return [worker for worker in workers if worker.persona is persona]


def certified(workers: list[SimulatedWorker]) -> list[SimulatedWorker]:
    """Let everybody sit one exam of gold questions, each their own, drawn from the same ninety."""
    chance = random.Random(20)
    gold = chance.sample(DIGITS, 90)
    passed: list[SimulatedWorker] = []
    for worker in workers:
        questions = chance.sample(gold, EXAM_QUESTIONS)
        right = sum(worker.answer(digit, in_exam=True) == digit.label for digit in questions)
        if right >= PASS_MARK * EXAM_QUESTIONS:
            passed.append(worker)
    return passed


def typical_seconds(worker: SimulatedWorker) -> float:
    return sorted(worker.seconds(digit) for digit in DIGITS)[len(DIGITS) // 2]
