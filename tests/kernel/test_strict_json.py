"""What kernel.strict_json reads, and what it refuses in which words."""

import pytest

from kernel.strict_json import NotStrictJson, StrictDecoder, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, -2.5, true, null, "é"]}', {"a": [1, -2.5, True, None, "é"]}),
        (b' \n"\xc3\xa9"\r\n', "é"),
        (r'"\ud83d\ude00"', "😀"),
        ("9223372036854775807", 2**63 - 1),
        ("[" * 32 + "]" * 32, loads("[" * 31 + "[]" + "]" * 31)),
        ('["' + "[" * 40 + '"]', ["[" * 40]),
    ],
)
def test_strict_json_is_read(text: str | bytes, value: object) -> None:
    assert loads(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "This is not JSON: Expecting value at character 1."),
        ("[1] 2", "This is not JSON: more follows after its end at character 4."),
        ("{'a': 1}", "This is not JSON: Expecting property name enclosed in double quotes at character 2."),
        ('{"a": 1, "b": 2, "a": 3}', 'The key "a" is given twice in one object; which of the two is meant?'),
        ('[{"x": {"a": 1, "a": 1}}]', 'The key "a" is given twice in one object; which of the two is meant?'),
        ("NaN", "NaN is not a number that JSON knows."),
        ("[Infinity]", "Infinity is not a number that JSON knows."),
        ("-Infinity", "-Infinity is not a number that JSON knows."),
        ("1e999", "The number 1e999 is too large."),
        ("9223372036854775808", "The number 9223372036854775808 is too large; whole numbers are kept in 64 bits."),
        ("1" * 5000, f"The number {'1' * 20} is too large; whole numbers are kept in 64 bits."),
        (r'{"a\u0000": 1}', "A text contains the NUL character, which cannot be kept."),
        (r'["\u0000"]', "A text contains the NUL character, which cannot be kept."),
        ('["\x00"]', "This is not JSON: Invalid control character at character 3."),
        (r'"\ud800"', "A text contains half of a surrogate pair, which is no character."),
        (b'"\xff"', "This is not UTF-8: byte 2 cannot be read."),
        ("[" * 33 + "]" * 33, "This is nested more than 32 deep."),
        ('{"a":' * 33 + "1" + "}" * 33, "This is nested more than 32 deep."),
        ("[" * 100_000, "This is nested more than 32 deep."),
    ],
)
def test_what_is_not_strict_json_is_refused_in_a_sentence(text: str | bytes, message: str) -> None:
    with pytest.raises(NotStrictJson) as refused:
        loads(text)

    assert refused.value.message == message


def test_a_reader_of_many_values_may_go_on_behind_a_refused_one() -> None:
    text = '{"a": NaN}, 7'
    decoder = StrictDecoder()

    with pytest.raises(NotStrictJson) as refused:
        decoder.value_at(text, 0)

    assert refused.value.end == 10
    assert decoder.value_at(text, 12) == (7, 13)
