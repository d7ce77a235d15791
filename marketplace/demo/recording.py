"""Recorded answers of a crowd and the truth about them: read from files, and refused with the line that is wrong."""

import gzip
import random
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Final
from xml.sax.saxutils import quoteattr

from kernel.strict_json import NotStrictJson, loads
from marketplace.services.import_cells import LONGEST_EXTERNAL_ID
from qualification.labels.attributes import MAX_LABEL_CHARACTERS
from qualification.labels.errors import SchemaError, quoted, spelt
from qualification.labels.results import Answer, to_result
from qualification.labels.schema import parse_schema
from qualification.labels.text import flaw_of

MOST_LABELS: Final = 100
"""A person picks one of so many choices; more distinct answers are numbers or texts, which this does not replay."""

LARGEST_LINE_BYTES: Final = 64 * 1024
GZIP_MARK: Final = b"\x1f\x8b"
CONTROL: Final = "label"
FIELD: Final = "task"


class UnusableRecording(Exception):
    """The files cannot be replayed; the message says which file, which line, and why."""


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What one worker once answered to one task."""

    task: str
    worker: str
    label: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Recording:
    """A worker's first answer to each of their tasks, and the truth where it is known, of these tasks only.

    The answers are in the order in which they were given when ``is_timed``, and else in that of the file. ``repeated``
    answers were left out because their worker had answered their task before.
    """

    answers: tuple[RecordedAnswer, ...]
    truth: Mapping[str, str]
    is_timed: bool
    repeated: tuple[RecordedAnswer, ...]

    @property
    def tasks(self) -> list[str]:
        """Every task once, in the order of its first answer."""
        return list(dict.fromkeys(answer.task for answer in self.answers))

    @property
    def workers(self) -> list[str]:
        """Every worker once, in the order of their first answer."""
        return list(dict.fromkeys(answer.worker for answer in self.answers))

    @property
    def labels(self) -> list[str]:
        """Every label that was given or is true, sorted: ties of consensus go to the first of them."""
        return sorted({answer.label for answer in self.answers} | set(self.truth.values()))

    def limited(self, tasks: int, *, chance: random.Random) -> "Recording":
        """The same of at most so many tasks, drawn by ``chance``; those with a known truth go first."""
        drawn = chance.sample(self.tasks, len(self.tasks))
        kept = set(sorted(drawn, key=lambda task: task not in self.truth)[:tasks])
        return replace(
            self,
            answers=tuple(answer for answer in self.answers if answer.task in kept),
            repeated=tuple(answer for answer in self.repeated if answer.task in kept),
            truth={task: label for task, label in self.truth.items() if task in kept},
        )


def read_recording(*, answers: Path, truth: Path) -> Recording:
    """The recording in two files of JSON Lines, gzipped or not: ``{"task", "worker", "label"}``, ``{"task", "label"}``.

    An ``at`` (a time in ISO 8601) in every answer gives their order; all else in a line is left aside. Raises
    UnusableRecording.
    """
    given = [_answer(line) for line in _lines(answers)]
    is_timed = _is_timed(answers, given)
    if is_timed:
        given.sort(key=lambda answer: answer.at or datetime.min.replace(tzinfo=UTC))
    first: dict[tuple[str, str], RecordedAnswer] = {}
    repeated = [answer for answer in given if first.setdefault((answer.task, answer.worker), answer) is not answer]
    known = _truth(truth)
    answered = {answer.task for answer in given}
    recording = Recording(
        answers=tuple(first.values()),
        truth={task: label for task, label in known.items() if task in answered},
        is_timed=is_timed,
        repeated=tuple(repeated),
    )
    if not recording.truth:
        raise UnusableRecording(
            f"No task of {answers} is among those of {truth}: {len(answered):,} tasks were answered and the truth of "
            f"{len(known):,} others is given. Task ids must be written alike in both."
        )
    label_config(recording.labels)
    return recording


def label_config(labels: Sequence[str]) -> str:
    """The label schema of a recording: one of ``labels`` for the task that is shown. Raises UnusableRecording."""
    if len(labels) < 2:
        raise UnusableRecording(f"All answers are {quoted(labels[0])}, so there is nothing to find out.")
    if len(labels) > MOST_LABELS:
        raise UnusableRecording(
            f"There are {len(labels):,} different labels, and at most {MOST_LABELS} can be replayed: labels are "
            "classes that one is chosen from, not numbers, texts or boxes."
        )
    choices = "\n".join(f"    <Choice value={quoteattr(label)}/>" for label in labels)
    xml = (
        f'<View>\n  <Text name="shown" value="${FIELD}"/>\n'
        f'  <Choices name="{CONTROL}" toName="shown" required="true">\n{choices}\n  </Choices>\n</View>'
    )
    try:
        parse_schema(xml)
    except SchemaError as error:
        raise UnusableRecording(f"The labels cannot be choices of one question. {error.message}") from error
    return xml


def result_of(label: str, *, config: str) -> list[dict[str, object]]:
    """An answer under that schema, in Label Studio's result form."""
    return to_result(parse_schema(config), Answer.of({CONTROL: [label]}))


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a file, read as an object."""

    path: Path
    number: int
    values: Mapping[str, object]

    def fault(self, reason: str) -> UnusableRecording:
        return UnusableRecording(f"{self.path}, line {self.number}: {reason}")

    def text(self, name: str) -> str:
        """A field that must be there and be a text."""
        if name not in self.values:
            has = ", ".join(spelt(field) for field in list(self.values)[:20]) or "nothing"
            raise self.fault(f"There is no {quoted(name)} in it. It has: {has}.")
        value = self.values[name]
        if not isinstance(value, str):
            raise self.fault(f"The {name} is no text in quotes.")
        return value

    def task(self) -> str:
        return self._plain("task", longest=LONGEST_EXTERNAL_ID)

    def label(self) -> str:
        return self._plain("label", longest=MAX_LABEL_CHARACTERS)

    def at(self) -> datetime | None:
        if self.values.get("at") is None:
            return None
        try:
            at = datetime.fromisoformat(self.text("at"))
        except ValueError:
            raise self.fault("The at is no time such as 2026-01-31T12:00:00Z.") from None
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    def _plain(self, name: str, *, longest: int) -> str:
        text = self.text(name)
        if flaw := flaw_of(text, max_characters=longest):
            raise self.fault(f"The {name} {quoted(text)} {flaw}.")
        return text


def _answer(line: _Line) -> RecordedAnswer:
    worker = line.text("worker")
    if not worker.strip():
        raise line.fault("The worker is empty.")
    return RecordedAnswer(task=line.task(), worker=worker, label=line.label(), at=line.at())


def _truth(path: Path) -> dict[str, str]:
    truth: dict[str, str] = {}
    for line in _lines(path):
        task, label = line.task(), line.label()
        if truth.setdefault(task, label) != label:
            raise line.fault(f"The task {quoted(task)} is {quoted(label)} here and {quoted(truth[task])} before.")
    return truth


def _is_timed(path: Path, answers: Sequence[RecordedAnswer]) -> bool:
    timed = sum(answer.at is not None for answer in answers)
    if timed not in {0, len(answers)}:
        raise UnusableRecording(
            f"{path}: {timed:,} of {len(answers):,} answers have an at. Give it in all, for their order, or in none."
        )
    return timed > 0


def _lines(path: Path) -> Iterator[_Line]:
    try:
        with path.open("rb") as plain:
            if plain.peek(len(GZIP_MARK)).startswith(GZIP_MARK):
                with gzip.GzipFile(fileobj=plain) as unpacked:
                    yield from _objects(path, unpacked)
            else:
                yield from _objects(path, plain)
    except FileNotFoundError:
        raise UnusableRecording(f"There is no file {path}.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnusableRecording(f"{path} is no whole gzip file: {error}") from error
    except OSError as error:
        raise UnusableRecording(f"{path} cannot be read: {error.strerror}.") from error


def _objects(path: Path, stream: BufferedIOBase) -> Iterator[_Line]:
    number = 0
    while written := stream.readline(LARGEST_LINE_BYTES + 1):
        number += 1
        try:
            if len(written) > LARGEST_LINE_BYTES:
                raise NotStrictJson(f"The line is longer than {LARGEST_LINE_BYTES:,} bytes.")
            value = loads(written) if written.strip() else {}
        except NotStrictJson as error:
            raise UnusableRecording(f"{path}, line {number}: {error.message}") from None
        if not isinstance(value, dict):
            raise UnusableRecording(f"{path}, line {number}: This is no JSON object with a task and a label.")
        if written.strip():
            yield _Line(path, number, value)
    if number == 0:
        raise UnusableRecording(f"{path} is empty.")
