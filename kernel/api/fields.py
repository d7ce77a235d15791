"""Fields that take exactly what they say: no number from a string, no truth from a word, no text that hides."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NoReturn

from rest_framework import serializers
from rest_framework.fields import empty

from kernel.api.input import LARGEST_INTEGER, SMALLEST_INTEGER
from kernel.email_address import LONGEST_ADDRESS, canonical_email
from kernel.errors import Invalid
from kernel.money import LARGEST_MINOR, MINOR_UNIT_DIGITS
from kernel.services.access import LONGEST_PASSWORD
from kernel.text import clean_line, clean_text

DictField = serializers.DictField
ListField = serializers.ListField
SerializerMethodField = serializers.SerializerMethodField

LONGEST_TEXT: Final = 100_000
"""For fields that give no length of their own."""

_DIGITS: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


class IntegerField(serializers.IntegerField):
    """A whole number written as a JSON number; by default any that a bigint holds."""

    default_error_messages = {"invalid": "This must be a whole number, written without quotes, point or exponent."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", SMALLEST_INTEGER)
        kwargs.setdefault("max_value", LARGEST_INTEGER)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data


class MoneyMinorField(IntegerField):
    """An amount of money in whole minor units (cents); by default from 0 up to the largest that is kept."""

    default_error_messages = {"invalid": "Money is whole minor units (cents), written as a JSON number like 125."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 0)
        kwargs.setdefault("max_value", LARGEST_MINOR)
        super().__init__(**kwargs)


class FloatField(serializers.FloatField):
    """A finite number, written as a JSON number."""

    default_error_messages = {"invalid": "This must be a number, written without quotes."}

    def to_internal_value(self, data: Any) -> float:
        if type(data) not in (int, float):
            self.fail("invalid")
        return float(data)


class BooleanField(serializers.BooleanField):
    """true or false, and nothing that looks like it."""

    default_error_messages = {"invalid": "This must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if type(data) is not bool:
            self.fail("invalid")
        return data


class LineField(serializers.CharField):
    """One line of text that shows what it is, in its normal form; `kernel.text` has the rules."""

    default_error_messages = {"invalid": "This must be a text."}
    clean = staticmethod(clean_line)
    written_as: ClassVar[Mapping[str, str]] = {"format": "line"}
    """What the published schema says of how it is written."""

    def run_validation(self, data: Any = empty) -> Any:
        if isinstance(data, str):
            return super().run_validation(self._cleaned(data))
        if data is not empty and data is not None:
            self.fail("invalid")
        return super().run_validation(data)

    def _cleaned(self, text: str) -> str:
        if not text.strip():
            return ""  # what an empty text means is for the field to say
        try:
            return self.clean(text, what="text", longest=self.max_length or LONGEST_TEXT)
        except Invalid as error:
            raise serializers.ValidationError(error.message) from None


class TextField(LineField):
    """Text of several lines, with tabs."""

    clean = staticmethod(clean_text)
    written_as = {"format": "text"}


class SecretField(serializers.CharField):
    """A password or token: taken as it is, never shown, at most 256 characters."""

    default_error_messages = {"invalid": "This must be a text.", "nul": "This may not hold the character U+0000."}
    shortest: ClassVar[int] = 1
    """What the published schema says; it is the service that refuses, with all that is wrong at once."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", LONGEST_PASSWORD)
        super().__init__(trim_whitespace=False, write_only=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if "\x00" in data:
            self.fail("nul")
        return data


class NewPasswordField(SecretField):
    """A password that somebody chooses."""

    shortest = 12


class EmailField(LineField):
    """An e-mail address, taken in its canonical form; `kernel.email_address` has the rules."""

    written_as = {"format": "email"}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", LONGEST_ADDRESS)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return canonical_email(super().to_internal_value(data))
        except Invalid as error:
            raise serializers.ValidationError(error.message) from None


class UUIDField(serializers.UUIDField):
    """An id in its usual form: 32 hexadecimal digits in five groups."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str) or not _UUID.fullmatch(data):
            self.fail("invalid", value=str(data)[:60])
        return uuid.UUID(data)


class ChoiceField(serializers.ChoiceField):
    """One of the given words."""

    MOST_NAMED: Final = 20
    """With more of them, a refusal names none."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        if len(self.choices) <= self.MOST_NAMED:
            self.error_messages["invalid_choice"] = f'"{{input}}" is none of: {", ".join(map(str, self.choices))}.'

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self._refuse(data)
        return super().to_internal_value(data[:200])

    def _refuse(self, data: Any) -> NoReturn:
        self.fail("invalid_choice", input=str(data)[:60])


class CurrencyField(ChoiceField):
    """An ISO 4217 currency that is kept here, in upper case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=sorted(MINOR_UNIT_DIGITS), **kwargs)


class DateField(serializers.DateField):
    """A day: 2026-05-17."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class DateTimeField(serializers.DateTimeField):
    """An instant with its offset: 2026-05-17T12:00:00Z. Years from 1900 to 9998, so that no zone overflows."""

    default_error_messages = {
        "no_offset": "An instant needs its offset from UTC, for example 2026-05-17T12:00:00Z.",
        "out_of_range": "The year must be between 1900 and 9998.",
    }

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not value.isascii() or len(value) > 40:
            self.fail("invalid", format="YYYY-MM-DDThh:mm[:ss[.uuuuuu]]+HH:MM|Z")
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail("invalid", format="YYYY-MM-DDThh:mm[:ss[.uuuuuu]]+HH:MM|Z")
        if instant.tzinfo is None:
            self.fail("no_offset")
        if not 1900 <= instant.year <= 9998:
            self.fail("out_of_range")
        return instant.astimezone(UTC)


class ObjectField(serializers.DictField):
    """Any JSON object; the parser has bounded its depth and numbers already."""


class JSONField(serializers.JSONField):
    """Any JSON value; the parser has bounded its depth and numbers already."""


class QueryIntegerField(IntegerField):
    """A whole number behind the `?`, where everything is text: ASCII digits only."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not _DIGITS.fullmatch(data):
            self.fail("invalid")
        return int(data)


class QueryBooleanField(BooleanField):
    """`true` or `false` behind the `?`."""

    def to_internal_value(self, data: Any) -> bool:
        if data not in ("true", "false"):
            self.fail("invalid")
        return bool(data == "true")
