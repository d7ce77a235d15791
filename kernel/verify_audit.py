"""Checks what Assay's audit log gives away, without Assay: an export, an inclusion proof, a consistency proof.

    python3 verify_audit.py FILE [--key PUBLIC_KEY]... [--checkpoint FILE]...

Needs Python 3.10 and the `cryptography` package, nothing else. FILE is what `manage.py audit export`, `audit prove` or
`audit checkpoint --since` wrote. PUBLIC_KEY is the log's, which you should have from somewhere else; without
it the keys in the export are taken. `--checkpoint` is one that you kept: the export must hold that very log. Ends with
0 and a line that says what was proven, or with 1 and the first fault. Hashes and proofs are those of RFC 6962.
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


def top(peaks: list[tuple[int, bytes]]) -> bytes:
    """The root over the full subtrees, from left to right, that a log consists of."""
    root = peaks[-1][1] if peaks else hashlib.sha256(b"").digest()
    for _, left in reversed(peaks[:-1]):
        root = node(left, root)
    return root


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
    if not 0 < old < new:
        same = 0 < old == new and old_root == new_root and not path
    else:
        path = path if old & (old - 1) else [old_root, *path]
        position, last = old - 1, new - 1
        while position & 1:
            position, last = position >> 1, last >> 1
        same = bool(path) and climb(path[0], position, last, path[1:]) == (old_root, new_root)
    if not same:
        raise Fault(f"The log of {new} events does not begin with the log of {old}: what stood in it was changed.")
    return f"The log of {new} events, signed at {at}, begins with the log of {old}."


class Export:
    """An export as far as it was read: every event and every checkpoint, in one pass."""

    def __init__(self, header: dict[str, Any], keys: list[str], kept: list[str]) -> None:
        self.start = self.size = header["start"]
        levels = [level for level in reversed(range(self.size.bit_length())) if self.size >> level & 1]
        self.peaks = list(zip(levels, map(base64.b64decode, header["peaks"]), strict=True))
        self.keys = keys or header["keys"]
        self.wanted = sorted(read_note(note, self.keys) for note in kept)
        self.signed, self.at = 0, ""

    def read(self, said: dict[str, Any]) -> None:
        """The next line: an event in its place, or a checkpoint over all that stands before it."""
        if "event" not in said:
            self.signed, root, self.at = read_note(said["checkpoint"], self.keys)
            if (self.signed, root) != (self.size, top(self.peaks)):
                raise Fault(f"What stands before position {self.size} is not what the next checkpoint says.")
            return
        if said["position"] != self.size:
            raise Fault(f"Position {self.size} is missing: an event was deleted, inserted or moved there.")
        level, hash_ = 0, leaf(said["event"])
        while self.peaks and self.peaks[-1][0] == level:
            level, hash_ = level + 1, node(self.peaks.pop()[1], hash_)
        self.peaks.append((level, hash_))
        self.size += 1

    def hold_against_kept(self) -> None:
        """Whether it is, so far, the log of the checkpoints that were kept."""
        while self.wanted and self.start <= self.wanted[0][0] <= self.size:
            if self.wanted.pop(0)[:2] != (self.size, top(self.peaks)):
                raise Fault(f"The first {self.size} events are not those of the checkpoint that you kept.")

    def close(self) -> str:
        """What was proven by all of it."""
        if not self.size > self.start or self.signed != self.size:
            raise Fault(
                f"The export ends at {self.size} events, its last checkpoint is of {self.signed}: its end was cut."
            )
        if self.wanted:
            size = self.wanted[0][0]
            raise Fault(f"Your checkpoint is of {size} events, here are {self.start} to {self.size}: the rest was cut.")
        places = f"positions {self.start} to {self.size - 1}"
        return f"{self.size - self.start} events, {places}, are as they were sealed; last signed at {self.at}."


def check_export(lines: Iterable[str], keys: list[str], kept: list[str]) -> str:
    """Every event and every checkpoint of an export, against the kept checkpoints too."""
    export = None
    for number, line in enumerate(lines, start=1):
        try:
            said = json.loads(line)
            if export is None:
                export = Export(said, keys, kept)
            else:
                export.read(said)
            export.hold_against_kept()
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Fault(f"Line {number} is not what an export holds.") from None
    if export is None:
        raise Fault("There is nothing in this file.")
    return export.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Check what Assay's audit log gives away, without Assay.")
    parser.add_argument("file")
    parser.add_argument("--key", action="append", default=[], help="The log's public key, from somewhere else.")
    parser.add_argument("--checkpoint", action="append", default=[], help="A file with a checkpoint that you kept.")
    asked = parser.parse_args()
    kept = [open(name, encoding="utf-8").read() for name in asked.checkpoint]  # noqa: SIM115  (it ends with the process)
    try:
        with open(asked.file, encoding="utf-8", newline="\n") as file:
            kind = json.loads(file.readline()).get("kind")
            file.seek(0)
            if kind == "inclusion":
                proven = check_inclusion(json.load(file), asked.key)
            elif kind == "consistency":
                proven = check_consistency(json.load(file), asked.key)
            else:
                proven = check_export(file, asked.key, kept)
    except (Fault, ValueError, KeyError, TypeError, AttributeError) as fault:
        print(f"FAULT  {fault if isinstance(fault, Fault) else 'This cannot be read as what Assay gives away.'}")
        return 1
    print(f"ok     {proven}")
    if not asked.key:
        print("       The key stands in the export itself. Compare it with one that you have from somewhere else.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
