"""Fairness over HTTP, for admins: how evenly the turns of a job went to those who could have had them."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.access import find_job
from marketplace.queries.fairness import fairness_of


class FairnessQuery(Query):
    """Which week."""

    weeks_ago = fields.QueryIntegerField(
        required=False, min_value=0, max_value=520, help_text="0 is the week that runs; the last full one unless given."
    )


class FairnessOut(Out):
    """The turns of one week, from Monday on (UTC), among workers certified for the job's skill, at work or asking."""

    EXAMPLE = {
        "since": "2026-05-11T00:00:00Z",
        "until": "2026-05-18T00:00:00Z",
        "workers": 24,
        "without_a_turn": 2,
        "asked_in_vain": 5,
        "empty_handed": 1,
        "turns": 3120,
        "median_turns": 128.0,
        "most_turns": 310,
        "jain": 0.81,
        "gini": 0.27,
        "sure_workers": 9,
        "median_turns_of_sure": 140.0,
        "median_turns_of_others": 121.0,
        "further_turns": 1260,
        "further_turns_of_sure": 830,
        "median_wait_seconds": 95.0,
        "longest_wait_seconds": 5400.0,
    }
    since = fields.DateTimeField()
    until = fields.DateTimeField()
    workers = fields.IntegerField(
        help_text="Certified for the skill, and with a turn anywhere in that week, or asking for one here in vain."
    )
    without_a_turn = fields.IntegerField(help_text="Those of them who had none in this job.")
    asked_in_vain = fields.IntegerField(help_text="Who asked for a task here when none was free, and might have it.")
    empty_handed = fields.IntegerField(help_text="Those of them who had no turn here in the whole week.")
    turns = fields.IntegerField()
    median_turns = fields.FloatField()
    most_turns = fields.IntegerField()
    jain = fields.FloatField(allow_null=True, help_text="1 where all had alike, 1 / workers where one had all.")
    gini = fields.FloatField(allow_null=True, help_text="0 where all had alike, nearly 1 where one had all.")
    sure_workers = fields.IntegerField(help_text="Whom the latest fit asks first about unsure tasks.")
    median_turns_of_sure = fields.FloatField()
    median_turns_of_others = fields.FloatField()
    further_turns = fields.IntegerField(help_text="Turns at tasks that their first answers had left unsure.")
    further_turns_of_sure = fields.IntegerField()
    median_wait_seconds = fields.FloatField(
        allow_null=True, help_text="From the answer that left a task unsure until somebody took its further turn."
    )
    longest_wait_seconds = fields.FloatField(allow_null=True)


class FairnessView(ApiView):
    """How evenly a job's turns are shared out."""

    @operation("Show a job's fairness", query=FairnessQuery, answer=FairnessOut, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """For admins. Who works longer has more turns: look at who has none though they asked, and at sudden change."""
        weeks_ago = self.read_query().get("weeks_ago", 1)
        job = find_job(job_id, permit=self.permit)
        return self.answer(FairnessOut(fairness_of(job, weeks_ago=weeks_ago)))
