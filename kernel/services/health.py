"""Whether an installation can work: database and broker answer, and its parts have lately done something."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from celery import current_app
from django.db import Error as DatabaseError
from django.db import connection
from kombu.exceptions import KombuError, OperationalError

from kernel import clock
from kernel.models import Heartbeat

PARTS: Final = ("relay", "worker", "beat")
LATE_AFTER: Final = timedelta(seconds=60)
BROKER_TIMEOUT_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part is; ``seen_seconds_ago`` is its last sign of life, None when it gives none or never gave one."""

    part: str
    well: bool
    seen_seconds_ago: float | None = None


def show_life(*, part: str) -> None:
    """Note that ``part`` is doing something at this moment."""
    assert part in PARTS
    Heartbeat.objects.update_or_create(part=part, defaults={"at": clock.now()})


def examine() -> list[Finding]:
    """How each part of the installation is at this moment."""
    broker = Finding("broker", _broker_answers())
    try:
        seen = dict(Heartbeat.objects.values_list("part", "at"))
    except DatabaseError:
        connection.close()
        return [Finding("database", well=False), broker, *(Finding(part, well=False) for part in PARTS)]
    now = clock.now()
    ages = {part: now - seen[part] for part in PARTS if part in seen}
    return [
        Finding("database", well=True),
        broker,
        *(
            Finding(part, ages[part] < LATE_AFTER, round(ages[part].total_seconds(), 1))
            if part in ages
            else Finding(part, well=False)
            for part in PARTS
        ),
    ]


def _broker_answers() -> bool:
    try:
        with current_app.connection_for_write(connect_timeout=BROKER_TIMEOUT_SECONDS) as broker:
            broker.ensure_connection(max_retries=0, timeout=BROKER_TIMEOUT_SECONDS)
    except (KombuError, OperationalError, OSError):
        return False
    return True
