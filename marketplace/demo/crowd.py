"""A simulated crowd that reads handwritten digits: careful, hurried, cheating, and deterministic by seed.

Nobody here is told the right answer. A worker remembers a few digits of each kind, blurred, and answers with the
nearest memory to what it sees, which is the picture with noise of its own; the picture itself is never among its
memories. So errors depend on the image and on the worker: a 9 that looks like a 5 misleads many at once, as it does
with people. What is seen and remembered is rounded to whole numbers, so that distances are exact however a machine
adds them up.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from marketplace.demo.digits import Digit, load_digits
from marketplace.demo.people import Person, invent_people

KINDS = 10
SMALLEST_CROWD = 10
MEMORY_BLUR = 1.5
ANSWERS_WANTED_PER_DIGIT = 6
FRIEND_AT_HAND = 0.9

Answers = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.float32]


class Persona(StrEnum):
    """How a simulated worker goes about the work."""

    CAREFUL = "careful"
    AVERAGE = "average"
    CARELESS = "careless"
    SPAMMER = "spammer"
    PRETENDER = "pretender"
    COPIER = "copier"


SHARES = {
    Persona.AVERAGE: 0.2,
    Persona.CARELESS: 0.13,
    Persona.SPAMMER: 0.08,
    Persona.PRETENDER: 0.02,
    Persona.COPIER: 0.02,
}
"""Parts of a crowd, at least one worker each; all others are careful."""


@dataclass(frozen=True)
class Eye:
    """How well a persona sees; each worker draws its own values between the two given."""

    memories_per_kind: tuple[int, int]
    noise: tuple[float, float]
    lapses: tuple[float, float]


CAREFUL_EYE = Eye(memories_per_kind=(16, 46), noise=(1.0, 3.0), lapses=(0.0, 0.015))
AVERAGE_EYE = Eye(memories_per_kind=(8, 13), noise=(3.0, 4.5), lapses=(0.01, 0.03))
CARELESS_EYE = Eye(memories_per_kind=(4, 6), noise=(4.5, 6.5), lapses=(0.06, 0.14))

SECONDS = {
    Persona.CAREFUL: (4.5, 8.0),
    Persona.AVERAGE: (3.5, 7.0),
    Persona.CARELESS: (1.5, 3.0),
    Persona.SPAMMER: (0.6, 1.2),
    Persona.PRETENDER: (0.6, 1.2),
    Persona.COPIER: (3.0, 8.0),
}
"""Least and most of a worker's typical time for one answer; a copier's comes on top of its friend's."""

APPETITE_OF_OTHERS = {
    Persona.CARELESS: (100, 300),
    Persona.SPAMMER: (300, 600),
    Persona.PRETENDER: (500, 800),
    Persona.COPIER: (150, 300),
}


@dataclass(frozen=True)
class Reading:
    """What a pair of eyes made of every digit: the answers, and from 0 to 1 how hard each was to tell."""

    answers: Answers
    hesitation: npt.NDArray[np.float64]


@dataclass(frozen=True)
class SimulatedWorker:
    """One simulated worker, with every answer it would ever give settled beforehand."""

    person: Person
    persona: Persona
    habit: str
    appetite: int
    """How many answers it wants to give before it stops for good."""
    accuracy: float
    """Share of all digits that it answers rightly at work (not in an exam)."""
    friend_email: str | None = None
    """Whom a copier asks, outside the platform."""
    answers: bytes = field(repr=False, default=b"")
    exam_answers: bytes = field(repr=False, default=b"")
    seconds_taken: tuple[float, ...] = field(repr=False, default=())

    @property
    def name(self) -> str:
        """The invented person's name."""
        return self.person.name

    @property
    def email(self) -> str:
        """The invented person's e-mail address."""
        return self.person.email

    def answer(self, digit: Digit, *, in_exam: bool = False) -> int:
        """Say which digit it is, from 0 to 9. A pretender tries only while it sits an exam."""
        return (self.exam_answers if in_exam else self.answers)[digit.index]

    def seconds(self, digit: Digit) -> float:
        """Tell how long a person would have taken, to a tenth of a second; nobody need wait for it."""
        return self.seconds_taken[digit.index]


def crowd(*, seed: int, size: int = 60) -> list[SimulatedWorker]:
    """Raise a crowd of `size` workers over the demo's digits; the same seed and size give the same crowd.

    There is at least one worker of every persona. Careful and average workers together want about six answers to every
    digit, as far as so few people can give them. Raises ValueError for a size under 10.
    """
    if size < SMALLEST_CROWD:
        raise ValueError(f"A crowd of {size} cannot have every persona. Its size may be {SMALLEST_CROWD} or more.")
    digits = load_digits()
    personas = _draw_personas(seed=seed, size=size)
    people = invent_people(seed=seed, count=size)
    appetites = _draw_appetites(personas, seed=seed, digits=len(digits))
    upbringing = _Upbringing(digits)
    raised: dict[int, SimulatedWorker] = {}
    # A copier's answers are its friend's, so it is raised last, when there is somebody to befriend.
    for number in sorted(range(size), key=lambda number: personas[number] is Persona.COPIER):
        raised[number] = upbringing.raise_worker(
            person=people[number],
            persona=personas[number],
            appetite=appetites[number],
            chance=np.random.default_rng([seed, number]),
        )
    return [raised[number] for number in range(size)]


class _Upbringing:
    """Raises workers one by one over the same digits, and remembers whom a copier may befriend."""

    def __init__(self, digits: Sequence[Digit]) -> None:
        self.images: Pixels = np.array([list(digit.pixels) for digit in digits], dtype=np.float32)
        self.labels: Answers = np.array([digit.label for digit in digits], dtype=np.int64)
        self.careful: list[SimulatedWorker] = []

    def raise_worker(
        self, *, person: Person, persona: Persona, appetite: int, chance: np.random.Generator
    ) -> SimulatedWorker:
        friend = self.careful[chance.integers(len(self.careful))] if persona is Persona.COPIER else None
        reading = self._read(_eye_of(persona), chance)
        answers, habit = self._settle_answers(persona, reading, friend, chance)
        in_exam = reading.answers if persona is Persona.PRETENDER else answers
        worker = SimulatedWorker(
            person=person,
            persona=persona,
            habit=habit,
            appetite=appetite,
            accuracy=float((answers == self.labels).mean()),
            friend_email=friend.email if friend else None,
            answers=bytes(answers.tolist()),
            exam_answers=bytes(in_exam.tolist()),
            seconds_taken=_draw_seconds(persona, reading, friend, chance),
        )
        if persona is Persona.CAREFUL:
            self.careful.append(worker)
        return worker

    def _read(self, eye: Eye, chance: np.random.Generator) -> Reading:
        """Look at every image once: the nearest memory of another image names the digit, but for a lapse or two."""
        per_kind = int(chance.integers(*eye.memories_per_kind, endpoint=True))
        noise, lapses = chance.uniform(*eye.noise), chance.uniform(*eye.lapses)
        remembered = np.concatenate(
            [chance.choice(np.flatnonzero(self.labels == kind), per_kind, replace=False) for kind in range(KINDS)]
        )
        memories = _blur(self.images[remembered], by=MEMORY_BLUR, chance=chance)
        views = _blur(self.images, by=noise, chance=chance)
        distances = (views**2).sum(axis=1)[:, None] - 2 * views @ memories.T + (memories**2).sum(axis=1)
        distances[remembered, np.arange(len(remembered))] = np.inf
        by_kind = distances.reshape(-1, KINDS, per_kind).min(axis=2)
        nearest, second = np.partition(by_kind, 1, axis=1)[:, :2].T.astype(np.float64)
        guesses = chance.integers(KINDS, size=len(views))
        answers = np.where(chance.random(len(views)) < lapses, guesses, by_kind.argmin(axis=1))
        return Reading(answers=answers, hesitation=nearest / second)

    def _settle_answers(
        self, persona: Persona, reading: Reading, friend: SimulatedWorker | None, chance: np.random.Generator
    ) -> tuple[Answers, str]:
        count = len(self.labels)
        if friend:
            friends_answers = np.frombuffer(friend.answers, dtype=np.uint8)
            asked = chance.random(count) < FRIEND_AT_HAND
            return np.where(asked, friends_answers, reading.answers), f"gives the answers of {friend.name}"
        if persona is Persona.PRETENDER:
            return chance.integers(KINDS, size=count), "tries in exams, answers at random after"
        if persona is Persona.SPAMMER and chance.random() < 0.5:
            return chance.integers(KINDS, size=count), "answers at random"
        if persona is Persona.SPAMMER:
            favourite = int(chance.integers(KINDS))
            return np.full(count, favourite), f"always answers {favourite}"
        return reading.answers, "looks and answers"


def _eye_of(persona: Persona) -> Eye:
    if persona is Persona.AVERAGE:
        return AVERAGE_EYE
    if persona in (Persona.CARELESS, Persona.COPIER):
        return CARELESS_EYE
    return CAREFUL_EYE


def _blur(images: Pixels, *, by: float, chance: np.random.Generator) -> Pixels:
    return np.rint(images + np.float32(by) * chance.standard_normal(images.shape, dtype=np.float32))


def _draw_seconds(
    persona: Persona, reading: Reading, friend: SimulatedWorker | None, chance: np.random.Generator
) -> tuple[float, ...]:
    """Draw a time for every answer: around the worker's own pace, longer where it hesitates if it looks at all."""
    pace = chance.uniform(*SECONDS[persona]) * np.exp(0.3 * chance.standard_normal(len(reading.answers)))
    if persona in (Persona.CAREFUL, Persona.AVERAGE, Persona.CARELESS):
        pace *= 0.5 + reading.hesitation
    if friend:
        pace += np.array(friend.seconds_taken)
    return tuple(np.round(pace, 1).tolist())


def _draw_personas(*, seed: int, size: int) -> list[Persona]:
    """Deal out the personas in a random order, so that a worker's number says nothing about it."""
    others = [persona for persona, share in SHARES.items() for _ in range(max(1, round(share * size)))]
    personas = [Persona.CAREFUL] * (size - len(others)) + others
    random.Random(seed).shuffle(personas)
    return personas


def _draw_appetites(personas: Sequence[Persona], *, seed: int, digits: int) -> list[int]:
    """Draw how much each wants to work: a few want most of it, many want little, as in real crowds."""
    chance = random.Random(seed)
    zeal = [chance.lognormvariate(0.0, 0.7) for _ in personas]
    honest = sum(zeal[n] for n, persona in enumerate(personas) if persona not in APPETITE_OF_OTHERS)
    scale = ANSWERS_WANTED_PER_DIGIT * digits / honest
    return [
        chance.randint(*APPETITE_OF_OTHERS[persona])
        if persona in APPETITE_OF_OTHERS
        else min(digits, max(20, round(scale * zeal[n])))
        for n, persona in enumerate(personas)
    ]
