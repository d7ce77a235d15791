"""Columns of the console's lists: what people wrote is set apart, so that its direction turns nothing beside it; money
has its currency."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kernel.money import Money

LONGEST: Final = 60
"""The most characters of a text that a list shows."""

Column = str | Callable[[Any], Any]


def set_apart(columns: Sequence[Any], *, of: type[models.Model]) -> list[Any]:
    """The columns of a list, each that holds text or another row replaced by one that shows the same in ``<bdi>``."""
    return [_apart(column) if _is_text(column, of) or _is_row(column, of) else column for column in columns]


def money_of(field: str, *, currency: str = "currency") -> Column:
    """A column that shows minor units as an amount with its currency, which stands where ``currency`` says."""

    @admin.display(description=field.removesuffix("_minor").replace("_", " "), ordering=field)
    def shown(row: Any) -> str:
        return str(Money(getattr(row, field), attrgetter(currency)(row)))

    shown.__name__ = field
    return shown


def share(field: str) -> Column:
    """A column that shows a share, 0 to 1, to three decimals."""

    @admin.display(description=field.replace("_", " "), ordering=field, empty_value="-")
    def shown(row: Any) -> str | None:
        value = getattr(row, field)
        return None if value is None else f"{value:.3f}"

    shown.__name__ = field
    return shown


def rows_in(columns: Sequence[Any], *, of: type[models.Model]) -> list[str]:
    """The columns that show other rows, by their name."""
    return [column for column in columns if _is_row(column, of)]


def _is_text(column: Any, of: type[models.Model]) -> bool:
    field = _field(column, of)
    return isinstance(field, models.CharField | models.TextField) and not field.choices


def _is_row(column: Any, of: type[models.Model]) -> bool:
    return isinstance(_field(column, of), models.ForeignKey)


def _field(column: Any, of: type[models.Model]) -> Any:
    try:
        return of._meta.get_field(column)
    except FieldDoesNotExist:
        return None


def _in_short(text: str) -> SafeString:
    """The text, or its beginning with all of it where one points: a row of a list stays a row."""
    if len(text) <= LONGEST:
        return format_html("<bdi>{}</bdi>", text)
    return format_html('<bdi title="{}">{}…</bdi>', text, text[: LONGEST - 1].rstrip())


def _apart(column: str) -> Column:
    @admin.display(description=column.replace("_", " "), ordering=column, empty_value="-")
    def shown(row: Any) -> Any:
        value = getattr(row, column)
        return None if value in (None, "") else _in_short(str(value))

    shown.__name__ = column
    return shown
