"""Price lists: what a job pays by difficulty band and by the score of the worker, and what that comes to at most."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from kernel.errors import Invalid
from kernel.money import Money
from marketplace.models import Band, Job, Price
from marketplace.services.fees import Terms, terms_for, terms_of

LARGEST_REWARD_MINOR: Final = 1_000_000
MOST_PRICES: Final = 30


@dataclass(frozen=True, slots=True)
class AskedPrice:
    """What a client wants to pay for a task of ``band`` to workers of at least this lower bound."""

    band: Band
    min_lower_bound: float
    reward_minor: int


class PriceList:
    """One price list of a job, for looking up."""

    def __init__(self, prices: Iterable[Price]) -> None:
        by_band: dict[str, list[Price]] = defaultdict(list)
        for price in sorted(prices, key=lambda price: price.min_lower_bound):
            by_band[price.band].append(price)
        self._by_band = by_band

    def price_of(self, band: str, *, bound: float) -> Price:
        """What a turn at a task of ``band`` costs when a worker of that lower bound takes it."""
        prices = self._by_band[band]
        return prices[bisect_right(prices, bound, key=lambda price: price.min_lower_bound) - 1]

    def dearest(self, band: str) -> Money:
        """The most that a turn at a task of ``band`` can cost."""
        return max((price.total for price in self._by_band[band]), key=lambda total: total.minor)

    def at(self, terms: Terms) -> "PriceList":
        """The same rewards with the fees of other terms, without rows."""
        rows = [price for prices in self._by_band.values() for price in prices]
        return PriceList(
            Price(
                band=row.band,
                min_lower_bound=row.min_lower_bound,
                reward_minor=row.reward_minor,
                fee_minor=terms.fee_of(row.reward_minor),
                currency=row.currency,
            )
            for row in rows
        )

    def cheapest(self, band: str) -> Price:
        """The price of ``band`` that pays workers least."""
        return min(self._by_band[band], key=lambda price: price.reward_minor)

    def best_paid(self, band: str) -> Price:
        """The price of ``band`` that pays workers most."""
        return max(self._by_band[band], key=lambda price: price.reward_minor)


@lru_cache(maxsize=1024)
def price_list_of(job_id: UUID, number: int) -> PriceList:
    """A price list as it was committed; such rows never change, so each process reads one once."""
    return read_price_list(job_id, number)


def read_price_list(job_id: UUID, number: int) -> PriceList:
    """A price list as this transaction sees it."""
    return PriceList(Price.objects.filter(job_id=job_id, number=number))


def completed(reward_minor: int, prices: Sequence[AskedPrice]) -> list[AskedPrice]:
    """``prices`` with what goes without saying, so that every band has a price from 0 on.

    A band that is not named is paid as standard; one that is named only from a score on pays ``reward_minor`` below it.
    Raises Invalid for prices that contradict each other or are out of range.
    """
    _require_sensible(reward_minor, prices)
    named: dict[Band, dict[float, int]] = defaultdict(dict)
    for price in prices:
        named[price.band][price.min_lower_bound] = price.reward_minor
    standard = {0.0: reward_minor} | named[Band.STANDARD]
    by_band = {band: {0.0: reward_minor} | named[band] if named[band] else standard for band in Band}
    return [AskedPrice(band, bound, by_band[band][bound]) for band in Band for bound in sorted(by_band[band])]


def quote(job: Job, asked: Sequence[AskedPrice]) -> PriceList:
    """Write the price list of ``job`` that its row names, with the fee that goes with each reward by its terms."""
    fee_of = terms_of(job).fee_of
    prices = [
        Price(
            job=job,
            number=job.price_list,
            band=price.band,
            min_lower_bound=price.min_lower_bound,
            reward_minor=price.reward_minor,
            fee_minor=fee_of(price.reward_minor),
            currency=job.currency,
        )
        for price in asked
    ]
    return PriceList(Price.objects.bulk_create(prices))


def put_in_force(job: Job, asked: Sequence[AskedPrice]) -> None:
    """Write the next price list of a locked job, and let it count from now."""
    job.price_list += 1
    standard = quote(job, asked).price_of(Band.STANDARD, bound=0.0)
    job.reward_minor, job.fee_minor = standard.reward_minor, standard.fee_minor
    job.save(update_fields=["price_list", "reward_minor", "fee_minor"])


def fix_fee(job: Job) -> None:
    """Let a locked job that is not launched be on the terms that its client has now, with its rewards as they are."""
    terms = terms_for(job.client_id, job.currency)
    if terms == terms_of(job):
        return
    job.fee_basis_points, job.fee_minimum_minor = terms.basis_points, terms.minimum_minor
    job.save(update_fields=["fee_basis_points", "fee_minimum_minor"])
    rows = Price.objects.filter(job=job, number=job.price_list).order_by("id")
    put_in_force(job, [AskedPrice(Band(row.band), row.min_lower_bound, row.reward_minor) for row in rows])


def _require_sensible(reward_minor: int, prices: Sequence[AskedPrice]) -> None:
    if len(prices) > MOST_PRICES:
        raise _invalid(f"There are {len(prices)} prices; at most {MOST_PRICES} are possible.")
    named = set[tuple[Band, float]]()
    for price in prices:
        where = f"{price.band} from {price.min_lower_bound:g}"
        if not 0.0 <= price.min_lower_bound <= 1.0:
            raise _invalid(f"The lowest bound of a price is {price.min_lower_bound:g}; it must be between 0 and 1.")
        if not 1 <= price.reward_minor <= LARGEST_REWARD_MINOR:
            raise _invalid(f"The reward for {where} must be between 1 and {LARGEST_REWARD_MINOR}.")
        if (price.band, price.min_lower_bound) in named:
            raise _invalid(f"The price for {where} stands twice.")
        named.add((price.band, price.min_lower_bound))
        if (price.band, price.min_lower_bound) == (Band.STANDARD, 0.0) and price.reward_minor != reward_minor:
            raise _invalid(f"The reward for {where} is `reward_minor`, {reward_minor}, and not {price.reward_minor}.")


def _invalid(message: str) -> Invalid:
    return Invalid(message, [{"field": "prices", "message": message}])
