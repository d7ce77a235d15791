"""What another policy would have made of a job, over HTTP: the numbers of `manage.py whatif`."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.views import ApiView
from kernel.errors import Invalid, NotFound
from kernel.money import LARGEST_MINOR
from marketplace.access import find_job
from marketplace.services.replaying import SEED, Compared, NothingToReplay, what_if


class WhatIfQuery(Query):
    """The policy that is tried; what is left out stays as the job has it."""

    overlap_min = fields.QueryIntegerField(
        required=False, min_value=1, max_value=100, help_text="Answers that each task gets at least."
    )
    overlap_max = fields.QueryIntegerField(required=False, min_value=1, max_value=100, help_text="And at most.")
    confidence_basis_points = fields.QueryIntegerField(
        required=False, min_value=1, max_value=9999, help_text="Confidence that resolves a task: 9000 is 0.9."
    )
    gold_share_basis_points = fields.QueryIntegerField(
        required=False, min_value=0, max_value=5000, help_text="Share of turns that are hidden gold: 500 is 5%."
    )
    seed = fields.QueryIntegerField(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        help_text=f"Draws answers that were never given, and the intervals. {SEED} unless given.",
    )


class FigureOut(Out):
    """A number as it was, and as it would have been; null where nobody knows."""

    happened = fields.FloatField(allow_null=True)
    predicted = fields.FloatField(allow_null=True)
    low = fields.FloatField(allow_null=True, help_text="The lower bound, at 95%.")
    high = fields.FloatField(allow_null=True, help_text="The upper bound.")


class CostOut(Out):
    """The same in minor units of the job's currency."""

    happened = fields.MoneyMinorField()
    predicted = fields.MoneyMinorField(max_value=LARGEST_MINOR)
    low = fields.MoneyMinorField()
    high = fields.MoneyMinorField()


def _a_figure(happened: float, predicted: float, low: float, high: float) -> dict[str, float]:
    return {"happened": happened, "predicted": predicted, "low": low, "high": high}


class WhatIfOut(Out):
    """What really happened in a job, and what would have under another policy."""

    EXAMPLE = {
        "currency": "USD",
        "overlap_min": 2,
        "overlap_max": 4,
        "confidence_basis_points": 9000,
        "gold_share_basis_points": 500,
        "tasks": 1700,
        "looked_at": 1700,
        "replayed": 1700,
        "judged": 97,
        "drawn_share": 0.06,
        "answers": _a_figure(3.16, 2.65, 2.61, 2.69),
        "cost_minor": _a_figure(26860, 22525, 22185, 22865),
        "hours": _a_figure(14.9, 12.5, 12.3, 12.7),
        "escalated_share": _a_figure(0.006, 0.011, 0.006, 0.016),
        "right_share": _a_figure(0.96, 0.94, 0.89, 0.98),
    }
    currency = fields.CurrencyField()
    overlap_min = fields.IntegerField(help_text="This and the next three are the policy that was tried.")
    overlap_max = fields.IntegerField()
    confidence_basis_points = fields.IntegerField()
    gold_share_basis_points = fields.IntegerField()
    tasks = fields.IntegerField(help_text="Tasks at work that somebody has answered.")
    looked_at = fields.IntegerField(
        help_text="How many of them what happened rests on; where it is less than all, that is estimated from them."
    )
    replayed = fields.IntegerField(help_text="How many of them were tried: a random sample of a large job.")
    judged = fields.IntegerField(help_text="Labels by consensus of which it is known whether they would be right.")
    drawn_share = fields.FloatField(help_text="The share of answers that were never given and had to be made up.")
    answers = FigureOut(help_text="For each task, with those to hidden gold on top.")
    cost_minor = CostOut(help_text="Rewards and fees.")
    hours = FigureOut(help_text="From the first claim to the last answer, at the pace that was.")
    escalated_share = FigureOut(help_text="Tasks that a person decides.")
    right_share = FigureOut(help_text="Labels by consensus that are right.")


class WhatIfView(ApiView):
    """Another policy, tried on a job."""

    @operation(
        "Try another policy on a job", query=WhatIfQuery, answer=WhatIfOut, errors=[NotFound, NothingToReplay, Invalid]
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """Replays the job's own answers, in the order in which they came, under another policy. Changes nothing.

        Where the policy asks for more answers than were given, they are drawn from what is believed of the task.
        Models' predictions vote as they do in the job. Accuracy is known on tasks whose truth gold, an inspection or an
        admin told. Of a large job a random sample is replayed, of up to 2,000 tasks; the more answers are tried, and of
        what is drawn or written, the fewer. Where a job has had more than 60,000 turns, what happened is estimated from
        up to 20,000 of its tasks, and intervals are wider by what that may be off.
        """
        asked = self.read_query()
        job = find_job(job_id, permit=self.permit)
        overlap = asked.get("overlap_min", job.overlap_min), asked.get("overlap_max", job.overlap_max)
        found = what_if(
            job=job,
            overlap=overlap,
            confidence=_share(asked.get("confidence_basis_points")),
            gold_share=_share(asked.get("gold_share_basis_points")),
            seed=asked.get("seed", SEED),
        )
        rules = found.rules
        shown = {
            "currency": job.currency,
            "overlap_min": rules.overlap_min,
            "overlap_max": rules.overlap_max,
            "confidence_basis_points": round(rules.confidence * 10_000),
            "gold_share_basis_points": round(rules.gold_share * 10_000),
            **{name: getattr(found, name) for name in ("tasks", "looked_at", "replayed", "judged")},
            "drawn_share": found.drawn,
            "answers": _shown(found.answers),
            "cost_minor": _shown(found.cost_minor),
            "hours": _shown(found.hours),
            "escalated_share": _shown(found.escalated),
            "right_share": _shown(found.right),
        }
        return self.answer(WhatIfOut(shown))


def _share(basis_points: int | None) -> float | None:
    return None if basis_points is None else basis_points / 10_000


def _shown(compared: Compared) -> dict[str, Any]:
    predicted = compared.predicted
    return {
        "happened": compared.happened,
        "predicted": predicted.value,
        "low": predicted.low,
        "high": predicted.high,
    }
