"""Text that people type: what is kept, in which form, and what is refused with which sentence."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis.strategies import sampled_from, text

from kernel.errors import Invalid
from kernel.text import clean_line, clean_text


def a_name(typed: str) -> str:
    return clean_line(typed, what="name", longest=100)


@pytest.mark.parametrize(
    "name",
    [
        "Null",
        "N/A",
        "X",
        "O'Brien",
        "Nguye\u0302\u0303n",
        "Михаил Булгаков",
        "محمد بن سلمان",
        "شیرین\u200cپرست",  # Persian needs the zero-width non-joiner
        "Zoë 👩\u200d🔬",
        "{0.__class__} {{7*7}} %s ${x}",
        "Robert'); DROP TABLE workers;--",
        "<script>alert(1)</script>",
        "हिन्दी",
    ],
)
def test_a_real_name_is_kept_as_it_was_typed(name: str) -> None:
    assert a_name(name) == unicodedata.normalize("NFC", name)


def test_text_is_kept_in_one_normal_form_without_surrounding_space() -> None:
    assert a_name("  Zoe\u0308 \u00a0\u3000") == "Zoë"
    assert a_name("Zoë") == a_name("Zoe\u0308")


def test_what_pasting_leaves_unseen_is_taken_out() -> None:
    assert a_name("\ufeffAda\u200b Love\u2060lace\u200b") == "Ada Lovelace"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The name is empty: it holds nothing that can be seen."),
        (" ", "The name is empty: it holds nothing that can be seen."),
        ("\u200b", "The name is empty: it holds nothing that can be seen."),
        ("\u200d\u200c\u00ad\u200e", "The name is empty: it holds nothing that can be seen."),
        ("\u3164\u2800\u115f", "The name is empty: it holds nothing that can be seen."),
        ("\u0301\ufe0f", "The name is empty: it holds nothing that can be seen."),
        ("Ada\nBcc: all", "The name holds a line end (U+000A) at character 4; leave it out."),
        ("Ada\r\n", "The name holds a line end (U+000D) at character 4; leave it out."),
        ("Ada\u2028", "The name holds a line end (U+2028) at character 4; leave it out."),
        ("Ada\x00", "The name holds a control character (U+0000) at character 4; leave it out."),
        ("\x1b[31mAda", "The name holds a control character (U+001B) at character 1; leave it out."),
        ("Ada\t", "The name holds a control character (U+0009) at character 4; leave it out."),
        (
            "\u202egnp.exe",
            "The name holds a character that turns the direction of the text (U+202E) at character 1; leave it out.",
        ),
        (
            "a\u2067b\u2069",
            "The name holds a character that turns the direction of the text (U+2067) at character 2; leave it out.",
        ),
        ("Ada\udc80", "The name holds something that is no character (U+DC80) at character 4; leave it out."),
        ("Ada\ufffe", "The name holds something that is no character (U+FFFE) at character 4; leave it out."),
        ("Ada\U000e0041", "The name holds a hidden character (U+E0041) at character 4; leave it out."),
        ("A" + "\u0301" * 11, "The name has more than 10 combining marks on one letter."),
        ("A" + "\u0301" * 300, "The name has more than 10 combining marks on one letter."),
        ("x" * 101, "The name may have 100 characters; this one has 101."),
        ("x" * 10_485_760, "The name may have 100 characters; this one has 10,485,760."),
    ],
)
def test_what_hides_deceives_or_never_ends_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refusal:
        a_name(text)

    assert refusal.value.message == sentence


def test_as_many_marks_as_any_script_stacks_are_kept() -> None:
    assert a_name("ཧ" + "\u0f90" * 10) == "ཧ" + "\u0f90" * 10


def test_ten_thousand_marks_are_refused_before_they_are_sorted() -> None:
    with pytest.raises(Invalid, match="more than 10 combining marks"):
        clean_text("a" + "\u0301\u0323" * 5_000, what="note", longest=20_000)


def test_marks_do_not_pile_up_behind_what_is_taken_out_or_taken_apart() -> None:
    for pile in ("a" + ("\u0301" * 10 + "\u200b") * 5, "a" + "\u0344" * 10):
        with pytest.raises(Invalid, match=r"The name has more than 10 combining marks on one letter\."):
            a_name(pile)


@given(text(), sampled_from([clean_line, clean_text]))
def test_what_was_once_taken_is_taken_again_unchanged(typed: str, clean: Callable[..., str]) -> None:
    try:
        taken = clean(typed, what="text", longest=50)
    except Invalid:
        return
    assert clean(taken, what="text", longest=50) == taken
    assert 1 <= len(taken) <= 50
    assert unicodedata.is_normalized("NFC", taken)


def test_several_lines_keep_their_line_ends_in_one_form() -> None:
    assert clean_text("a\r\n\tb\rc\n\n", what="note", longest=20) == "a\n\tb\nc"

    with pytest.raises(Invalid, match=r"The note holds a control character \(U\+0007\) at character 2"):
        clean_text("a\x07", what="note", longest=20)


def test_a_refusal_names_the_field_when_it_was_told_one() -> None:
    with pytest.raises(Invalid) as refusal:
        clean_line("", what="title", longest=20, field="title")

    message = "The title is empty: it holds nothing that can be seen."
    assert refusal.value.errors == [{"field": "title", "message": message}]
