"""Labeling functions: read as data and run in linear time, reported on, and fused with people's answers."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pytest

from qualification.statistics.fusion.answers import UNKNOWN, Answers
from qualification.statistics.fusion.fuse import fuse
from qualification.statistics.weak.functions import InvalidFunction, read_function
from qualification.statistics.weak.voting import ABSTAINS, Report, label_items, report, with_functions

CLASSES = ("spam", "ham")
WORDS: Final[dict[str, Any]] = {
    "name": "winner",
    "kind": "keyword",
    "field": "text",
    "words": ["you won", "Prämie"],
    "label": "spam",
}
PATTERN: Final[dict[str, Any]] = {
    "name": "link",
    "kind": "pattern",
    "field": "text",
    "expression": r"https?://\S+",
    "label": "spam",
}
TABLE: Final[dict[str, Any]] = {
    "name": "sender",
    "kind": "lookup",
    "field": "from",
    "table": {"Mum": "ham", "casino": "spam"},
}
SCORE: Final[dict[str, Any]] = {"name": "model", "kind": "score", "field": "score", "at_most": 0.2, "label": "ham"}


def said(given: Mapping[str, object], **item: object) -> str | None:
    return read_function(given, classes=CLASSES)(item)


def test_keywords_are_whole_words_in_any_case_and_script() -> None:
    assert said(WORDS, text="YOU WON!") == "spam"
    assert said(WORDS, text="Ihre PRÄMIE wartet") == "spam"
    assert said(WORDS, text="you wonder") is None
    assert said(WORDS, text=7) is None
    assert said(WORDS) is None


def test_patterns_lookups_and_scores_name_a_class_or_nothing() -> None:
    assert (said(PATTERN, text="see http://x"), said(PATTERN, text="see x")) == ("spam", None)
    assert (said(TABLE, **{"from": " mum "}), said(TABLE, **{"from": "Dad"})) == ("ham", None)
    assert (said(SCORE, score=0.2), said(SCORE, score=0.3), said(SCORE, score=True)) == ("ham", None, None)
    assert said(SCORE, score=float("nan")) is None


def test_a_pattern_that_would_take_for_ever_elsewhere_does_not_here() -> None:
    evil = {**PATTERN, "expression": "(a+)+$"}

    assert said(evil, text="a" * 50_000 + "b") is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({**WORDS, "name": ""}, "A labeling function has a name."),
        ({**WORDS, "kind": "code"}, "winner: a labeling function is of one kind: keyword, pattern, lookup, score."),
        ({**WORDS, "code": "x"}, "winner: a keyword function has no 'code'. It has: field, words, label."),
        ({**WORDS, "words": []}, "winner: words is a list of 1 to 1,000."),
        ({**WORDS, "words": [""]}, "winner: each word is a text with something in it."),
        ({**WORDS, "words": ["x" * 201]}, "winner: a word has up to 200 characters."),
        ({**TABLE, "table": {str(n): "ham" for n in range(10_001)}}, "sender: table has up to 10,000 entries."),
        ({**TABLE, "table": {"a": ["ham"]}}, "sender: \"['ham']\" is no class. Classes: ham, spam."),
        ({**WORDS, "label": "eggs"}, "winner: 'eggs' is no class. Classes: ham, spam."),
        ({**WORDS, "field": ""}, "winner: a labeling function looks at a field of the item."),
        ({**TABLE, "table": {"a": "eggs"}}, "sender: 'eggs' is no class. Classes: ham, spam."),
        ({**SCORE, "at_least": 0.5}, "model: a score is at_least or at_most a number."),
        ({**SCORE, "at_most": "0.5"}, "model: a score is compared with a number."),
        (
            {**PATTERN, "expression": "(?=a)"},
            (
                "link: the expression is not one of RE2, which knows no look-around and no back-references: "
                "invalid perl operator: (?=."
            ),
        ),
    ],
)
def test_what_is_no_function_is_refused_with_a_reason(given: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidFunction) as refused:
        read_function(given, classes=CLASSES)

    assert str(refused.value) == message


@pytest.mark.parametrize("expression", ["(a{1000}){1000}", r"(a)\1", "(?<=a)b", "(", "x" * 1001, ""])
def test_what_cannot_run_in_bounds_is_refused(expression: str) -> None:
    with pytest.raises(InvalidFunction):
        read_function({**PATTERN, "expression": expression}, classes=CLASSES)


def test_functions_are_reported_by_what_they_cover_where_they_clash_and_how_often_they_are_right() -> None:
    functions = [read_function(given, classes=CLASSES) for given in (WORDS, PATTERN, SCORE)]
    items = [
        {"text": "you won http://x", "score": 0.9},
        {"text": "you won", "score": 0.1},
        {"text": "hello", "score": 0.1},
        {"text": "hello", "score": 0.9},
    ]

    table = label_items(functions, items, classes=CLASSES)

    assert table.tolist() == [[0, 0, ABSTAINS], [0, ABSTAINS, 1], [ABSTAINS, ABSTAINS, 1], [ABSTAINS] * 3]
    assert report(functions, table, gold=[0, 1, 1, UNKNOWN]) == [
        Report(name="winner", coverage=0.5, overlap=0.5, conflict=0.25, gold=2, accuracy=0.5),
        Report(name="link", coverage=0.25, overlap=0.25, conflict=0.0, gold=1, accuracy=1.0),
        Report(name="model", coverage=0.5, overlap=0.25, conflict=0.25, gold=2, accuracy=1.0),
    ]


def test_good_functions_make_few_answers_of_people_go_further() -> None:
    generator = np.random.default_rng(3)
    tasks = 400
    truth = generator.integers(0, 2, tasks)

    def noisy(accuracy: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.where(generator.random(tasks) < accuracy, truth, 1 - truth)

    people = Answers.of(
        task=np.tile(np.arange(tasks), 2),
        worker=np.repeat([0, 1], tasks),
        said=np.concatenate([noisy(0.7), noisy(0.7)]),
        tasks=tasks,
        workers=2,
        classes=2,
    )
    rules = np.stack([noisy(0.9), noisy(0.85), noisy(0.5)], axis=1).astype(np.int32)
    rules[generator.random(rules.shape) < 0.3] = ABSTAINS
    gold = np.where(np.arange(tasks) < 60, truth, UNKNOWN)

    together = with_functions(people, rules)
    alone, fused = fuse(people, gold=gold), fuse(together, gold=gold)

    assert together.workers == 5
    rest = gold == UNKNOWN
    assert (fused.labels[rest] == truth[rest]).mean() > (alone.labels[rest] == truth[rest]).mean() + 0.1
