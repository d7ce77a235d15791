"""How the demo's digits become tasks: the label schema, the items, and answers in Label Studio's result form."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from marketplace.demo.digits import SIDE, Digit, to_data_url

LABEL_SCHEMA: Final = """<View>
  <Header value="Which digit is this?"/>
  <Image name="image" value="$image"/>
  <Choices name="digit" toName="image" choice="single" required="true" showInline="true">
{choices}
  </Choices>
</View>""".format(choices="\n".join(f'    <Choice value="{n}" hotkey="{n}"/>' for n in range(10)))

INSTRUCTIONS: Final = """Each picture shows one handwritten digit, from 0 to 9.
Choose the digit that its writer most likely meant. When two seem possible, choose the likelier one.
Every accepted answer is paid at the price that you were shown; there is no need to hurry."""

EXAM_QUESTIONS: Final = 60
GOLD_SHARE: Final = 0.05


def result_of(label: int) -> list[dict[str, object]]:
    """``label`` as an annotation."""
    return [{"from_name": "digit", "to_name": "image", "type": "choices", "value": {"choices": [str(label)]}}]


def external_id(digit: Digit) -> str:
    """What the client calls the task of this digit."""
    return f"digit-{digit.index:04d}"


def tasks_of(digits: Sequence[Digit], *, gold: set[int]) -> list[dict[str, object]]:
    """The rows that the client imports; those of the digits in ``gold`` carry their answer and its reason."""
    rows: list[dict[str, object]] = []
    for digit in digits:
        row: dict[str, object] = {"external_id": external_id(digit), "item": {"image": to_data_url(digit)}}
        if digit.index in gold:
            row |= {"gold_answer": str(digit.label), "gold_reason": f"Its writer said that it is a {digit.label}."}
        rows.append(row)
    return rows


def exam_digits(digits: Sequence[Digit], *, gold: set[int], seed: int) -> list[Digit]:
    """Digits for the exam, none of them gold, moved by one pixel: no picture of the exam is met at work."""
    plain = [digit for digit in digits if digit.index not in gold]
    chosen = random.Random(seed + 1).sample(plain, EXAM_QUESTIONS)
    return [replace(digit, pixels=_moved(digit.pixels)) for digit in chosen]


def _moved(pixels: bytes) -> bytes:
    rows = [pixels[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE)]
    return b"".join(row[1:] + b"\0" for row in rows)


def exam_rows(digits: Sequence[Digit]) -> list[dict[str, object]]:
    """Exam questions, each with the right answer and a reason."""
    return [
        {
            "item": {"image": to_data_url(digit)},
            "result": result_of(digit.label),
            "reason": f"Its writer said that it is a {digit.label}.",
        }
        for digit in digits
    ]


def choose_gold(digits: Sequence[Digit], *, seed: int) -> set[int]:
    """The digits that are hidden gold: a fixed share, drawn by chance."""
    indexes = [digit.index for digit in digits]
    return set(random.Random(seed).sample(indexes, round(GOLD_SHARE * len(indexes))))
