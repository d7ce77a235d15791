"""Journeys off the straight road: a rejection reversed, a task that only a person can decide, a job cancelled."""

import pytest

from tests.journeys.people import ApiError, Installation, an_answer, eventually

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.xdist_group("journeys")]


def test_a_rejected_answer_is_paid_after_all_when_the_rejection_is_reversed(installation: Installation) -> None:
    skill = installation.skill()
    client = installation.client(funds_minor=10_000)
    outvoted, *others = [installation.worker(skill) for _ in range(3)]
    job = client.job(skill, tasks=1, overlap_min=3, confidence_basis_points=5000)
    assignment = outvoted.answer(job, "dog")
    for worker in others:
        worker.answer(job, "cat")

    # The two that agree are paid by the sweep; the third waits for the client.
    eventually(lambda: client.sees(job)["progress"]["answers"]["accepted"] == 2)
    [waiting] = client.answers(job, state="submitted")
    path = f"/api/v1/assignments/{waiting['id']}/"
    client.api.post(f"{path}reject/", {"reason": "wrong", "message": "The text is about a cat, not about a dog."})

    told = outvoted.api.get(f"/api/v1/assignments/{assignment}/")
    assert (told["state"], told["rejection"]["reason"]) == ("rejected", "wrong")
    eventually(lambda: client.sees(job)["state"] == "completed")
    assert (outvoted.balance(), client.available()) == (0, 10_000 - 3 * 120)  # held while it can be reversed

    client.api.post(f"{path}reverse/", {"why": "Both animals are in the text."})

    assert outvoted.balance() == 100
    eventually(lambda: client.available() == 10_000 - 3 * 120)


def test_what_consensus_cannot_decide_an_admin_decides(installation: Installation) -> None:
    skill = installation.skill()
    client = installation.client(funds_minor=10_000)
    right, wrong = installation.worker(skill), installation.worker(skill)
    job = client.job(skill, tasks=1, overlap_max=2, review_seconds=1)
    right.answer(job, "dog")
    wrong.answer(job, "cat")

    [escalation] = [e for e in installation.admin.every("/api/v1/escalations/", state="open") if e["job"] == job]
    path = f"/api/v1/escalations/{escalation['id']}/"
    installation.admin.post(f"{path}claim/")
    installation.admin.post(f"{path}decision/", {"result": an_answer("dog"), "note": "It barks."})

    eventually(lambda: client.sees(job)["state"] == "completed")
    [line] = client.results(job)
    assert (line["value"], line["method"]) == ("dog", "adjudication")
    assert (right.balance(), wrong.balance()) == (100, 100)  # the client was silent, and silence accepts


def test_a_cancelled_job_pays_what_was_done_and_the_rest_goes_back_to_the_card(installation: Installation) -> None:
    skill = installation.skill()
    client = installation.client(funds_minor=10_000)
    worker, late = installation.worker(skill), installation.worker(skill)
    job = client.job(skill, tasks=5)
    worker.answer(job, "cat")

    client.api.post(f"/api/v1/jobs/{job}/cancel/")

    with pytest.raises(ApiError) as refused:
        late.claim(job)
    assert (refused.value.status, refused.value.body["details"]["reason"]) == (409, "job_ended")
    eventually(lambda: worker.balance() == 100)
    assert client.available() == 10_000 - 120

    refunds = f"/api/v1/clients/{client.id}/refunds/"
    client.api.post(refunds, {"amount_minor": 10_000 - 120, "currency": "USD"})
    eventually(lambda: [refund["state"] for refund in client.api.every(refunds)] == ["settled"])
    assert client.available() == 0
