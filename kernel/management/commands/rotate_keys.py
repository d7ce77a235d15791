"""`manage.py rotate_keys`: wraps all subject keys under the current master key; may run beside everything else."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kernel.services.key_rotation import AT_ONCE, outdated_keys, rotate_keys
from kernel.services.subject_keys import keyring


class Command(BaseCommand):
    help = (
        "Wrap every subject key under the current (first) master key of ASSAY_MASTER_KEYS. Safe beside readers and "
        "writers; may be stopped and run again. Ends with 0 when the older master keys may be removed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=AT_ONCE, help="Keys in one transaction.")
        parser.add_argument("--check", action="store_true", help="Only count what would be done.")

    def handle(self, *, batch: int, check: bool, **options: Any) -> None:
        if batch < 1:
            raise CommandError("--batch is a number of keys, at least 1.")
        current = keyring().current.id
        before = outdated_keys().count()
        self.stdout.write(f"The current master key is {current}. Keys under another: {before}.")
        if not check:
            self._rotate(batch)
        left = outdated_keys().count()
        if left:
            raise CommandError(f"{left} keys are still under another master key than {current}; keep the older ones.")
        self.stdout.write(f"Every key is under {current}; the older master keys may be removed.")

    def _rotate(self, at_once: int) -> None:
        done = 0
        for batch in rotate_keys(at_once=at_once):
            done += batch.rewrapped
            for key_id in batch.unopened:
                self.stderr.write(f"Subject key {key_id} does not open with any master key that is set; it was left.")
        self.stdout.write(f"Wrapped anew: {done}.")
