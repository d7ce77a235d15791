"""Floors on hourly pay: set by country, held against a job's price at its launch, kept by a reserve while it runs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import IntegrityError, connection, transaction

from billing.services import ledger, pay_reserve
from billing.services.ledger import AccountKey, Kind
from kernel import clock
from kernel.errors import Invalid, Refused
from kernel.models import User
from kernel.money import MINOR_UNIT_DIGITS, Money, share_of, share_rounded_up
from kernel.services.audit import Actor, record
from marketplace.models import Band, Job, PayFloor
from marketplace.services.shapes import Shape
from marketplace.services.working_times import expected_seconds
from workforce.countries import is_country

LARGEST_HOURLY_MINOR: Final = 100_000_000
DEFAULT_RESERVE_BASIS_POINTS: Final = 1_000
SECONDS_AN_HOUR: Final = 3_600


class PayBelowFloor(Refused):
    """The job pays less for an hour than the floor where its workers live."""

    code = "pay_below_floor"


class TimeUnknown(Refused):
    """There is a floor on hourly pay, and nothing says how long an answer takes."""

    code = "time_unknown"


class FloorTaken(Refused):
    """There is a floor from this very moment on already."""

    code = "floor_taken"


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor that a job is held against, and whose it is ("" where no country is named)."""

    country: str
    hourly_minor: int


@transaction.atomic
def set_pay_floor(
    *, country: str, currency: str, hourly_minor: int, by: User, valid_from: datetime | None = None
) -> PayFloor:
    """Say what an hour is worth at least from ``valid_from``, or now, on; 0 ends a floor. Later rows win.

    Running jobs are held to it from then on. Raises Invalid or FloorTaken.
    """
    now = clock.now()
    if currency not in MINOR_UNIT_DIGITS:
        raise Invalid(f"{currency!r} is not a currency kept here. Possible: {', '.join(MINOR_UNIT_DIGITS)}.")
    if country and not is_country(country):
        raise Invalid(f"{country!r} is not a country. Write its two letters as in ISO 3166-1, such as US or DE.")
    if not 0 <= hourly_minor <= LARGEST_HOURLY_MINOR:
        raise Invalid(f"hourly_minor is {hourly_minor}; it must be between 0 and {LARGEST_HOURLY_MINOR}.")
    if valid_from is not None and valid_from < now:
        raise Invalid("A floor holds from now or a later moment on: what was paid before was paid under another.")
    floor = PayFloor(
        country=country, currency=currency, hourly_minor=hourly_minor, valid_from=valid_from or now, set_by=by
    )
    try:
        with transaction.atomic():
            floor.save(force_insert=True)
            told = {"country": country, "currency": currency, "hourly_minor": hourly_minor}
            record(action="pay_floor.set", subject=floor, by=Actor.user(by), details=told)
    except IntegrityError as taken:
        raise FloorTaken(
            f"There is a floor from {floor.valid_from.isoformat()} on. Set one for another time."
        ) from taken
    return floor


def floors_in_force(currency: str) -> dict[str, int]:
    """What an hour is worth at least now, by country; "" is for those that are not named."""
    rows = PayFloor.objects.filter(currency=currency, valid_from__lte=clock.now())
    latest = rows.order_by("country", "-valid_from", "-id").distinct("country")
    return dict(latest.values_list("country", "hourly_minor"))


def floor_of(job: Job) -> Floor | None:
    """The highest floor among the countries of those who could work in ``job``; None when there is none.

    Those are the active workers with a certification in its skill. The default counts where one of them lives in a
    country without a floor of its own, and where there is nobody yet.
    """
    floors = floors_in_force(job.currency)
    if not any(floors.values()):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_COUNTRIES, [job.skill_id])
        countries = [country for (country,) in cursor.fetchall()] or [""]
    candidates = [Floor(country, floors.get(country, floors.get("", 0))) for country in countries]
    highest = max(candidates, key=lambda floor: (floor.hourly_minor, floor.country))
    return highest if highest.hourly_minor else None


_COUNTRIES: Final = """
SELECT DISTINCT worker.country FROM workforce_worker worker
JOIN qualification_certification certification ON certification.worker_id = worker.id
WHERE certification.skill_id = %s AND certification.state = 'granted' AND worker.state = 'active' ORDER BY 1
"""


def reward_for(seconds: float, hourly_minor: int) -> int:
    """The least whole reward for so many seconds, to the millisecond, at so much an hour."""
    return share_rounded_up(hourly_minor, round(seconds * 1_000), SECONDS_AN_HOUR * 1_000)


def reserve_for(job: Job, shape: Shape) -> Money | None:
    """What a job that is being launched sets aside to lift pay, or None where no floor holds.

    Raises PayBelowFloor, or TimeUnknown when nothing says how long an answer takes.
    """
    is_held = hold_to_floor(job, shape, among=shape.bands_of_work)
    return _share_for_lifts(job, shape) if is_held else None


def hold_to_floor(job: Job, shape: Shape, *, among: Collection[Band]) -> bool:
    """Refuse prices of these bands that are less than the floor on the job's estimate; whether there is a floor.

    Raises PayBelowFloor, or TimeUnknown when nothing says how long an answer takes.
    """
    floor = floor_of(job)
    if floor is None:
        return False
    time = expected_seconds(job)
    if time is None:
        raise TimeUnknown(
            "A floor on hourly pay holds for this job's workers. Say with guess_seconds how long an answer takes."
        )
    cheapest = min(shape.prices.cheapest(band).reward_minor for band in among)
    needed = reward_for(time.expected_seconds, floor.hourly_minor)
    if cheapest < needed:
        hourly, least = Money(floor.hourly_minor, job.currency), Money(needed, job.currency)
        raise PayBelowFloor(
            f"An answer takes {time.expected_seconds:.0f} s, so a reward of {Money(cheapest, job.currency)} is less "
            f"than {hourly} an hour, the floor {'in ' + floor.country if floor.country else 'everywhere'}. "
            f"{least} or more would do.",
            {
                "reward_minor": cheapest,
                "needed_reward_minor": needed,
                "hourly_floor_minor": floor.hourly_minor,
                "currency": job.currency,
                "country": floor.country,
                "expected_seconds": time.expected_seconds,
            },
        )
    return True


def likely_reserve(job: Job, shape: Shape) -> Money:
    """What a launch would set aside to lift pay, for a job that is not launched; nothing where no floor holds."""
    return Money(0, job.currency) if floor_of(job) is None else _share_for_lifts(job, shape)


def _share_for_lifts(job: Job, shape: Shape) -> Money:
    return Money(share_of(shape.worst_case.minor, job.reserve_basis_points), job.currency)


def hold_reserve(job: Job, amount: Money) -> None:
    """Set ``amount`` aside for a locked job, whose accounts the caller has locked."""
    if amount.minor:
        client_owner = job.client.billing_owner
        pay_reserve.hold_reserve(job_owner=job.billing_owner, client_owner=client_owner, amount=amount)


def lock_launch_accounts(job: Job) -> None:
    """Lock what a launch with a reserve moves money between, before its first posting."""
    owner = job.billing_owner
    keys = [AccountKey(Kind.CLIENT_FUNDS, job.client.billing_owner), AccountKey(Kind.JOB_ESCROW, owner)]
    ledger.lock_accounts(accounts=[*keys, pay_reserve.reserve_account(owner)], currency=job.currency)
