"""Amounts as people read them: exact to the last unit, in the locale that was wished for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.csv_lines import plain_amount
from kernel.money import LARGEST_MINOR, MINOR_UNIT_DIGITS, Money
from kernel.money_in_words import locale_of, money_in_words, month_in_words
from kernel.months import Month


@pytest.mark.parametrize(
    ("wished", "minor", "currency", "said"),
    [
        ("en-US", 123_450, "USD", "$1,234.50"),
        ("de-DE,de;q=0.9,en;q=0.5", 123_450, "EUR", "1.234,50\xa0€"),
        ("ja", 1_235, "JPY", "￥1,235"),
        ("en", 1_235, "JPY", "¥1,235"),
        ("ar-KW", 1_234_567, "KWD", "\u200f1,234.567\xa0د.ك.\u200f"),
        ("en-GB", -5, "GBP", "-£0.05"),
        ("en", LARGEST_MINOR, "USD", "$10,000,000,000,000.00"),
        ("", 5, "USD", "$0.05"),
        ("*", 5, "USD", "$0.05"),
        ("tlh, xx-YY;q=0.8", 5, "USD", "$0.05"),
        ("de-ZZ", 5, "EUR", "0,05\xa0€"),
        ("en;q=0, fr", 123_450, "EUR", "1\u202f234,50\xa0€"),
        ("x" * 10_000, 5, "USD", "$0.05"),
    ],
)
def test_an_amount_reads_as_its_reader_writes_it(wished: str, minor: int, currency: str, said: str) -> None:
    assert money_in_words(Money(minor, currency), locale_of(wished)) == said


def test_who_wishes_for_nothing_is_read_to_in_the_language_they_speak() -> None:
    assert str(locale_of("", spoken=["pt-BR", "en"])) == "pt_BR"
    assert str(locale_of("fr", spoken=["pt-BR", "en"])) == "fr"


@given(
    st.integers(-LARGEST_MINOR, LARGEST_MINOR),
    st.sampled_from(sorted(MINOR_UNIT_DIGITS)),
    st.sampled_from(["de", "en", "hi", "ja"]),
)
def test_no_unit_is_lost_in_words(minor: int, currency: str, code: str) -> None:
    digits = "".join(letter for letter in money_in_words(Money(minor, currency), locale_of(code)) if letter.isdecimal())
    plain = plain_amount(Money(minor, currency))

    assert int(digits) == abs(minor)
    assert (int(plain.replace(".", "")), len(plain.rpartition(".")[2]) if "." in plain else 0) == (
        minor,
        MINOR_UNIT_DIGITS[currency],
    )


def test_months_read_with_their_year() -> None:
    assert [month_in_words(Month(2026, 11), locale_of(code)) for code in ("en", "de", "ja")] == [
        "November 2026",
        "November 2026",
        "2026年11月",
    ]
