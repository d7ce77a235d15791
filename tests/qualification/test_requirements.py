"""Requirements: who meets them, and what the others are told, in one statement."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from kernel import clock
from qualification.models import Score, Skill
from qualification.queries import UNMEASURED, Requirement, unmet_requirements
from qualification.services.certifications import (
    deny_certification,
    grant_certification,
    request_certification,
    revoke_certification,
)
from qualification.services.scoring import record_gold
from qualification.statistics import scoring as posterior
from tests.qualification.builders import a_certification, a_skill, a_worker, an_admin
from workforce.models import Worker

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOW_IT_RISES = "It rises with right answers in other work that needs Animals."


def told(worker: Worker, *requirements: Requirement) -> list[tuple[str, str]]:
    return [(unmet.kind, unmet.message) for unmet in unmet_requirements(worker_id=worker.pk, requirements=requirements)]


def test_a_certified_worker_meets_a_requirement_without_a_bound() -> None:
    worker, skill = a_worker(), a_skill()
    a_certification(worker, skill)

    assert told(worker, Requirement(skill.pk)) == []


@pytest.mark.parametrize(
    ("grants_by", "how"),
    [
        (Skill.Grant.SCORE, "Take its exam."),
        (Skill.Grant.ADMIN, "Ask for the certification; an admin decides."),
        (Skill.Grant.BOTH, "Take its exam; an admin decides then."),
    ],
)
def test_who_is_not_certified_is_told_how_to_be(grants_by: Skill.Grant, how: str) -> None:
    worker, skill = a_worker(), a_skill(grants_by=grants_by)

    assert told(worker, Requirement(skill.pk)) == [("not_certified", f"You are not certified for Animals. {how}")]


def test_who_was_denied_is_told_where_the_reason_stands() -> None:
    worker, skill = a_worker(), a_skill(grants_by=Skill.Grant.BOTH)
    certification = a_certification(worker, skill)
    deny_certification(certification_id=certification.pk, reason="The sample was copied.", by=an_admin())

    assert told(worker, Requirement(skill.pk)) == [
        (
            "not_certified",
            "Your certification for Animals was denied. Its reason stands with your certifications.",
        )
    ]


def test_a_certification_of_another_worker_or_skill_does_not_help() -> None:
    worker, skill = a_worker(), a_skill()
    a_certification(a_worker(), skill)
    a_certification(worker, a_skill())

    assert [kind for kind, _ in told(worker, Requirement(skill.pk))] == ["not_certified"]


def test_a_certification_that_waits_does_not_count() -> None:
    worker, skill = a_worker(), a_skill(grants_by=Skill.Grant.BOTH)
    certification = a_certification(worker, skill)

    assert told(worker, Requirement(skill.pk)) == [
        ("not_certified", "Your certification for Animals waits for an admin.")
    ]
    grant_certification(certification_id=certification.pk, by=an_admin())
    assert told(worker, Requirement(skill.pk)) == []


def test_a_revoked_certification_says_so() -> None:
    worker, skill = a_worker(), a_skill()
    certification = a_certification(worker, skill)
    revoke_certification(certification_id=certification.pk, reason="Answers were copied.", by=an_admin())

    assert told(worker, Requirement(skill.pk)) == [
        (
            "not_certified",
            "Your certification for Animals was revoked. Its reason stands with your certifications.",
        )
    ]


def test_an_expired_certification_says_when_before_and_after_the_clock_comes_round() -> None:
    worker, skill = a_worker(), a_skill()
    certification = a_certification(worker, skill)

    with clock.ahead_by(366 * DAY):
        assert told(worker, Requirement(skill.pk)) == [
            (
                "expired",
                f"Your certification for Animals expired on {certification.expires_at:%Y-%m-%d}. Take its exam.",
            )
        ]


def test_a_low_score_is_told_with_both_numbers() -> None:
    worker, skill = a_worker(), a_skill()
    a_certification(worker, skill)
    for number in range(4):
        score = record_gold(worker_id=worker.pk, skill_id=skill.pk, correct=False, subject=f"assignment:{number}")
    bound = score.lower_bound

    with clock.ahead_by(DAY):
        assert told(worker, Requirement(skill.pk, 0.9)) == [
            (
                "score_too_low",
                f"Your score in Animals is surely at least 0.29; this work asks for 0.9. {HOW_IT_RISES}",
            )
        ]
        assert told(worker, Requirement(skill.pk, bound)) == []


def test_hidden_gold_of_today_opens_and_closes_nothing_before_midnight_and_an_exam_does_at_once() -> None:
    worker, skill = a_worker(), a_skill()
    a_certification(worker, skill)
    with_exam = Score.objects.get(worker=worker).lower_bound
    asks = Requirement(skill.pk, with_exam)

    with _noon():
        for number in range(4):
            record_gold(worker_id=worker.pk, skill_id=skill.pk, correct=False, subject=f"assignment:{number}")
        assert told(worker, asks) == []
        with clock.ahead_by(350 * DAY):
            record_gold(worker_id=worker.pk, skill_id=skill.pk, correct=True, subject="assignment:late")
            assert [kind for kind, _ in told(worker, asks)] == ["score_too_low"]
            a_certification(worker, skill)
        score = Score.objects.get(worker=worker)

    assert (score.correct, score.wrong) == (9.0, 4.0)
    assert score.bound_without_gold == posterior.Score(correct=8, wrong=4).lower_bound()


def _noon() -> AbstractContextManager[None]:
    """Tomorrow's noon, so that no midnight passes during a test."""
    now = datetime.now(UTC)
    return clock.ahead_by(now.replace(hour=12, minute=0) + DAY - now)


def test_who_was_granted_without_gold_has_the_score_of_the_prior() -> None:
    worker, skill = a_worker(), a_skill(grants_by=Skill.Grant.ADMIN, questions=0, bank=0)
    request = request_certification(worker=worker, skill_id=skill.pk)
    grant_certification(certification_id=request.pk, by=an_admin())
    prior = UNMEASURED.lower_bound()

    assert told(worker, Requirement(skill.pk, prior)) == []
    assert [kind for kind, _ in told(worker, Requirement(skill.pk, prior + 0.001))] == ["score_too_low"]


def test_a_denied_request_beside_a_granted_certification_takes_nothing_away() -> None:
    worker, skill = a_worker(), a_skill(grants_by=Skill.Grant.BOTH)
    grant_certification(certification_id=a_certification(worker, skill).pk, by=an_admin())

    with clock.ahead_by(350 * DAY):
        renewal = a_certification(worker, skill)
        deny_certification(certification_id=renewal.pk, reason="Not this time.", by=an_admin())
        assert told(worker, Requirement(skill.pk)) == []


def test_many_requirements_take_one_statement_in_their_order(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    worker, certified, first, second = a_worker(), a_skill(), a_skill(), a_skill()
    a_certification(worker, certified)
    asked = [Requirement(second.pk, 0.5), Requirement(certified.pk), Requirement(first.pk)]

    with django_assert_num_queries(1):
        unmet = unmet_requirements(worker_id=worker.pk, requirements=asked)

    assert [(u.requirement, u.skill_id, u.skill_name) for u in unmet] == [
        (asked[0], second.pk, "Animals"),
        (asked[2], first.pk, "Animals"),
    ]


def test_no_requirements_take_no_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    worker = a_worker()

    with django_assert_num_queries(0):
        assert unmet_requirements(worker_id=worker.pk, requirements=[]) == []
