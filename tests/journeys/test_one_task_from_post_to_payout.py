"""The walk of one task, over HTTP, on a real installation: from a client's card to a worker's account at Stripe."""

import pytest

from tests.journeys.people import Installation, eventually

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


def test_one_task_from_post_to_payout(installation: Installation) -> None:
    skill = installation.skill()
    client = installation.client(funds_minor=10_000)
    first, second = installation.worker(skill), installation.worker(skill)

    # Posted, with the worst case in escrow: three answers of 100 and a fee of 20 each.
    job = client.job(skill, tasks=1)
    assert client.available() == 10_000 - 3 * 120

    # Claimed, answered, and resolved, since both agree.
    assignments = [first.answer(job, "cat"), second.answer(job, "cat")]
    # Accepted and paid by the sweep; the job completes and gives back the third answer's money.
    eventually(lambda: client.sees(job)["state"] == "completed")
    assert [first.state_of(assignments[0]), second.state_of(assignments[1])] == ["accepted", "accepted"]
    assert (first.balance(), second.balance(), client.available()) == (100, 100, 10_000 - 2 * 120)

    # Taken away: the label, how sure it is, and who said so, by pseudonym.
    [line] = client.results(job)
    assert (line["state"], line["value"], line["method"]) == ("resolved", "cat", "consensus")
    assert [answer["value"] for answer in line["answers"]] == ["cat", "cat"]

    # Paid out: transferred by Stripe, confirmed by its webhook.
    first.open_payout_account()
    payout = first.api.post("/api/v1/payouts/")
    assert payout["amount_minor"] == 100
    eventually(lambda: first.api.get(f"/api/v1/payouts/{payout['id']}/")["state"] == "settled")
    assert (first.balance(), second.balance()) == (0, 100)
