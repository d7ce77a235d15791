"""Lists, a page at a time: newest first, by cursor, with Stripe's ``created`` filter."""

from collections.abc import Callable
from itertools import islice

from billing.demo.stripe_double.errors import Json, Refusal, missing
from billing.demo.stripe_double.operation import Call
from billing.demo.stripe_double.world import World

USUAL_LIMIT = 10
LARGEST_LIMIT = 100


def page_of(
    world: World,
    call: Call,
    kind: str,
    *,
    account: str = "",
    parent: str = "",
    wanted: Callable[[Json], bool] = lambda _: True,
) -> Json:
    """One page of the objects of ``kind`` that are ``wanted`` and fit ``created``."""
    limit = call.given.get("limit", USUAL_LIMIT)
    if not 1 <= limit <= LARGEST_LIMIT:
        raise Refusal(f"Limit must be between 1 and {LARGEST_LIMIT}.", code="parameter_invalid_integer", param="limit")
    forward = "ending_before" in call.given
    cursor_name = "ending_before" if forward else "starting_after"
    cursor = call.given.get(cursor_name, "")
    if cursor and world.store.find(cursor) is None:
        raise missing(kind, cursor, param=cursor_name)
    fits = _created_filter(call.given.get("created"))
    walk = world.store.walk(kind, account=account, parent=parent, after=cursor, forward=forward)
    found = list(islice((body for body in walk if fits(body["created"]) and wanted(body)), limit + 1))
    page = found[:limit]
    return {
        "object": "list",
        "data": page[::-1] if forward else page,
        "has_more": len(found) > limit,
        "url": call.path,
    }


def _created_filter(created: int | dict[str, int] | None) -> Callable[[int], bool]:
    if created is None:
        return lambda _: True
    if isinstance(created, int):
        return lambda at: at == created
    from_, to = created.get("gte", 0), created.get("lte", 2**63)
    after, before = created.get("gt", -1), created.get("lt", 2**63)
    return lambda at: from_ <= at <= to and after < at < before
