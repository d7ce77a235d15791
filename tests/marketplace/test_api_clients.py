"""Clients over HTTP: who acts for them, what each member may do, and their money."""

import pytest

from billing.models import Funding, Refund
from kernel.models import AuditEvent, User
from marketplace.access import roles_on_objects
from marketplace.models import Membership
from marketplace.services.posting import launch_job
from tests.access.world import in_person
from tests.marketplace.api_people import Person, an_admin, code_of, somebody
from tests.marketplace.builders import a_client, a_draft, a_member, a_worker, an_open_job, owner_of
from tests.qualification.builders import a_skill, a_user

pytestmark = pytest.mark.django_db

NO_CLIENT = (404, {"code": "not_found", "message": "There is no such client."})
IN_PERSON = {
    "code": "not_allowed",
    "message": "This needs a person: sign in and use the session's token instead of an API key.",
}


def friend_roles(user: User) -> list[str]:
    """The roles that somebody has on clients and jobs."""
    return sorted(roles_on_objects(user))


def test_whoever_creates_a_client_owns_it() -> None:
    ada = somebody()

    status, client = ada.post("clients/", {"name": "Museum", "country": "GB"})

    assert status == 201
    assert ada.every("clients/") == [client]
    assert ada.get(f"clients/{client['id']}/") == (200, client)
    (member,) = ada.every(f"clients/{client['id']}/members/")
    assert ada.user
    assert member == {
        "id": member["id"],
        "user": {"id": str(ada.user.pk), "email": ada.user.email, "display_name": ""},
        "role": "owner",
        "may": ["view_client", "post_jobs", "fund_client", "manage_members"],
        "created_at": member["created_at"],
    }


def test_a_country_or_a_name_that_cannot_be_one_is_refused() -> None:
    ada = somebody()

    assert code_of(ada.post("clients/", {"name": "Museum", "country": "XX"})) == (400, "invalid")
    assert code_of(ada.post("clients/", {"name": "\u200b", "country": "GB"})) == (400, "invalid")
    assert code_of(ada.post("clients/", {"name": "Museum", "country": "GB", "balance": 5})) == (400, "invalid")
    assert ada.every("clients/") == []


def test_creating_a_client_twice_under_one_key_creates_one() -> None:
    ada = somebody()
    order = {"name": "Museum", "country": "GB"}

    first = ada.post("clients/", order, key="k1")
    again = ada.post("clients/", order, key="k1")
    other = ada.post("clients/", order | {"name": "Archive"}, key="k1")

    assert first == again
    assert code_of(other) == (409, "idempotency_key_reused")
    assert len(ada.every("clients/")) == 1


def test_a_client_does_not_exist_for_others_and_every_one_does_for_an_admin() -> None:
    client = a_client()
    stranger, worker = somebody(), Person(a_worker(an_open_job()).user)
    own = f"clients/{client.pk}/"

    for person in (stranger, worker):
        assert person.every("clients/", name=client.name) == []
        for path in ("", "members/", "balance/", "fundings/", "refunds/", "statement/"):
            assert person.get(f"{own}{path}") == NO_CLIENT
        assert person.post(f"{own}invitations/", {"email": "a@example.org", "role": "owner"}) == (403, IN_PERSON)
        assert person.post(f"{own}fundings/", {"amount_minor": 500, "currency": "USD"}) == NO_CLIENT
        assert person.post(f"{own}refunds/", {"amount_minor": 500, "currency": "USD"}) == NO_CLIENT
    assert [row["id"] for row in an_admin().every("clients/", name=client.name)] == [str(client.pk)]


def test_a_member_posts_jobs_but_moves_no_money_and_admits_nobody() -> None:
    client, person = a_client(), a_user()
    a_member(client, user=person)
    member, own = Person(person), f"clients/{client.pk}/"

    assert member.get(f"{own}balance/")[0] == 200
    assert code_of(member.post(f"{own}fundings/", {"amount_minor": 500, "currency": "USD"})) == (403, "not_allowed")
    assert member.post(f"{own}refunds/", {"amount_minor": 500, "currency": "USD"}) == (
        403,
        {
            "code": "not_allowed",
            "message": "You may not do this with this client. It takes the role owner.",
        },
    )
    refused = in_person(person).post(f"{own}invitations/", {"email": a_user().email, "role": "member"})
    assert code_of(refused) == (403, "not_allowed")
    assert Membership.objects.filter(client=client).count() == 2


def test_an_admin_sees_a_client_but_acts_for_none() -> None:
    client, admin = a_client(), an_admin()

    assert admin.get(f"clients/{client.pk}/balance/")[0] == 200
    refused = admin.post(f"clients/{client.pk}/fundings/", {"amount_minor": 500, "currency": "USD"})
    assert code_of(refused) == (403, "not_allowed")


def test_members_change_and_go_but_one_owner_stays() -> None:
    client, friend = a_client(), a_user()
    owner, at = in_person(owner_of(client)), f"clients/{client.pk}/members/"
    member = a_member(client, user=friend)

    status, promoted = owner.put(f"{at}{member.pk}/role/", {"role": "owner"})
    assert (status, promoted["role"], promoted["may"][-1]) == (200, "owner", "manage_members")
    first = owner.every(at)[0]
    assert owner.delete(f"{at}{first['id']}/") == (204, None)  # owners may go while another stays
    assert owner.get(at) == NO_CLIENT

    last = in_person(friend)
    assert code_of(last.delete(f"{at}{member.pk}/")) == (409, "last_owner")
    assert code_of(last.put(f"{at}{member.pk}/role/", {"role": "member"})) == (409, "last_owner")
    assert [(row["id"], row["role"]) for row in last.every(at)] == [(str(member.pk), "owner")]


def test_an_owner_who_becomes_a_member_loses_what_owners_may_and_it_is_told_of() -> None:
    client, friend = a_client(), a_user()
    owner, member = in_person(owner_of(client)), a_member(client, user=friend, role="owner")
    at = f"clients/{client.pk}/members/{member.pk}/role/"

    for _ in range(2):  # the second changes nothing
        assert owner.put(at, {"role": "member"})[1]["may"] == ["view_client", "post_jobs"]

    assert friend_roles(friend) == ["member"]
    changes = AuditEvent.objects.filter(action="membership.changed", subject_id=str(member.pk))
    assert [(each.from_state, each.to_state) for each in changes] == [("owner", "member")]
    assert code_of(in_person(friend).put(at, {"role": "owner"})) == (403, "not_allowed")
    assert code_of(owner.put(at, {"role": "viewer"})) == (400, "invalid")


def test_a_member_may_leave_but_send_nobody_away() -> None:
    client, person = a_client(), a_user()
    membership = a_member(client, user=person)
    member, at = in_person(person), f"clients/{client.pk}/members/"
    owners = Membership.objects.get(client=client, role="owner")

    assert code_of(member.delete(f"{at}{owners.pk}/")) == (403, "not_allowed")
    assert member.delete(f"{at}{membership.pk}/") == (204, None)
    assert member.get(f"clients/{client.pk}/") == NO_CLIENT


def test_who_acts_for_a_client_is_decided_in_person() -> None:
    client = a_client()
    member, program = a_member(client), Person(owner_of(client))
    at = f"clients/{client.pk}/"

    assert program.post(f"{at}invitations/", {"email": a_user().email, "role": "owner"}) == (403, IN_PERSON)
    assert program.put(f"{at}members/{member.pk}/role/", {"role": "owner"}) == (403, IN_PERSON)
    assert program.delete(f"{at}members/{member.pk}/") == (403, IN_PERSON)
    assert [row["role"] for row in program.every(f"{at}members/")] == ["owner", "member"]


def test_the_balance_tells_what_is_free_held_by_which_job_and_on_its_way_back() -> None:
    client = a_client(funds_minor=10_000)
    job = a_draft(client=client, tasks=3)
    launch_job(job_id=job.pk, by=owner_of(client))  # 3 tasks, asked 3 times at most, at 12 cents
    a_draft(client=client)
    owner = Person(owner_of(client))

    assert owner.post(f"clients/{client.pk}/refunds/", {"amount_minor": 2_500, "currency": "USD"})[0] == 201

    assert owner.get(f"clients/{client.pk}/balance/") == (
        200,
        {
            "client": str(client.pk),
            "balances": [
                {
                    "currency": "USD",
                    "available_minor": 7_392,
                    "escrow_minor": 108,
                    "reserve_minor": 0,
                    "disputed_minor": 0,
                    "refunds_in_flight_minor": 2_500,
                }
            ],
            "escrow": [{"job": str(job.pk), "title": "Animals", "currency": "USD", "amount_minor": 108}],
        },
    )
    refund = Refund.objects.get()
    assert owner.every(f"clients/{client.pk}/refunds/") == [
        {
            "id": str(refund.pk),
            "funding": str(refund.funding_id),
            "state": "requested",
            "amount_minor": 2_500,
            "currency": "USD",
            "failure": "",
            "created_at": refund.created_at.isoformat().replace("+00:00", "Z"),
            "finished_at": None,
        }
    ]


def test_a_payment_under_one_key_is_one_and_under_two_keys_two_and_none_is_money_yet() -> None:  # [B155]
    client = a_client(funds_minor=0)
    at, owner = f"clients/{client.pk}/fundings/", Person(owner_of(client))
    body = {"amount_minor": 500, "currency": "USD"}

    answers = [owner.post(at, body, key=key) for key in ("a", "a", "b")]

    (first, again, other) = [said["id"] for status, said in answers if status == 201]
    assert (first == again, first == other) == (True, False)
    assert [funding["id"] for funding in owner.every(at)] == [other, first]
    assert owner.get(f"clients/{client.pk}/balance/")[1]["balances"] == []


def test_no_more_goes_back_than_is_available() -> None:
    client = a_client(funds_minor=1_000)

    refused = Person(owner_of(client)).post(f"clients/{client.pk}/refunds/", {"amount_minor": 1_001, "currency": "USD"})

    assert code_of(refused) == (409, "insufficient_funds")
    assert Refund.objects.count() == 0


def test_the_statement_explains_each_movement_down_to_the_job() -> None:
    client = a_client(funds_minor=10_000)
    job = a_draft(client=client, skill=a_skill())
    launch_job(job_id=job.pk, by=owner_of(client))
    owner = Person(owner_of(client))
    assert owner.post(f"jobs/{job.pk}/cancel/")[0] == 200

    lines = owner.every(f"clients/{client.pk}/statement/", limit=1)

    assert [(line["kind"], line["change_minor"], line["job"], line["explanation"]) for line in lines] == [
        ("escrow_released", 36, str(job.pk), "What “Animals” did not spend was given back."),
        ("escrow_held", -36, str(job.pk), "What “Animals” may come to cost was set aside."),
        ("funding_settled", 10_000, None, "Money that you paid in has arrived."),
    ]


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "//example.org", "https://a:b@example.org/", "https://", "ftp://example.org", "/paid"],
)
def test_after_paying_nobody_is_sent_to_what_is_no_web_address(address: str) -> None:
    client = a_client(funds_minor=0)

    status, refusal = Person(owner_of(client)).post(
        f"clients/{client.pk}/fundings/", {"amount_minor": 500, "currency": "USD", "success_url": address}
    )

    assert (status, refusal["errors"]) == (
        400,
        [{"field": "success_url", "message": "This must be an address such as https://example.org/done."}],
    )


@pytest.mark.parametrize("amount", [0, -1, 99, 100_000_000, 1.5, "500", True, None])
def test_a_payment_of_no_sensible_amount_is_refused(amount: object) -> None:
    client = a_client(funds_minor=0)
    at = f"clients/{client.pk}/fundings/"

    status, _ = Person(owner_of(client)).post(at, {"amount_minor": amount, "currency": "USD"})

    assert status == 400
    assert Person(owner_of(client)).every(at) == []


def test_a_thing_of_another_client_is_not_reached_through_ones_own() -> None:
    own, others = a_client(), a_client()
    funding = Funding.objects.get(client_owner=others.billing_owner)
    member = Membership.objects.get(client=others)
    person = Person(owner_of(own))

    assert person.get(f"clients/{own.pk}/fundings/{funding.pk}/") == (
        404,
        {"code": "not_found", "message": "There is no such funding."},
    )
    assert code_of(in_person(owner_of(own)).delete(f"clients/{own.pk}/members/{member.pk}/")) == (404, "not_found")
    assert Membership.objects.filter(pk=member.pk).exists()


def test_another_clients_id_is_answered_like_one_that_never_was() -> None:
    person, others = somebody(), a_client()

    for path in ("", "balance/", "fundings/"):
        never = person.get(f"clients/00000000-0000-4000-8000-000000000000/{path}")
        assert person.get(f"clients/{others.pk}/{path}") == never == NO_CLIENT
