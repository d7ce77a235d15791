"""What somebody might do to a sealed log who may silence triggers: drawn from a seed, done to real rows.

A careful tamperer makes the stored hashes fit as well; only the signing key they do not have.
"""

# ruff: noqa: S608  (tables and columns are named by this file)

import random
from collections.abc import Callable
from typing import Any, Final

from kernel.audit_content import leaf_of, selected
from kernel.checkpoints import Checkpoint, SigningKey, new_signing_key, signing_key_of
from kernel.merkle import Frontier, leaf_hash
from kernel.models import AuditCheckpoint
from kernel.services.audit_log import TIER_LEVELS
from tests.kernel.audit_logs import ask, run

Chance = random.Random

TEXTS: Final = ("actor_kind", "actor_id", "action", "subject_type", "subject_id", "from_state", "to_state", "why")
EDITS: Final[dict[str, str]] = {
    **{f"kernel_auditevent.{name}": f"left({name} || '!', 30)" for name in TEXTS if name != "why"},
    "kernel_auditevent.actor_kind": "reverse(actor_kind)",
    "kernel_auditevent.why": "'it was ' || md5(random()::text)",
    "kernel_auditevent.details": "details || '{\"n\": 0.5}'",
    "kernel_auditevent.at": "at + interval '1 microsecond'",
    "kernel_auditevent.tx": "tx - 1",
    "kernel_auditevent.id": "gen_random_uuid()",
    "kernel_auditseal.position": "position + 1000",
    "kernel_auditseal.event_id": "gen_random_uuid()",
    "kernel_auditseal.leaf_hash": "sha256(leaf_hash)",
    "kernel_auditcheckpoint.size": "size + 100000",
    "kernel_auditcheckpoint.root": "sha256(root)",
    "kernel_auditcheckpoint.note": "translate(note, 'aeiou', 'eioua')",
    "kernel_auditcheckpoint.signed_at": "signed_at + interval '1 second'",
    "kernel_auditcheckpoint.last_tx": "last_tx + 1",
    "kernel_auditcheckpoint.last_event_id": "gen_random_uuid()",
}
"""Each column of the log's tables, with what it is changed to."""

SUBTREES: Final = {
    "kernel_auditsubtree.tier": "tier + 1",
    "kernel_auditsubtree.place": "place + 7",
    "kernel_auditsubtree.hash": "sha256(hash)",
}
EVENT: Final = ", ".join(("tx", "at", *TEXTS, "details"))


def edit(column: str, to: str) -> Callable[[Chance], None]:
    """One column of a row drawn by chance, changed."""
    table, _, name = column.partition(".")
    key = {"kernel_auditseal": "position", "kernel_auditcheckpoint": "size"}.get(table, "id")

    def change(chance: Chance) -> None:
        (row,) = chance.choice(ask(f"SELECT {key} FROM {table} ORDER BY 1"))
        run(f"UPDATE {table} SET {name} = {to} WHERE {key} = %s", row)

    return change


def delete_event(chance: Chance) -> None:
    run("DELETE FROM kernel_auditevent WHERE id = %s", event_at(a_position(chance)))


def delete_event_and_seal(chance: Chance) -> None:
    position = a_position(chance)
    run("DELETE FROM kernel_auditevent WHERE id = %s", event_at(position))
    run("DELETE FROM kernel_auditseal WHERE position = %s", position)


def delete_and_close_the_gap(chance: Chance) -> None:
    position = a_position(chance)
    run("DELETE FROM kernel_auditevent WHERE id = %s", event_at(position))
    run("DELETE FROM kernel_auditseal WHERE position = %s", position)
    run("UPDATE kernel_auditseal SET position = position + 100000 WHERE position > %s", position)
    run("UPDATE kernel_auditseal SET position = position - 100001 WHERE position > 100000")


def delete_a_seal(chance: Chance) -> None:
    run("DELETE FROM kernel_auditseal WHERE position = %s", a_position(chance))


def delete_the_last_checkpoint(chance: Chance) -> None:
    run("DELETE FROM kernel_auditcheckpoint WHERE size = (SELECT max(size) FROM kernel_auditcheckpoint)")


def insert_without_a_seal(chance: Chance) -> None:
    copy_of(event_at(a_position(chance)))


def insert_from_the_future(chance: Chance) -> None:
    run("UPDATE kernel_auditevent SET tx = tx + 1000000 WHERE id = %s", copy_of(event_at(a_position(chance))))


def insert_at_the_end(chance: Chance) -> None:
    fresh = copy_of(event_at(a_position(chance)))
    run("INSERT INTO kernel_auditseal SELECT max(position) + 1, %s, sha256('x') FROM kernel_auditseal", fresh)


def insert_in_between(chance: Chance) -> None:
    position = a_position(chance)
    fresh = copy_of(event_at(position))
    run("UPDATE kernel_auditseal SET position = position + 100000 WHERE position >= %s", position)
    run("UPDATE kernel_auditseal SET position = position - 99999 WHERE position >= 100000")
    run("INSERT INTO kernel_auditseal VALUES (%s, %s, sha256('x'))", position, fresh)


def put_another_in_its_place(chance: Chance) -> None:
    position = a_position(chance)
    fresh = copy_of(event_at(position))
    run("UPDATE kernel_auditevent SET why = 'another' WHERE id = %s", fresh)
    run("DELETE FROM kernel_auditevent WHERE id = %s", event_at(position))
    run("UPDATE kernel_auditseal SET event_id = %s WHERE position = %s", fresh, position)


def swap_two(chance: Chance) -> None:
    one, other = chance.sample(range(length()), 2)
    first, second = event_at(one), event_at(other)
    run("UPDATE kernel_auditseal SET event_id = gen_random_uuid() WHERE position = %s", one)
    run("UPDATE kernel_auditseal SET event_id = %s WHERE position = %s", first, other)
    run("UPDATE kernel_auditseal SET event_id = %s WHERE position = %s", second, one)


def swap_all_but_their_places(chance: Chance) -> None:
    """Two events exchange all that they say and keep their ids."""
    one, other = (event_at(place) for place in chance.sample(range(length()), 2))
    columns = EVENT.replace("tx, ", "")
    for to, source in ((one, other), (other, one)):
        run(
            f"UPDATE kernel_auditevent SET ({columns}) = (SELECT {columns} FROM kernel_auditevent WHERE id = %s) "
            "WHERE id = %s",
            source,
            to,
        )


def cut_the_end_of_events(chance: Chance) -> None:
    """The last events and their seals are gone; checkpoints over them stay."""
    size = chance.randrange(1, length())
    run("DELETE FROM kernel_auditevent e USING kernel_auditseal s WHERE s.event_id = e.id AND s.position >= %s", size)
    run("DELETE FROM kernel_auditseal WHERE position >= %s", size)


def cut_the_end(chance: Chance) -> None:
    """The log ends at an earlier checkpoint, as if there had never been more."""
    size = chance.choice([size for (size,) in ask("SELECT size FROM kernel_auditcheckpoint ORDER BY size")][:-1])
    run("DELETE FROM kernel_auditevent e USING kernel_auditseal s WHERE s.event_id = e.id AND s.position >= %s", size)
    run("DELETE FROM kernel_auditseal WHERE position >= %s", size)
    run("DELETE FROM kernel_auditcheckpoint WHERE size > %s", size)
    run("DELETE FROM kernel_auditsubtree WHERE (place + 1) << (8 * tier) > %s", size)


def sign_with_another_key(chance: Chance) -> None:
    sign_again(chance.choice(checkpoints()), signing_key_of(new_signing_key("local")))


def sign_under_another_name(chance: Chance) -> None:
    sign_again(chance.choice(checkpoints()), signing_key_of(new_signing_key("elsewhere")))


def swap_signatures(chance: Chance) -> None:
    one, other = chance.sample(checkpoints(), 2)
    note = one.note.partition("\n\n")[0] + "\n\n" + other.note.partition("\n\n")[2]
    run("UPDATE kernel_auditcheckpoint SET note = %s WHERE size = %s", note, one.size)


def swap_notes(chance: Chance) -> None:
    one, other = chance.sample(checkpoints(), 2)
    run("UPDATE kernel_auditcheckpoint SET note = %s WHERE size = %s", other.note, one.size)


def drop_a_signature(chance: Chance) -> None:
    one = chance.choice(checkpoints())
    run("UPDATE kernel_auditcheckpoint SET note = split_part(note, '—', 1) WHERE size = %s", one.size)


TAMPERS: Final[dict[str, Callable[[Chance], None]]] = {
    **{f"edit {column}": edit(column, to) for column, to in EDITS.items()},
    **{
        step.__name__: step
        for step in (
            delete_event,
            delete_event_and_seal,
            delete_and_close_the_gap,
            delete_a_seal,
            delete_the_last_checkpoint,
            insert_without_a_seal,
            insert_from_the_future,
            insert_at_the_end,
            insert_in_between,
            put_another_in_its_place,
            swap_two,
            swap_all_but_their_places,
            cut_the_end_of_events,
            cut_the_end,
            sign_with_another_key,
            sign_under_another_name,
            swap_signatures,
            swap_notes,
            drop_a_signature,
        )
    },
}

HASHES_ALONE: Final = {"edit kernel_auditseal.leaf_hash"}
"""What a careful tamperer would only undo by making the hashes fit."""


def make_hashes_fit(*, key: SigningKey | None = None) -> None:
    """Let seals, subtrees and the roots of checkpoints follow from the events as they are now; with a key, signed."""
    rows = ask(
        f"SELECT s.position, {selected('e')} FROM kernel_auditseal s "
        "JOIN kernel_auditevent e ON e.id = s.event_id ORDER BY s.position"
    )
    stored, frontier = {one.size: one for one in checkpoints()}, Frontier()
    run("DELETE FROM kernel_auditsubtree")
    for position, *values in rows:
        hash_ = leaf_hash(leaf_of(values))  # type: ignore[arg-type]  # all of them text
        run("UPDATE kernel_auditseal SET leaf_hash = %s WHERE position = %s", hash_, position)
        for level, place, above in frontier.add(hash_):
            if level % TIER_LEVELS == 0:
                run(
                    "INSERT INTO kernel_auditsubtree (tier, place, hash) VALUES (%s, %s, %s)",
                    level // TIER_LEVELS,
                    place,
                    above,
                )
        if key and frontier.size in stored:
            one = stored[frontier.size]
            said = Checkpoint(key.name, one.size, frontier.root(), one.signed_at)
            run(
                "UPDATE kernel_auditcheckpoint SET root = %s, note = %s WHERE size = %s",
                said.root,
                said.signed(key),
                one.size,
            )


def sign_again(one: AuditCheckpoint, key: SigningKey) -> None:
    note = Checkpoint(key.name, one.size, bytes(one.root), one.signed_at).signed(key)
    run("UPDATE kernel_auditcheckpoint SET note = %s WHERE size = %s", note, one.size)


def checkpoints() -> list[AuditCheckpoint]:
    return list(AuditCheckpoint.objects.order_by("size"))


def length() -> int:
    ((size,),) = ask("SELECT count(*)::int FROM kernel_auditseal")
    assert isinstance(size, int)
    return size


def a_position(chance: Chance) -> int:
    return chance.randrange(length())


def event_at(position: int) -> Any:
    return ask("SELECT event_id FROM kernel_auditseal WHERE position = %s", position)[0][0]


def copy_of(event_id: Any) -> Any:
    (row,) = ask(
        f"INSERT INTO kernel_auditevent ({EVENT}) SELECT {EVENT} FROM kernel_auditevent WHERE id = %s RETURNING id",
        event_id,
    )
    return row[0]
