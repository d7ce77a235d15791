"""Gold that was wrong is recalled: history ends as if it had never been, and nobody loses what they were paid."""

from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.urls import reverse

from billing.services.credits import grant_credit
from kernel import clock
from kernel.errors import Invalid
from kernel.models import AuditEvent, OutboxMessage
from kernel.money import Money
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, Fit, FittedWorker, Job, Rejection, Slot, Task
from marketplace.services.allocation import claim_task
from marketplace.services.appeals import appeal
from marketplace.services.checks import check_invariants
from marketplace.services.completion import complete_finished_jobs
from marketplace.services.decertification import decide_decertification
from marketplace.services.expiry import return_assignment
from marketplace.services.fitting import fit_job
from marketplace.services.gold import tend_waiting_gold
from marketplace.services.noted_matters import note_matter
from marketplace.services.reactions import request_decertification
from marketplace.services.recall import recall_gold, replay_recalls
from marketplace.services.review import CannotReject, reject_assignment
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.submission import submit_annotation
from qualification.events import ScoreFellBelowFloor
from qualification.models import Certification, GoldRecall, Score, ScoreFall
from tests.billing.builders import a_funding
from tests.kernel.people import console_of, made_admin
from tests.marketplace.api_people import Person, an_admin, somebody
from tests.marketplace.builders import (
    ALWAYS_GOLD,
    NEVER_GOLD,
    Fixed,
    a_client,
    a_worker,
    an_open_job,
    answer,
    available,
    earned,
    held,
    owner_of,
)
from tests.qualification.builders import a_skill, a_user, an_answer, questions_of
from workforce.models import Worker

pytestmark = pytest.mark.django_db

WHY = "Two answers are right."


def a_gilded_job(**asked: Any) -> Job:
    return an_open_job(**({"tasks": 4, "gold": 1, "overlap_min": 2, "overlap_max": 2} | asked))


def gold(job: Job, *, worker: Worker | None = None, animal: str = "dog") -> Assignment:
    """An answer to gold, of which cat is held to be right."""
    turn = claim_task(worker=worker or a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD)
    assert turn.lane == Slot.Lane.GOLD
    submit_annotation(assignment_id=turn.pk, worker=turn.worker, result=an_answer(animal))
    tend_waiting_gold()
    return turn


def work(job: Job, animal: str = "cat") -> Assignment:
    return answer(claim_task(worker=a_worker(job), job_id=job.pk, chance=NEVER_GOLD), animal)


def gold_of(job: Job) -> Task:
    return Task.objects.select_related("gold_question").get(job=job, gold_question__isnull=False)


def question_of(job: Job) -> UUID:
    question = gold_of(job).gold_question
    assert question is not None
    return question.pk


def recall(job: Job) -> GoldRecall:
    return recall_gold(gold_question_id=question_of(job), why=WHY, by=owner_of(job.client))


def replayed(job: Job) -> GoldRecall:
    recalled = recall(job)
    replay_recalls()
    return GoldRecall.objects.get(pk=recalled.pk)


def reject(turn: Assignment, reason: str = "wrong") -> None:
    message = "This is a cat and not a dog, look again."
    reject_assignment(assignment_id=turn.pk, reason=reason, message=message, by=owner_of(turn.job.client))


def state(turn: Assignment) -> str:
    return Assignment.objects.get(pk=turn.pk).state


def sums(worker: Worker) -> tuple[float, float]:
    score = Score.objects.get(worker=worker)
    return score.correct, score.wrong


def test_what_was_recalled_is_asked_no_more_and_counts_for_nobody() -> None:
    job = a_gilded_job()
    missed, right = gold(job), gold(job, animal="cat")
    assert (sums(missed.worker), sums(right.worker)) == ((4.0, 1.0), (5.0, 0.0))

    done = replayed(job)

    assert (done.state, done.withdrawn.count()) == ("replayed", 2)
    assert (sums(missed.worker), sums(right.worker)) == ((4.0, 0.0), (4.0, 0.0))
    assert gold_of(job).state == "void"
    assert not Slot.objects.filter(job=job, lane=Slot.Lane.GOLD).exists()
    assert claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD).lane == Slot.Lane.WORK
    assert accept_due_assignments() == 2
    assert (earned(missed.worker), earned(right.worker)) == (10, 10)
    assert check_invariants() == []


def test_a_recall_says_why_and_is_made_once() -> None:
    job = a_gilded_job()
    with pytest.raises(Invalid):
        recall_gold(gold_question_id=question_of(job), why="", by=owner_of(job.client))
    assert (gold_of(job).state, GoldRecall.objects.count()) == ("open", 0)

    first = replayed(job)
    assert recall(job) == first
    assert (replay_recalls(), GoldRecall.objects.get().replayed_at) == (0, first.replayed_at)


def test_who_is_at_it_is_paid_for_the_answer_which_does_not_count() -> None:
    job = a_gilded_job()
    turn = claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD)
    replayed(job)

    submit_annotation(assignment_id=turn.pk, worker=turn.worker, result=an_answer("dog"))
    tend_waiting_gold()

    assert accept_due_assignments() == 1
    assert (sums(turn.worker), earned(turn.worker)) == ((4.0, 0.0), 10)
    assert check_invariants() == []


def test_an_answer_that_was_rejected_for_it_is_paid_once() -> None:
    job = a_gilded_job()
    wrong, copied = gold(job), gold(job)
    reject(wrong)
    reject(copied, "copied")

    replayed(job)
    replay_recalls()

    assert (state(wrong), earned(wrong.worker), held(job)) == ("accepted", 10, held(job))
    assert (state(copied), earned(copied.worker)) == ("rejected", 0)
    assert Person(owner_of(job.client)).every(f"jobs/{job.pk}/gold/")[0]["recall"]["unpaid_answers"] == 0
    assert Rejection.objects.get(assignment=wrong).reversed_by == owner_of(job.client)
    assert check_invariants() == []


def test_an_appeal_against_it_has_what_it_asked_for() -> None:
    job = a_gilded_job()
    turn = gold(job)
    reject(turn)
    appeal(assignment_id=turn.pk, text="It is a dog, whatever you say.", worker=turn.worker)

    replayed(job)

    found = Rejection.objects.get(assignment=turn).appeal
    assert (found.state, found.escalation.state, earned(turn.worker)) == ("reversed", "withdrawn", 10)
    assert check_invariants() == []


def a_rejection_whose_pay_has_gone_back(**asked: Any) -> Assignment:
    (turn,) = rejections_whose_pay_has_gone_back(1, **asked)
    return turn


def rejections_whose_pay_has_gone_back(number: int, **asked: Any) -> list[Assignment]:
    job = a_gilded_job(tasks=number, overlap_min=1, overlap_max=1, gold_share_basis_points=5000, **asked)
    turns = [gold(job) for _ in range(number)]
    for turn in turns:
        reject(turn)
    for _ in range(number):
        work(job)
    accept_due_assignments()
    with clock.ahead_by(timedelta(days=8)):
        assert complete_finished_jobs() == 1
        complete_finished_jobs()
    assert held(job) == 0
    return turns


def test_pay_that_has_gone_back_comes_from_the_clients_funds() -> None:
    turn = a_rejection_whose_pay_has_gone_back()
    client = turn.job.client
    before = available(client)

    with clock.ahead_by(timedelta(days=9)):
        assert replayed(turn.job).state == "replayed"

    assert (state(turn), earned(turn.worker), available(client), held(turn.job)) == ("accepted", 10, before - 12, 0)
    assert check_invariants() == []


def test_where_the_client_has_no_funds_the_recall_waits_for_them() -> None:
    turn = a_rejection_whose_pay_has_gone_back(client=a_client(funds_minor=100))
    client = turn.job.client
    with clock.ahead_by(timedelta(days=9)):
        drained = an_open_job(client=client, tasks=1, overlap_min=1, overlap_max=1, reward_minor=70)
        assert available(client) == 4

        waiting = replayed(turn.job)
        assert (waiting.state, state(turn), waiting.evidence_withdrawn_at is None) == ("replaying", "rejected", False)

        a_funding(client.billing_owner, 100)
        assert replay_recalls() == 1
        assert (state(turn), earned(turn.worker), available(client)) == ("accepted", 10, 104 - 12)
    assert (held(drained), check_invariants()) == (84, [])


def test_that_a_recall_waits_for_funds_is_put_before_an_admin_and_the_client_is_told_once() -> None:
    turn = a_rejection_whose_pay_has_gone_back(client=a_client(funds_minor=100))
    client = turn.job.client
    with clock.ahead_by(timedelta(days=9)):
        an_open_job(client=client, tasks=1, overlap_min=1, overlap_max=1, reward_minor=70)
        replayed(turn.job)
        replay_recalls()

        asked = Escalation.objects.get(kind="recall_unpaid")
        assert (asked.state, asked.job_id, asked.owner) == ("open", turn.job_id, "finance")
        missing = {"assignments": [str(turn.pk)], "missing_minor": 8, "currency": "USD"}  # of 12
        assert asked.details == missing
        (notice,) = OutboxMessage.objects.filter(event="NoticeOwed", payload__notice="recall_needs_funds")
        assert notice.payload["user_id"] == str(owner_of(client).pk)
        assert notice.payload["detail"] == f"0.08 USD for job {turn.job_id}"
        finance = Person(made_admin(a_user(), "finance"))
        assert finance.get(f"escalations/{asked.pk}/")[1]["matter"] == missing

        a_funding(client.billing_owner, 100)
        replay_recalls()
        assert Escalation.objects.get(pk=asked.pk).state == "withdrawn"
    assert (state(turn), check_invariants()) == ("accepted", [])


def test_what_is_missing_is_what_the_funds_lack_of_all_that_is_not_paid_yet() -> None:
    turns = rejections_whose_pay_has_gone_back(2, client=a_client(funds_minor=100))
    job = turns[0].job
    with clock.ahead_by(timedelta(days=9)):
        an_open_job(client=job.client, tasks=1, overlap_min=1, overlap_max=1, reward_minor=60)
        assert available(job.client) == 4
        replayed(job)

        asked = Escalation.objects.get(kind="recall_unpaid")
        both = sorted(str(turn.pk) for turn in turns)
        assert asked.details == {"assignments": both, "missing_minor": 20, "currency": "USD"}
        (notice,) = OutboxMessage.objects.filter(event="NoticeOwed", payload__notice="recall_needs_funds")
        assert notice.payload["detail"] == f"0.20 USD for job {job.pk}"

        owner = job.client.billing_owner
        grant_credit(client_owner=owner, amount=Money(10, "USD"), reason="We know the client.", by=Actor.system("test"))
        replay_recalls()
        asked.refresh_from_db()
        left = {"assignments": both[1:], "missing_minor": 10, "currency": "USD"}
        assert (asked.state, asked.details, available(job.client)) == ("open", left, 2)
        assert check_invariants() == []
    assert sorted(map(state, turns)) == ["accepted", "rejected"]


def test_what_waits_for_funds_and_was_noted_is_not_put_before_anybody_again() -> None:
    turn = a_rejection_whose_pay_has_gone_back(client=a_client(funds_minor=100))
    with clock.ahead_by(timedelta(days=9)):
        an_open_job(client=turn.job.client, tasks=1, overlap_min=1, overlap_max=1, reward_minor=70)
        replayed(turn.job)
        asked = Escalation.objects.get(kind="recall_unpaid")
        note_matter(escalation_id=asked.pk, note="The client will pay next week.", by=a_user(is_staff=True))

        replay_recalls()

    assert Escalation.objects.filter(kind="recall_unpaid").count() == 1


def fallen(*, floor: float) -> tuple[Job, Worker, Escalation]:
    """Somebody whose score fell below a job's floor by an answer to its gold, which an admin is asked about."""
    skill = a_skill()
    job = a_gilded_job(skill=skill, requirements={skill.pk: floor})
    turn = gold(job)
    told = OutboxMessage.objects.get(event="ScoreFellBelowFloor")
    request_decertification(ScoreFellBelowFloor(**told.payload))
    return job, turn.worker, Escalation.objects.get(kind="decertification")


def test_what_waits_for_a_person_because_of_it_is_withdrawn() -> None:
    job, worker, asked = fallen(floor=0.6)

    replayed(job)

    assert Escalation.objects.get(pk=asked.pk).state == "withdrawn"
    assert ScoreFall.objects.get(score__worker=worker).risen_at is not None
    assert Certification.objects.get(worker=worker).state == "granted"


def test_a_certification_that_was_revoked_for_it_is_put_before_an_admin_again() -> None:
    job, worker, asked = fallen(floor=0.6)
    decide_decertification(escalation_id=asked.pk, decision="revoke", note="Too often wrong.", by=a_user(is_staff=True))
    assert Certification.objects.get(worker=worker).state == "revoked"

    replayed(job)
    replayed(job)

    states = Certification.objects.filter(worker=worker).order_by("requested_at").values_list("state", flat=True)
    assert list(states) == ["revoked", "pending"]


def test_a_fall_that_is_lifted_before_anybody_was_asked_is_not_asked_about() -> None:
    skill = a_skill()
    job = a_gilded_job(skill=skill, requirements={skill.pk: 0.6})
    gold(job)
    told = OutboxMessage.objects.get(event="ScoreFellBelowFloor")
    replayed(job)

    request_decertification(ScoreFellBelowFloor(**told.payload))

    assert not Escalation.objects.exists()


def test_gold_that_was_recalled_holds_no_answer_against_anybody() -> None:
    job = a_gilded_job()
    turn = gold(job)
    recall(job)

    with pytest.raises(CannotReject):
        reject(turn)

    assert state(turn) == "submitted"


def test_a_question_of_an_exam_is_recalled_by_an_admin_over_http() -> None:
    job = a_gilded_job()
    worker = a_worker(job)
    exam = worker_exam(worker)
    asked = questions_of(exam)[0]
    admin = an_admin()

    status, said = admin.post(f"gold-questions/{asked}/recall/", {"why": WHY})
    assert (status, said["state"], said["exams_marked_anew"]) == (201, "replaying", 0)
    event = AuditEvent.objects.get(subject_id=said["id"], action="gold.recalled")
    assert (event.why, event.details) == (WHY, {"gold_question": str(asked)})
    replay_recalls()

    status, said = admin.get(f"gold-questions/{asked}/recall/")
    assert (status, said["state"], said["exams_marked_anew"], said["exams_passed"]) == (200, "replayed", 1, 1)
    assert said["answers_withdrawn"] == 1
    assert sums(worker) == (3.0, 0.0)
    assert Certification.objects.get(worker=worker).state == "granted"


def test_the_console_says_of_gold_that_it_was_recalled_and_why() -> None:
    job = a_gilded_job()
    question, owner = gold_of(job).gold_question_id, owner_of(job.client)
    console = console_of(made_admin(a_user(), "certification"))
    address = reverse("admin:qualification_goldquestion_change", args=[question])
    assert question is not None
    assert WHY not in console.get(address).content.decode()

    recall_gold(gold_question_id=question, why=WHY, by=owner)

    page = console.get(address).content.decode()
    assert f"UTC by {owner.email}: {WHY} (recall {GoldRecall.objects.get().pk}, replaying)" in unescape(page)


def worker_exam(worker: Worker) -> Any:
    exam = Certification.objects.select_related("exam").get(worker=worker).exam
    assert exam is not None
    return exam


def test_a_client_recalls_gold_of_its_own_jobs_alone_over_http() -> None:
    job, other = a_gilded_job(), a_gilded_job()
    owner = Person(owner_of(job.client))
    question = gold_of(job).gold_question_id
    rows = owner.every(f"jobs/{job.pk}/gold/")
    assert [(row["id"], row["recall"]) for row in rows] == [(str(question), None)]

    assert owner.post(f"jobs/{job.pk}/gold/{gold_of(other).gold_question_id}/recall/", {"why": WHY})[0] == 404
    assert owner.post(f"gold-questions/{question}/recall/", {"why": WHY})[0] == 403
    assert somebody().post(f"jobs/{job.pk}/gold/{question}/recall/", {"why": WHY})[0] == 404
    assert owner.post(f"jobs/{job.pk}/gold/{question}/recall/", {})[0] == 400
    assert GoldRecall.objects.count() == 0

    status, said = owner.post(f"jobs/{job.pk}/gold/{question}/recall/", {"why": WHY})

    assert (status, said["state"], said["why"]) == (201, "replaying", WHY)
    assert owner.every(f"jobs/{job.pk}/gold/")[0]["recall"]["state"] == "replaying"


def test_what_a_fit_learnt_from_it_is_learnt_anew_without_it_once() -> None:
    job = a_gilded_job(tasks=8)
    for _ in range(3):
        gold(job)
    work(job)
    turn = gold(job)
    reject(turn)
    before = fit_job(job_id=job.pk)
    assert before is not None and (before.gold, before.answers) == (1, 4)

    replayed(job)
    replay_recalls()

    after = Fit.objects.get(job=job, number=2)
    assert (after.gold, after.answers, after.workers) == (0, 1, 1)
    assert Fit.objects.count() == 2
    known = FittedWorker.objects.filter(fit__job=job)
    assert [row.fit_id for row in known] == [after.pk]


def test_what_is_left_of_the_gold_is_asked_more_often_instead() -> None:
    job = an_open_job(tasks=10, gold=2, gold_share_basis_points=3000)
    free = Slot.objects.filter(job=job, lane=Slot.Lane.GOLD)
    assert free.count() == 2 * 7
    first = Task.objects.filter(job=job, gold_question__isnull=False).earliest("pk")
    assert first.gold_question_id is not None

    recall_gold(gold_question_id=first.gold_question_id, why=WHY, by=owner_of(job.client))

    assert (free.count(), free.filter(task=first).count()) == (13, 0)
    assert check_invariants() == []


def test_a_miss_of_it_makes_nobody_meet_gold_more_often() -> None:
    job = an_open_job(tasks=10, gold=3, gold_share_basis_points=3000)
    missed = gold(job)
    between = Fixed(0.4)  # above the rate of somebody new, and below that after a miss
    assert claim_task(worker=missed.worker, job_id=job.pk, chance=between).lane == Slot.Lane.GOLD
    return_assignment(assignment_id=held_by(missed.worker).pk, worker=missed.worker)

    question = Task.objects.get(pk=missed.task_id).gold_question_id
    assert question is not None
    recall_gold(gold_question_id=question, why=WHY, by=owner_of(job.client))
    replay_recalls()

    assert claim_task(worker=missed.worker, job_id=job.pk, chance=between).lane == Slot.Lane.WORK


def held_by(worker: Worker) -> Assignment:
    return Assignment.objects.get(worker=worker, state="active")
