"""Confusion over HTTP, for admins: what a worker says when each class is true, with bounds."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.queries.confusions import Confusion, confusions_of
from qualification.api.certifications import WORKER_ID
from qualification.api.skills import SKILL_ID
from qualification.models import Skill
from workforce.queries import find_worker


class ConfusionQuery(Query):
    """Whose, and in which skill."""

    worker = fields.UUIDField()
    skill = fields.UUIDField()


class SaidOut(Out):
    """How often, and how likely, the worker says a choice."""

    EXAMPLE = {"choice": "7", "times": 18, "likely": 0.886364}
    choice = fields.LineField()
    times = fields.IntegerField()
    likely = fields.FloatField(help_text="The mean of what is believed after these answers, 0 to 1.")


class ClassConfusionOut(Out):
    """What the worker says when one choice is right."""

    EXAMPLE = {"right": "7", "answers": 20, "right_at_least": 0.745, "said": [SaidOut.EXAMPLE]}
    right = fields.LineField(help_text="The choice that is right.")
    answers = fields.IntegerField(help_text="Answers to such gold questions, in exams and in work.")
    right_at_least = fields.FloatField(help_text="What being right then exceeds with a probability of 95%.")
    said = SaidOut(many=True)


class MatrixOut(Out):
    """One list of choices."""

    EXAMPLE = {"choices": ["4", "7"], "classes": [ClassConfusionOut.EXAMPLE]}
    choices = fields.ListField(child=fields.LineField())
    classes = ClassConfusionOut(many=True)


class ConfusionOut(Out):
    """What a worker says when each class is true, in one skill."""

    EXAMPLE = {"worker": WORKER_ID, "skill": SKILL_ID, "matrices": [MatrixOut.EXAMPLE]}
    worker = fields.UUIDField()
    skill = fields.UUIDField()
    matrices = MatrixOut(many=True, help_text="One for each list of choices that gold asked about; none without gold.")


class ConfusionView(ApiView):
    """One worker's confusion in one skill."""

    @operation("Show a worker's confusion", query=ConfusionQuery, answer=ConfusionOut, errors=[NotFound])
    def get(self, request: Request) -> Response:
        """For admins: from gold in exams and in work that asks one single choice, computed as it stands now."""
        asked = self.read_query()
        find_worker(asked["worker"])
        if not Skill.objects.filter(pk=asked["skill"]).exists():
            raise NotFound("skill")
        found = confusions_of(worker_id=asked["worker"], skill_id=asked["skill"])
        return self.answer(ConfusionOut({**asked, "matrices": [_matrix(each) for each in found]}))


def _matrix(confusion: Confusion) -> dict[str, Any]:
    return {
        "choices": list(confusion.choices),
        "classes": [
            {
                "right": confusion.choices[of.truth],
                "answers": of.answers,
                "right_at_least": of.right_at_least(),
                "said": [
                    {"choice": choice, "times": times, "likely": likely}
                    for choice, times, likely in zip(confusion.choices, of.said, of.likely, strict=True)
                ],
            }
            for of in confusion.by_class
        ],
    }
