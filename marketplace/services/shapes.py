"""How large a job is: its tasks by difficulty band, and the turns at them that it may come to pay for at most."""

from dataclasses import dataclass

from django.db.models import Count

from kernel.money import Money
from marketplace.models import Band, Job, Task
from marketplace.services.fees import terms_for
from marketplace.services.pricing import PriceList, read_price_list
from qualification.statistics.estimates import turns_per_gold_task


@dataclass(frozen=True, slots=True)
class BandShape:
    """The tasks of one band. ``dearest`` is the most that a turn at one of them can cost."""

    band: Band
    work_tasks: int
    gold_tasks: int
    gold_turns_each: int
    overlap_max: int
    dearest: Money

    @property
    def worst_case(self) -> Money:
        """What the band costs when every turn that it can ever offer is taken at its dearest, and accepted."""
        return self.dearest * (self.work_tasks * self.overlap_max + self.gold_tasks * self.gold_turns_each)


@dataclass(frozen=True, slots=True)
class Shape:
    """All tasks of a job, with what they are paid by."""

    bands: tuple[BandShape, ...]
    prices: PriceList
    currency: str

    @property
    def work_tasks(self) -> int:
        """Tasks that are work."""
        return sum(band.work_tasks for band in self.bands)

    @property
    def gold_tasks(self) -> int:
        """Tasks that only measure."""
        return sum(band.gold_tasks for band in self.bands)

    @property
    def bands_of_work(self) -> frozenset[Band]:
        """The bands in which there are tasks that are work."""
        return frozenset(band.band for band in self.bands if band.work_tasks)

    @property
    def worst_case(self) -> Money:
        """What the job costs when every turn that it can ever offer is taken at its dearest, and accepted."""
        return sum((band.worst_case for band in self.bands), Money(0, self.currency))


def shape_of(job: Job) -> Shape:
    """The size of ``job`` as its tasks stand now, but for gold that was recalled.

    Gold turns are bounded, band by band: the gold share of the most that is worked, since gold comes only in the place
    of work of its own band. Before its launch a job is sized by the fees that a launch would fix now.
    """
    prices = read_price_list(job.pk, job.price_list)
    if job.launched_at is None:
        prices = prices.at(terms_for(job.client_id, job.currency))
    work, gold = (_counted(job, is_gold=is_gold) for is_gold in (False, True))
    bands = tuple(_band_shape(job, band, work.get(band, 0), gold.get(band, 0), prices) for band in Band)
    return Shape(bands, prices, job.currency)


def _counted(job: Job, *, is_gold: bool) -> dict[str, int]:
    tasks = Task.objects.filter(job=job, gold_question__isnull=not is_gold, gold_question__recall__isnull=True)
    return dict(tasks.values_list("band").annotate(number=Count("pk")))


def _band_shape(job: Job, band: Band, work: int, gold: int, prices: PriceList) -> BandShape:
    each = turns_per_gold_task(
        tasks=work,
        gold_tasks=gold,
        overlap_max=job.overlap_max,
        gold_share_basis_points=job.gold_share_basis_points,
    )
    return BandShape(band, work, gold, each, job.overlap_max, prices.dearest(band))
