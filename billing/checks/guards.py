"""Whether the database still refuses by itself what it should: constraints, unique indexes, triggers on money."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from django.apps import apps
from django.db import connection

from billing.checks.frame import Found

TRIGGERS: Final = (
    "billing_posting_is_append_only",
    "billing_posting_is_never_truncated",
    "billing_posting_comes_with_an_event",
    "billing_ledgerentry_is_append_only",
    "billing_ledgerentry_is_never_truncated",
    "billing_ledgerentry_comes_with_an_event",
    "entries_keep_balances",
    "ledgeraccount_is_guarded",
    "ledgeraccount_is_never_truncated",
    "posting_has_its_entries",
    "billing_funding_follows_its_flow",
    "billing_refund_follows_its_flow",
    "billing_payout_follows_its_flow",
    "billing_stripeevent_follows_its_flow",
    "payout_waits_for_its_destination",
    "replaced_payout_account_is_held",
    "changed_payout_destination_is_held",
    "kernel_auditevent_is_append_only",
    "kernel_auditevent_is_never_truncated",
)

_IN_FORCE: Final = """
    SELECT conname FROM pg_constraint
        WHERE contype <> 't' AND convalidated AND connamespace = current_schema()::regnamespace
    UNION SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indisvalid AND c.relnamespace = current_schema()::regnamespace
    UNION SELECT c.relname || '.' || a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
        WHERE i.indisvalid AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL
        AND c.relnamespace = current_schema()::regnamespace
    UNION SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')
"""


def guards_of(app_label: str, triggers: Iterable[str]) -> Callable[[], Found]:
    """A check that finds what the migrations of an app guard and what is not in force here.

    That is: ``triggers``, and the constraints and unique columns of its models.
    """

    def gone() -> Found:
        with connection.cursor() as cursor:
            cursor.execute(_IN_FORCE)
            in_force = {name for (name,) in cursor.fetchall()}
        return ((guard, "It is not in force.") for guard in [*triggers, *_declared(app_label)] if guard not in in_force)

    return gone


def _declared(app_label: str) -> Iterator[str]:
    for model in apps.get_app_config(app_label).get_models():
        yield from (constraint.name for constraint in model._meta.constraints)
        yield from (f"{model._meta.db_table}.{field.column}" for field in model._meta.local_fields if field.unique)
