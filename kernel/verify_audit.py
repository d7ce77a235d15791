"""Checks what Assay's audit log gives away, without Assay: an export, an inclusion proof, a consistency proof.

    python3 verify_audit.py FILE [--key PUBLIC_KEY]... [--checkpoint FILE]...

Needs Python 3.10 and the `cryptography` package. FILE is what `manage.py audit export`, `audit prove` or
`audit checkpoint --since` wrote; PUBLIC_KEY is the log's, from somewhere else (without it the keys in the export are
taken); `--checkpoint` is one that you kept. Ends with 0 and what was proven, or with 1 and the first fault. Hashes and
proofs are those of RFC 6962.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Fault(Exception):
    """What is wrong, as a sentence."""


def leaf(event: dict[str, str]) -> bytes:
    """The hash of an event in its canonical form: RFC 8785, where all values are strings."""
    if not all(isinstance(value, str) for value in event.values()):
        raise TypeError
    written = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(b"\x00" + written.encode()).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_over(peaks: list[tuple[int, bytes]]) -> bytes:
    """The root over the full subtrees, from left to right, that a log consists of."""
    root = peaks[-1][1] if peaks else hashlib.sha256(b"").digest()
    for _, left in reversed(peaks[:-1]):
        root = node(left, root)
    return root


def add(peaks: list[tuple[int, bytes]], hash_: bytes) -> None:
    """Let the log be one event longer: subtrees of the same height become one."""
    level = 0
    while peaks and peaks[-1][0] == level:
        level, hash_ = level + 1, node(peaks.pop()[1], hash_)
    peaks.append((level, hash_))


def read_note(note: str, keys: list[str]) -> tuple[int, bytes, str]:
    """Size, root and time that a signed checkpoint states, once its signature is known to be of one of the keys."""
    text, _, signatures = note.partition("\n\n")
    origin, size, root, at = text.split("\n")
    for line in signatures.splitlines():
        mark, signer, encoded = line.split(" ")
        signed = base64.b64decode(encoded, validate=True)
        for key in keys:
            name, digits, raw = key.split("+", 2)
            public = base64.b64decode(raw, validate=True)
            key_id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
            if mark == "—" and signer == name == origin and signed[:4] == key_id and key_id.hex() == digits:
                try:
                    Ed25519PublicKey.from_public_bytes(public[1:]).verify(signed[4:], text.encode() + b"\n")
                except InvalidSignature:
                    raise Fault(f"The signature of the checkpoint of {size} events is forged.") from None
                return int(size), base64.b64decode(root, validate=True), at
    raise Fault(f"The checkpoint of {size} events is signed with a key that is not among those given.")


def climb(start: bytes, position: int, last: int, path: list[bytes]) -> tuple[bytes, bytes]:
    """Two roots above one place: of all that stands left of it, and of everything (RFC 9162, 2.1.3 and 2.1.4)."""
    left = whole = start
    for hash_ in path:
        if last == 0:
            raise Fault("The proof is longer than the log is high.")
        if position & 1 or position == last:
            left, whole = node(hash_, left), node(hash_, whole)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            whole = node(whole, hash_)
        position, last = position >> 1, last >> 1
    if last:
        raise Fault("The proof is shorter than the log is high.")
    return left, whole


def check_inclusion(proof: dict[str, Any], keys: list[str]) -> str:
    """That one event stands in the log of a checkpoint."""
    size, root, at = read_note(proof["checkpoint"], keys)
    position, path = int(proof["position"]), [base64.b64decode(hash_) for hash_ in proof["path"]]
    if not 0 <= position < size or climb(leaf(proof["event"]), position, size - 1, path)[1] != root:
        raise Fault("The event is not in the log of this checkpoint: it, its position or the proof was changed.")
    return f"The event at position {position} is in the log of {size} events that was signed at {at}."


def check_consistency(proof: dict[str, Any], keys: list[str]) -> str:
    """That the log of a newer checkpoint begins with the log of an older one."""
    (old, old_root, _), (new, new_root, at) = read_note(proof["old"], keys), read_note(proof["new"], keys)
    path = [base64.b64decode(hash_) for hash_ in proof["path"]]
    if old == new or not old & (old - 1):  # the whole tree, or a full one, is its own first hash
        path.insert(0, old_root)
    position, last = (old - 1, new - 1) if 0 < old < new else (0, 0)
    while position & 1:
        position, last = position >> 1, last >> 1
    if not 0 < old <= new or not path or climb(path[0], position, last, path[1:]) != (old_root, new_root):
        raise Fault(f"The log of {new} events does not begin with the log of {old}: what stood in it was changed.")
    return f"The log of {new} events, signed at {at}, begins with the log of {old}."


def check_export(lines: Iterable[str], keys: list[str], kept: list[str]) -> str:
    """That every event stands in its place under every checkpoint, the kept ones too; in one pass."""
    start = size = signed = number = 0
    at, peaks, wanted = "", list[tuple[int, bytes]](), set[tuple[int, bytes]]()
    try:
        for number, line in enumerate(lines, start=1):
            said = json.loads(line)
            if number == 1:  # what stands before the first event: the full subtrees, as levels and hashes
                start = size = said["start"]
                levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
                peaks = list(zip(levels, map(base64.b64decode, said["peaks"]), strict=True))
                keys = keys or said["keys"]
                wanted = {read_note(note, keys)[:2] for note in kept}
            elif "event" in said:
                if said["position"] != size:
                    raise Fault(f"Position {size} is missing: an event was deleted, inserted or moved there.")
                add(peaks, leaf(said["event"]))
                size += 1
            else:
                signed, root, at = read_note(said["checkpoint"], keys)
                if (signed, root) != (size, root_over(peaks)):
                    raise Fault(f"What stands before position {size} is not what the next checkpoint says.")
            held = {each for each in wanted if each[0] == size}
            if held - {(size, root_over(peaks))}:
                raise Fault(f"The first {size} events are not those of the checkpoint that you kept.")
            wanted -= held
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Fault(f"Line {number} is not what an export holds.") from None
    if size == start or signed != size:
        raise Fault(f"The export ends at {size} events, its last checkpoint is of {signed}: its end was cut.")
    for kept_size, _ in wanted:
        raise Fault(f"Your checkpoint is of {kept_size} events, here are {start} to {size}: the rest was cut.")
    return f"{size - start} events, positions {start} to {size - 1}, are as they were sealed; last signed at {at}."


def main() -> int:
    parser = argparse.ArgumentParser(description="Check what Assay's audit log gives away, without Assay.")
    parser.add_argument("file")
    parser.add_argument("--key", action="append", default=[], help="The log's public key, from somewhere else.")
    parser.add_argument("--checkpoint", action="append", default=[], help="A file with a checkpoint that you kept.")
    asked = parser.parse_args()
    try:
        kept = [open(name, encoding="utf-8").read() for name in asked.checkpoint]  # noqa: SIM115  (till the end)
        with open(asked.file, encoding="utf-8", newline="\n") as file:
            kind = json.loads(file.readline())["kind"]
            file.seek(0)
            if kind == "export":
                proven = check_export(file, asked.key, kept)
            else:
                check = {"inclusion": check_inclusion, "consistency": check_consistency}[kind]
                proven = check(json.load(file), asked.key)
    except (Fault, ValueError, KeyError, TypeError, AttributeError) as fault:
        print(f"FAULT  {fault if isinstance(fault, Fault) else 'This cannot be read as what Assay gives away.'}")
        return 1
    print(f"ok     {proven}")
    if not asked.key:
        print("       The key stands in the export itself. Compare it with one that you have from somewhere else.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
