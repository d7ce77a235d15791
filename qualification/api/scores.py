"""Scores over HTTP: workers read theirs and what they rest on, admins all of them as they stand."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.views import ApiView
from qualification.api.certifications import WORKER_ID
from qualification.api.skills import SKILL_ID
from qualification.models import Score
from qualification.queries import scores_for_their_worker
from qualification.statistics import scoring as posterior
from workforce.api.base import WorkersOwnView


class OwnScoreOut(Out):
    """One's score in a skill, and the answers that it rests on."""

    EXAMPLE = {
        "skill": SKILL_ID,
        "skill_name": "Handwritten digits",
        "exam_correct": 9,
        "exam_wrong": 1,
        "work_correct": 41,
        "work_wrong": 2,
        "estimate": 0.935185,
        "lower_bound": 0.872611,
    }
    skill = fields.UUIDField(source="skill_id")
    skill_name = fields.LineField(source="skill.name")
    exam_correct = fields.IntegerField(help_text="Right answers in exams.")
    exam_wrong = fields.IntegerField(help_text="Wrong answers in exams.")
    work_correct = fields.IntegerField(
        help_text="Right answers to gold questions in work, up to the last midnight (UTC)."
    )
    work_wrong = fields.IntegerField(help_text="Wrong ones.")
    estimate = fields.SerializerMethodField(help_text="How likely the next answer is right, 0 to 1.")
    lower_bound = fields.SerializerMethodField(help_text="What the true quality exceeds with a probability of 95%.")

    def get_estimate(self, score: Any) -> float:
        """The posterior's mean."""
        return _shown(score).mean

    def get_lower_bound(self, score: Any) -> float:
        """The posterior's lower bound."""
        return _shown(score).lower_bound()


class ScoreOut(Out):
    """A worker's score in a skill, as it stands."""

    EXAMPLE = {
        "worker": WORKER_ID,
        "skill": SKILL_ID,
        "correct": 50.0,
        "wrong": 3.0,
        "estimate": 0.935185,
        "lower_bound": 0.872611,
        "updated_at": "2026-05-17T12:20:00Z",
    }
    worker = fields.UUIDField(source="worker_id")
    skill = fields.UUIDField(source="skill_id")
    correct = fields.FloatField()
    wrong = fields.FloatField()
    estimate = fields.FloatField(help_text="How likely the next answer is right, 0 to 1.")
    lower_bound = fields.FloatField(help_text="What the true quality exceeds with a probability of 95%.")
    updated_at = fields.DateTimeField()


class ScoreQuery(Query):
    """Which scores."""

    worker = fields.UUIDField(required=False)
    skill = fields.UUIDField(required=False)


class OwnScoresView(WorkersOwnView):
    """One's own scores."""

    @operation("List one's own scores", answer=OwnScoreOut, paged=True)
    def get(self, request: Request) -> Response:
        """For workers. Gold questions in today's work count from midnight on, so that none of them shows itself."""
        return self.page(scores_for_their_worker(self.worker.pk), OwnScoreOut, order_by=("skill_id",))


class ScoresView(ApiView):
    """All scores."""

    @operation("List scores", query=ScoreQuery, answer=ScoreOut, paged=True)
    def get(self, request: Request) -> Response:
        """For admins: the scores as they stand, in the order of their ids."""
        asked = {f"{name}_id": value for name, value in self.read_query().items()}
        return self.page(Score.objects.filter(**asked), ScoreOut, order_by=("id",))


def _shown(score: Any) -> posterior.Score:
    """The score at the last midnight, with all exams since; ``score`` comes from ``scores_for_their_worker``."""
    return posterior.Score(correct=score.exam_correct + score.work_correct, wrong=score.exam_wrong + score.work_wrong)
