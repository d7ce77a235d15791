"""What a certificate rests on, as plain values; what follows from it; and the check of one that somebody hands in.

Pure, so that it is the same when a certificate is issued and when anybody checks it, years later, without a database.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from qualification.labels.results import Answer
from qualification.statistics.certificates.bound import Inspection
from qualification.statistics.certificates.course import ClassCourse, Terms

T = TypeVar("T")

METHOD: Final = "betting, without replacement, 1"
ALL_LABELS: Final = ""
"""The class of all labels, where nothing is promised of single ones; no label is empty."""

MOST_LABELS: Final = 10**9
"""In one class of a certificate that is handed in."""


class WrongCertificate(Exception):
    """What somebody handed in is no certificate that holds; the message says why."""


@dataclass(frozen=True, slots=True)
class Look:
    """One inspection: the task, whether it was drawn, what its label said, and what an expert found."""

    task: str
    drawn: bool
    said: str
    found: str


@dataclass(frozen=True, slots=True)
class ClassEvidence:
    """One class when its labels came to stand: how many answers gave, how many experts; and the looks since."""

    label: str
    answered: int
    decided: int
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """What holds of one class: of its labels at most `wrong_at_most` are wrong; the terms allow `allowed`."""

    label: str
    labels: int
    allowed: int
    wrong_at_most: int

    @property
    def is_kept(self) -> bool:
        """Whether it is as much as was asked."""
        return self.wrong_at_most <= self.allowed

    @property
    def right_at_least(self) -> float:
        """The same as a share of right labels, 0 to 1."""
        return 1 - self.wrong_at_most / self.labels if self.labels else 1.0

    @property
    def in_words(self) -> str:
        """As a sentence, its share rounded down: a promise is not made larger by how it is written."""
        hundredths = 10_000 * (self.labels - self.wrong_at_most) // self.labels if self.labels else 10_000
        return f"{self.labels:,} labels {named(self.label)}: at least {hundredths / 100:.2f}% right"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it. `seed` is what tasks were drawn with, by `rank`."""

    terms: Terms
    seed: str
    classes: tuple[ClassEvidence, ...]

    def promises(self) -> list[Promise]:
        """What follows for each class."""
        return [
            Promise(
                label=one.label,
                labels=course.labels,
                allowed=self.terms.allowed(course.labels),
                wrong_at_most=course.wrong_at_most(self.terms, classes=len(self.classes)),
            )
            for one, course in zip(self.classes, self.courses(), strict=True)
        ]

    def courses(self) -> list[ClassCourse]:
        """The course of each class; labels that experts changed count where they are now."""
        moved = Counter[str]()
        for look in (look for one in self.classes for look in one.looks):
            moved[look.said] -= 1
            moved[look.found] += 1
        return [
            ClassCourse(
                inspectable=one.answered,
                labels=one.answered + one.decided + moved[one.label],
                looks=[Inspection(look.drawn, look.said == look.found) for look in one.looks],
            )
            for one in self.classes
        ]

    def written(self) -> dict[str, Any]:
        """As JSON, with what follows from it beside."""
        return {
            "method": METHOD,
            "target": self.terms.target,
            "assurance": self.terms.assurance,
            "seed": self.seed,
            "classes": [
                {
                    "label": one.label,
                    "answered": one.answered,
                    "decided": one.decided,
                    "looks": [[look.task, look.drawn, look.said, look.found] for look in one.looks],
                    "labels": promise.labels,
                    "wrong_at_most": promise.wrong_at_most,
                    "right_at_least": round(promise.right_at_least, 6),
                }
                for one, promise in zip(self.classes, self.promises(), strict=True)
            ],
        }


def rank(seed: str, task: str) -> str:
    """Where a task stands in the order of the draw: the first ones are drawn first. A SHA-256 in hexadecimal digits."""
    return hashlib.sha256(f"{seed}:{task}".encode()).hexdigest()


def hash_of_labels(labels: Iterable[tuple[str, str]]) -> str:
    """A SHA-256 of lines with a task's id, a tab and its label's key, in the order in which they come."""
    digest = hashlib.sha256()
    for task, key in labels:
        digest.update(f"{task}\t{key}\n".encode())
    return digest.hexdigest()


def check(written: Mapping[str, Any]) -> Evidence:
    """The evidence in what `Evidence.written` gave, once everything that it claims follows. Raises WrongCertificate."""
    try:
        evidence = _read(written)
        again = evidence.written()
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise WrongCertificate(f"It is not written as certificates are: {fault!r}.") from fault
    for one, promise in zip(evidence.classes, evidence.promises(), strict=True):
        _check_class(one, evidence.seed)
        if not promise.is_kept:
            raise WrongCertificate(
                f"Of the {promise.labels} labels {named(one.label)}, {promise.wrong_at_most} may be wrong; "
                f"{promise.allowed} are allowed."
            )
    if any(again[name] != written[name] for name in again):
        raise WrongCertificate("What it says does not follow from its evidence.")
    return evidence


def _read(written: Mapping[str, Any]) -> Evidence:
    if written["method"] != METHOD:
        raise WrongCertificate(f"It was made by a method that is not known here: {written['method']}.")
    classes = tuple(
        ClassEvidence(
            label=_given(one["label"], str),
            answered=_counted(one["answered"]),
            decided=_counted(one["decided"]),
            looks=tuple(
                Look(_given(task, str), _given(drawn, bool), _given(said, str), _given(found, str))
                for task, drawn, said, found in one["looks"]
            ),
        )
        for one in written["classes"]
    )
    if not classes:
        raise WrongCertificate("It has no class of labels, and so promises nothing.")
    terms = Terms(_given(written["target"], float), _given(written["assurance"], float))
    return Evidence(terms, _given(written["seed"], str), classes)


def _given(found: object, kind: type[T]) -> T:
    """What is written, where it is of this kind and no other: true is no number, and 20.0 no count."""
    if not isinstance(found, kind) or type(found) is not kind:
        raise WrongCertificate(f"It is not written as certificates are: {found!r} stands for {_KINDS[kind]}.")
    return found


_KINDS: Final[Mapping[type[object], str]] = {
    str: "a text",
    int: "a whole number",
    float: "a share",
    bool: "true or false",
}


def _counted(found: object) -> int:
    count = _given(found, int)
    if not 0 <= count <= MOST_LABELS:
        raise WrongCertificate(f"It counts {count} labels in one class; from 0 to {MOST_LABELS:,} are possible.")
    return count


def _check_class(one: ClassEvidence, seed: str) -> None:
    tasks = [look.task for look in one.looks]
    if len(set(tasks)) < len(tasks):
        raise WrongCertificate(f"A task {named(one.label)} was looked at twice.")
    if one.label != ALL_LABELS and any(look.said != one.label for look in one.looks):
        raise WrongCertificate(f"A task that was looked at does not belong to the labels {named(one.label)}.")
    ranks = [rank(seed, look.task) for look in one.looks if look.drawn]
    if ranks != sorted(ranks):
        raise WrongCertificate(f"The tasks {named(one.label)} were not drawn in the order of the seed.")


def named(label: str) -> str:
    """Which labels a class is made of, in words: `that say animal: cat`."""
    return f"that say {_in_words(label)}" if label else "of all classes"


def _in_words(label: str) -> str:
    try:
        said = Answer.from_key(label).selections
    except ValueError:  # no label of ours, but one may be handed in
        return label
    return "; ".join(f"{question}: {', '.join(choices)}" for question, choices in said) or "nothing"
