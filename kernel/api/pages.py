"""Pages by cursor: each page starts right behind the last row of the one before, however many rows come or go."""

from collections.abc import Sequence
from typing import Any, Final

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet

from kernel.api import fields
from kernel.api.serializers import Query
from kernel.errors import Invalid

PAGE_SIZE: Final = 50
LARGEST_PAGE: Final = 100


class InvalidCursor(Invalid):
    """The cursor is not one that this list gave out."""

    code = "invalid_cursor"


class PageQuery(Query):
    """Which page of a list."""

    cursor = fields.LineField(
        required=False, max_length=2000, help_text="`next_cursor` of the page before; the first page without."
    )
    limit = fields.QueryIntegerField(
        required=False, min_value=1, max_value=LARGEST_PAGE, help_text=f"Rows on a page, {PAGE_SIZE} unless given."
    )


def take_page(
    rows: QuerySet[Any], *, order_by: Sequence[str], cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """One page of ``rows`` in this order, and the cursor of the next page, or None at the end.

    ``order_by`` ends in a unique column and is all ascending or all descending; none of its columns is ever null.
    """
    names = [name.lstrip("-") for name in order_by]
    descending = order_by[0].startswith("-")
    assert all(name.startswith("-") == descending for name in order_by), "A page is ordered in one direction."
    signer = Signer(salt=f"cursor:{rows.model._meta.label}:{','.join(order_by)}")
    if cursor is not None:
        rows = rows.filter(_behind(names, _values(cursor, signer), descending=descending))
    found = list(rows.order_by(*order_by)[: limit + 1])
    if len(found) <= limit:
        return found, None
    page = found[:limit]
    return page, signer.sign_object([_plain(page[-1], name) for name in names], compress=False)


def _behind(names: Sequence[str], values: Sequence[str], *, descending: bool) -> Q:
    # (a, b) > (x, y) written so that PostgreSQL can start in the index of a: a >= x and (a > x or b > y).
    beyond = "lt" if descending else "gt"
    name, value = names[0], values[0]
    if len(names) == 1:
        return Q(**{f"{name}__{beyond}": value})
    rest = _behind(names[1:], values[1:], descending=descending)
    return Q(**{f"{name}__{beyond}e": value}) & (Q(**{f"{name}__{beyond}": value}) | rest)


def _values(cursor: str, signer: Signer) -> list[str]:
    try:
        values: list[str] = signer.unsign_object(cursor)
    except (BadSignature, ValueError):
        raise InvalidCursor("This cursor is not one that this list gave out. Start again without a cursor.") from None
    return values


def _plain(row: Model, name: str) -> str:
    value = row
    for step in name.split("__"):
        value = getattr(value, step)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
