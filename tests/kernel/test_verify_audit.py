"""The verifier that stands alone: what Assay gives away is checked without Assay, and a thousand tampers are found."""

import ast
import base64
import json
import random
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.management import CommandError, call_command

from kernel import verify_audit
from kernel.checkpoints import Checkpoint, new_signing_key, read_checkpoint, signing_key_of
from kernel.models import AuditEvent, AuditSeal
from kernel.services.audit_export import export_log
from kernel.services.audit_log import latest_checkpoint, signing_key, trusted_keys
from kernel.verify_audit import Fault, check_consistency, check_export, check_inclusion
from tests.kernel.audit_logs import a_sealed_log, some_events

pytestmark = pytest.mark.django_db(transaction=True)

SIZES: Final = (9, 14, 17, 24)
Line = dict[str, Any]
Chance = random.Random


def an_export(since: int = 0) -> list[Line]:
    return [json.loads(line) for line in export_log(since=since)]


def written(lines: list[Line]) -> list[str]:
    return [json.dumps(line) for line in lines]


def key() -> str:
    return str(signing_key().public)


def last_note() -> str:
    last = latest_checkpoint()
    assert last is not None
    return last.note


def verify(lines: list[Line], *, keys: list[str], kept: list[str]) -> str:
    """What is proven, or the fault."""
    try:
        return check_export(written(lines), keys, kept)
    except Fault as fault:
        return f"FAULT {fault}"


def events_of(lines: list[Line]) -> list[Line]:
    return [line for line in lines if "event" in line]


def notes_of(lines: list[Line]) -> list[Line]:
    return [line for line in lines if "checkpoint" in line]


def edit_an_event(lines: list[Line], chance: Chance) -> None:
    event = chance.choice(events_of(lines))["event"]
    name = chance.choice(sorted(event))
    event[name] = event[name] + chance.choice(("!", " ", "\u200b", "0")) if chance.random() < 0.7 else ""
    if event[name] == "":
        event[name] = "something else"


def drop_a_column(lines: list[Line], chance: Chance) -> None:
    event = chance.choice(events_of(lines))["event"]
    del event[chance.choice(sorted(event))]


def add_a_column(lines: list[Line], chance: Chance) -> None:
    chance.choice(events_of(lines))["event"]["note"] = "added"


def delete_an_event(lines: list[Line], chance: Chance) -> None:
    lines.remove(chance.choice(events_of(lines)))


def delete_an_event_and_close_the_gap(lines: list[Line], chance: Chance) -> None:
    gone = chance.choice(events_of(lines))
    lines.remove(gone)
    for line in events_of(lines):
        line["position"] -= line["position"] > gone["position"]


def insert_an_event(lines: list[Line], chance: Chance) -> None:
    copied = chance.choice(events_of(lines))
    lines.insert(chance.randrange(1, len(lines) + 1), json.loads(json.dumps(copied)))


def insert_an_event_and_make_room(lines: list[Line], chance: Chance) -> None:
    place = chance.choice(events_of(lines))
    fresh = {"position": place["position"], "event": {**place["event"], "why": "inserted"}}
    for line in events_of(lines):
        line["position"] += line["position"] >= fresh["position"]
    lines.insert(lines.index(place), fresh)


def swap_two_lines(lines: list[Line], chance: Chance) -> None:
    one, other = chance.sample([n for n, line in enumerate(lines) if "event" in line], 2)
    lines[one], lines[other] = lines[other], lines[one]


def swap_what_two_say(lines: list[Line], chance: Chance) -> None:
    one, other = chance.sample(events_of(lines), 2)
    one["event"], other["event"] = other["event"], one["event"]


def move_a_checkpoint(lines: list[Line], chance: Chance) -> None:
    note = chance.choice(notes_of(lines))
    place = lines.index(note)
    lines.remove(note)
    lines.insert(chance.choice([n for n in range(1, len(lines)) if n != place]), note)


def cut_the_last_events(lines: list[Line], chance: Chance) -> None:
    last = lines.pop()
    del lines[chance.randrange(len(lines) - SIZES[-1] // 8, len(lines)) :]
    lines.append(last)


def cut_the_last_checkpoint(lines: list[Line], chance: Chance) -> None:
    lines.pop()


def cut_to_an_earlier_checkpoint(lines: list[Line], chance: Chance) -> None:
    end = lines.index(chance.choice(notes_of(lines)[:-1]))
    del lines[end + 1 :]


def cut_anywhere(lines: list[Line], chance: Chance) -> None:
    del lines[chance.randrange(len(lines)) :]


def drop_the_header(lines: list[Line], chance: Chance) -> None:
    lines.pop(0)


def begin_later(lines: list[Line], chance: Chance) -> None:
    gone = chance.randrange(1, 8)
    lines[0]["start"] = gone
    lines[0]["peaks"] = [base64.b64encode(chance.randbytes(32)).decode() for _ in range(gone.bit_count())]
    del lines[1 : 1 + gone]


def sign_with_another_key(lines: list[Line], chance: Chance) -> None:
    sign_again([chance.choice(notes_of(lines))])


def sign_all_with_another_key(lines: list[Line], chance: Chance) -> None:
    lines[0]["keys"] = [sign_again(notes_of(lines))]


def swap_signatures(lines: list[Line], chance: Chance) -> None:
    one, other = chance.sample(notes_of(lines), 2)
    one["checkpoint"] = one["checkpoint"].partition("\n\n")[0] + "\n\n" + other["checkpoint"].partition("\n\n")[2]


def swap_checkpoints(lines: list[Line], chance: Chance) -> None:
    one, other = chance.sample(notes_of(lines), 2)
    one["checkpoint"], other["checkpoint"] = other["checkpoint"], one["checkpoint"]


def change_a_note(lines: list[Line], chance: Chance) -> None:
    note = chance.choice(notes_of(lines))
    text = note["checkpoint"]
    place = chance.randrange(len(text) - 4)
    note["checkpoint"] = text[:place] + chance.choice("Zz9+\n ".replace(text[place], "")) + text[place + 1 :]


def sign_again(notes: list[Line]) -> str:
    """Sign what the notes say with a key of the same name that is not the log's; which."""
    other = signing_key_of(new_signing_key("local"))
    for note in notes:
        said: Checkpoint = read_checkpoint(note["checkpoint"], trusted=trusted_keys())
        note["checkpoint"] = said.signed(other)
    return str(other.public)


TAMPERS: Final[tuple[Callable[[list[Line], Chance], None], ...]] = (
    edit_an_event,
    drop_a_column,
    add_a_column,
    delete_an_event,
    delete_an_event_and_close_the_gap,
    insert_an_event,
    insert_an_event_and_make_room,
    swap_two_lines,
    swap_what_two_say,
    move_a_checkpoint,
    cut_the_last_events,
    cut_the_last_checkpoint,
    cut_to_an_earlier_checkpoint,
    cut_anywhere,
    drop_the_header,
    begin_later,
    sign_with_another_key,
    sign_all_with_another_key,
    swap_signatures,
    swap_checkpoints,
    change_a_note,
)


def test_a_thousand_tampers_with_an_export_are_found() -> None:  # [B182]
    a_sealed_log(*SIZES)
    sound, keys, kept = an_export(), [key()], [last_note()]
    assert verify(sound, keys=keys, kept=kept).startswith("24 events, positions 0 to 23, are as they were sealed;")
    overlooked = []
    for seed, tamper in enumerate(islice(cycle(TAMPERS), 1000)):
        lines = json.loads(json.dumps(sound))
        tamper(lines, random.Random(seed))
        assert lines != sound, tamper.__name__
        if not verify(lines, keys=keys, kept=kept).startswith("FAULT"):
            overlooked.append((seed, tamper.__name__))
    assert overlooked == []


@pytest.mark.parametrize("since", [0, 1, 8, 9, 13, 23])
def test_an_export_may_begin_anywhere(since: int) -> None:
    a_sealed_log(*SIZES)
    lines = an_export(since)
    said = f"{24 - since} events, positions {since} to 23, are as they were sealed;"
    assert verify(lines, keys=[key()], kept=[last_note()]).startswith(said)
    assert [line["position"] for line in events_of(lines)] == list(range(since, 24))


def test_an_export_holds_every_column_of_every_event() -> None:
    a_sealed_log(3)
    some_events(1)
    shown = [line["event"] for line in events_of(an_export())]
    assert set(shown[0]) == {field.column for field in AuditEvent._meta.concrete_fields}
    for seal in AuditSeal.objects.select_related("event").order_by("position"):
        event = seal.event
        assert shown[seal.position]["at"] == event.at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        assert json.loads(shown[seal.position]["details"]) == event.details
        for name in ("id", "tx", "actor_kind", "actor_id", "action", "subject_type", "subject_id", "why"):
            assert shown[seal.position][name] == str(getattr(event, name))
    assert len(shown) == 3


def test_the_proof_of_each_event_holds_and_no_other() -> None:
    a_sealed_log(*SIZES)
    proofs = [asked("prove", str(event_id)) for event_id in AuditEvent.objects.values_list("id", flat=True)]
    for proof in proofs:
        place = f"The event at position {proof['position']} is in the log of 24 events"
        assert check_inclusion(proof, [key()]).startswith(place)
        for change in (
            {"position": proof["position"] ^ 1},
            {"event": {**proof["event"], "why": "never"}},
            {"path": proof["path"][:-1]},
            {"path": [*proof["path"], proof["path"][0]]},
            {"path": proof["path"][::-1]} if len(set(proof["path"])) > 1 else {"path": []},
        ):
            with pytest.raises(Fault):
                check_inclusion({**proof, **change}, [key()])


def test_a_log_is_proven_to_begin_with_each_of_its_checkpoints() -> None:
    a_sealed_log(*SIZES)
    for size in SIZES[:-1]:
        proof = asked("checkpoint", "--since", str(size))
        said = check_consistency(proof, [key()])
        assert said.startswith("The log of 24 events, signed at ")
        assert said.endswith(f", begins with the log of {size}.")
        changes: list[Line] = [{"path": proof["path"][1:]}, {"old": proof["new"]}, {"new": proof["old"]}, {"path": []}]
        for change in changes:
            with pytest.raises(Fault):
                check_consistency({**proof, **change}, [key()])


def test_a_log_begins_with_itself_and_with_nothing_else_of_its_size() -> None:
    a_sealed_log(7)
    proof = asked("checkpoint", "--since", "7")
    assert check_consistency(proof, [key()]).endswith(", begins with the log of 7.")
    with pytest.raises(Fault):
        check_consistency({**proof, "path": [base64.b64encode(bytes(32)).decode()]}, [key()])


def test_what_is_not_sealed_is_not_proven_yet() -> None:
    a_sealed_log(2)
    some_events(1)
    fresh = AuditEvent.objects.latest("id").pk
    with pytest.raises(CommandError, match=r"This event is not sealed yet\."):
        asked("prove", str(fresh))
    with pytest.raises(CommandError, match=r"There is no such audit event\."):
        asked("prove", "00000000-0000-8000-8000-000000000000")
    with pytest.raises(CommandError, match=r"There is no checkpoint of 1 events\."):
        asked("checkpoint", "--since", "1")
    with pytest.raises(CommandError, match=r"The log has 2 sealed events; there is none from position 2 on\."):
        call_command("audit", "export", "-", "--since", "2")


def test_a_folder_is_exported_with_the_verifier_which_runs_on_its_own(tmp_path: Path) -> None:
    a_sealed_log(*SIZES)
    folder = tmp_path / "audit-2026-11"
    call_command("audit", "export", str(folder), stdout=StringIO())
    (folder / "kept.txt").write_text(last_note(), encoding="utf-8")
    sound = alone(folder, "audit.jsonl", "--key", key(), "--checkpoint", "kept.txt")
    assert sound[0] == 0
    assert sound[1].startswith("ok     24 events, positions 0 to 23, are as they were sealed; last signed at ")

    export = (folder / "audit.jsonl").read_text(encoding="utf-8")
    (folder / "audit.jsonl").write_text(export.replace("launched", "Launched", 1), encoding="utf-8")
    assert alone(folder, "audit.jsonl") == (
        1,
        "FAULT  What stands before position 9 is not what the next checkpoint says.\n",
    )
    (folder / "proof.json").write_text(json.dumps(asked("checkpoint", "--since", "9")), encoding="utf-8")
    assert alone(folder, "proof.json", "--key", key())[0] == 0
    (folder / "proof.json").write_text("[]", encoding="utf-8")
    assert alone(folder, "proof.json") == (1, "FAULT  This cannot be read as what Assay gives away.\n")


def test_the_verifier_is_one_short_file_that_imports_nothing_of_ours() -> None:
    source = Path(verify_audit.__file__).read_text(encoding="utf-8")
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names) == {"cryptography"}
    assert len(source.splitlines()) < 180


def asked(*step: str) -> Line:
    """What `manage.py audit` prints, as JSON."""
    out = StringIO()
    call_command("audit", *step, stdout=out)
    answer: Line = json.loads(out.getvalue())
    return answer


def alone(folder: Path, *arguments: str) -> tuple[int, str]:
    """The verifier's copy in a folder, run without anything of ours on its path."""
    command = [sys.executable, "-I", "verify_audit.py", *arguments]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout
