"""`manage.py audit …`: seal, check, prove and give away the audit log. What it writes is explained in docs/audit.md."""

import json
import shutil
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

import kernel.verify_audit
from kernel.errors import Invalid, NotFound, Refused
from kernel.services.audit_check import check_log
from kernel.services.audit_export import export_log
from kernel.services.audit_log import BrokenLog, latest_checkpoint, prove_consistency, prove_inclusion, trusted_keys
from kernel.services.sealing import seal_events

VERIFIER: Final = Path(kernel.verify_audit.__file__)


class Command(BaseCommand):
    help = "The audit log: verify, prove, export, checkpoint, key, seal."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
        verify = steps.add_parser("verify", help="Read everything again and name the first fault.")
        verify.add_argument(
            "--checkpoint", action="append", default=[], help="A file with a checkpoint that was kept elsewhere."
        )
        prove = steps.add_parser("prove", help="Print the proof that an event is in the log.")
        prove.add_argument("event", type=UUID, help="The id of an audit event.")
        export = steps.add_parser("export", help="Write the log as JSON Lines: a file, or a folder with the verifier.")
        export.add_argument("path", help="A file ending in .jsonl, a folder, or - for the standard output.")
        export.add_argument("--since", type=int, default=0, help="The first position; the whole log when not given.")
        checkpoint = steps.add_parser("checkpoint", help="Print the newest checkpoint, to be kept elsewhere.")
        checkpoint.add_argument(
            "--since", type=int, help="Print the proof instead that the log begins with that of this size."
        )
        steps.add_parser(
            "key", help="Print the public keys that checkpoints are checked against, the current one first."
        )
        steps.add_parser("seal", help="Seal now, and look at every event there is: after loading a dump.")

    def handle(self, *, step: str, **options: Any) -> None:
        try:
            getattr(self, f"_{step}")(**options)
        except (Refused, NotFound, Invalid) as refusal:
            raise CommandError(refusal.message) from refusal
        except BrokenLog as fault:
            raise CommandError(str(fault)) from fault

    def _verify(self, *, checkpoint: list[str], **options: Any) -> None:
        report = check_log(kept=[Path(name).read_text(encoding="utf-8") for name in checkpoint])
        if report.fault:
            raise CommandError(f"The log is not sound. {report.fault}")
        held = f", and against {len(checkpoint)} kept elsewhere" if checkpoint else ""
        self.stdout.write(f"{report.events} events, held against {report.checkpoints} checkpoints{held}: sound.")
        self.stdout.write(f"{report.waiting} events wait for the sealer.")

    def _prove(self, *, event: UUID, **options: Any) -> None:
        self.stdout.write(json.dumps(prove_inclusion(event_id=event).written(), ensure_ascii=False))

    def _export(self, *, path: str, since: int, **options: Any) -> None:
        lines = export_log(since=since)
        if path == "-":
            for line in lines:
                self.stdout.write(line, ending="")
            return
        folder = None if path.endswith(".jsonl") else Path(path)
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        with (folder / "audit.jsonl" if folder else Path(path)).open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
        if folder:
            shutil.copy(VERIFIER, folder)
            self.stdout.write(f"Check it with: python3 {folder / VERIFIER.name} {folder / 'audit.jsonl'} --key KEY")

    def _checkpoint(self, *, since: int | None, **options: Any) -> None:
        last = latest_checkpoint()
        if last is None:
            raise CommandError("Nothing is sealed yet, so there is no checkpoint.")
        if since is None:
            self.stdout.write(last.note, ending="")
        else:
            self.stdout.write(json.dumps(prove_consistency(old_size=since).written(), ensure_ascii=False))

    def _key(self, **options: Any) -> None:
        for key in trusted_keys():
            self.stdout.write(str(key))

    def _seal(self, **options: Any) -> None:
        self.stdout.write(f"{seal_events(look_everywhere=True)} events sealed.")
