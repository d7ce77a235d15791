"""The item bank of a skill's exam: which questions an attempt draws."""

import random
from collections import Counter
from uuid import UUID

from django.db.models import F

from qualification.models import ExamAnswer, GoldQuestion, Skill
from qualification.queries import exam_bank_of
from workforce.models import Worker


def draw_questions(*, skill: Skill, worker: Worker, chance: random.Random) -> list[UUID]:
    """The ids of the next attempt's questions, in random order, and counted as drawn.

    First come those that did not stand in this worker's last attempt, so that no set is asked twice in a row unless the
    bank is no larger than the exam; among them those that this worker, and then those that anybody, was asked least
    often; ties fall at random.
    """
    bank = list(exam_bank_of(skill).order_by("id").values_list("pk", "times_drawn"))
    asked = _asked(skill, worker)
    met = Counter(question_id for _, question_id in asked)
    just_met = {question_id for exam_id, question_id in asked if exam_id == asked[-1][0]}
    by_use = sorted(bank, key=lambda drawn: (drawn[0] in just_met, met[drawn[0]], drawn[1], chance.random()))
    question_ids = [question_id for question_id, _ in by_use[: skill.exam_questions]]
    _count_as_drawn(question_ids)
    chance.shuffle(question_ids)
    return question_ids


def _asked(skill: Skill, worker: Worker) -> list[tuple[UUID, UUID]]:
    """(exam, question) pairs of all this worker's attempts at ``skill``, the oldest attempt first."""
    asked = ExamAnswer.objects.filter(exam__worker=worker, exam__skill=skill)
    return list(asked.order_by("exam__started_at", "exam_id", "position").values_list("exam_id", "gold_question_id"))


def _count_as_drawn(question_ids: list[UUID]) -> None:
    # Locked by ascending id first: two workers who draw the same questions must not lock them crosswise.
    drawn = GoldQuestion.objects.filter(pk__in=question_ids)
    list(drawn.order_by("id").select_for_update(no_key=True).values_list("pk", flat=True))
    drawn.update(times_drawn=F("times_drawn") + 1)
