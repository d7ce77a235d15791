"""Invitations: who is asked says yes or no, nobody else can, and who asks learns nothing about addresses."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.errors import NotFound
from kernel.models import AuditEvent, Session, User
from kernel.services.signing_up import confirm_email, sign_up
from marketplace.access import roles_on_objects
from marketplace.models import Invitation
from marketplace.services import invitations
from marketplace.services.checks import check_invariants
from marketplace.services.invitations import (
    accept_invitation,
    invite_member,
)
from tests.access.world import in_person
from tests.kernel.mailbox import mails_to, token_for
from tests.kernel.people import PASSWORD
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.builders import a_client, a_draft, a_member, a_share, owner_of
from tests.marketplace.invited import NO_INVITATION, STRANGER, asked, open_ones
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db


def without_values(statement: str) -> str:
    """What a statement does, whatever it does it with."""
    return re.sub(r'"s\d+_x\d+"', "", statement.partition(" WHERE ")[0].partition(" VALUES ")[0])


# Asking


def test_who_is_asked_and_says_yes_acts_for_the_client() -> None:
    client, friend = a_client(), a_user(display_name="Grace")
    owner, guest = in_person(owner_of(client)), in_person(friend)

    status, given = owner.post(f"clients/{client.pk}/invitations/", {"email": friend.email.upper(), "role": "member"})

    assert owner.user
    assert (status, given) == (
        201,
        {
            "id": given["id"],
            "state": "open",
            "client": str(client.pk),
            "client_name": client.name,
            "job": None,
            "job_title": None,
            "role": "member",
            "email": friend.email,
            "invited_by": {"id": str(owner.user.pk), "email": owner.user.email, "display_name": ""},
            "created_at": given["created_at"],
            "expires_at": given["expires_at"],
        },
    )
    assert datetime.fromisoformat(given["expires_at"]) - datetime.fromisoformat(given["created_at"]) == timedelta(14)
    assert roles_on_objects(friend) == set()
    assert guest.every("invitations/") == owner.every(f"clients/{client.pk}/invitations/") == [given]
    assert guest.post(f"invitations/{given['id']}/accept/") == (200, {**given, "state": "accepted"})
    assert roles_on_objects(friend) == {"member"}
    assert guest.every("invitations/") == owner.every(f"clients/{client.pk}/invitations/") == []
    (joined,) = AuditEvent.objects.filter(action="membership.created", actor_id=str(friend.pk))
    assert joined.details == {"invitation": given["id"], "invited_by": str(owner.user.pk)}
    assert check_invariants() == []


def test_who_is_asked_to_look_after_a_job_and_says_yes_does() -> None:
    job, friend = a_draft(), a_user()
    owner, guest = in_person(owner_of(job.client)), in_person(friend)

    status, given = owner.post(f"jobs/{job.pk}/invitations/", {"email": friend.email, "role": "reviewer"})

    assert (status, given["job"], given["job_title"], given["role"]) == (201, str(job.pk), job.title, "reviewer")
    assert owner.every(f"jobs/{job.pk}/invitations/") == guest.every("invitations/") == [given]
    assert owner.every(f"jobs/{job.pk}/shares/") == []
    assert guest.get(f"jobs/{job.pk}/")[0] == 404
    assert guest.post(f"invitations/{given['id']}/accept/")[1]["state"] == "accepted"
    assert [(row["user"]["email"], row["role"]) for row in owner.every(f"jobs/{job.pk}/shares/")] == [
        (friend.email, "reviewer")
    ]
    assert guest.get(f"jobs/{job.pk}/")[0] == 200


def test_a_known_and_an_unknown_address_are_answered_alike_and_cost_the_same() -> None:  # [B131]
    client = a_client()
    job = a_draft(client=client)
    unconfirmed, gone = a_user(email_verified_at=None), a_user(is_active=False)
    addresses = [a_user().email, STRANGER, unconfirmed.email, gone.email]
    owner = in_person(owner_of(client))
    elsewhere = a_client()
    for number in range(6):  # what a connection has planned is no longer said by the seventh
        asked = {"email": f"guest-{number}@assay.test", "role": "member"}
        in_person(owner_of(elsewhere)).post(f"clients/{elsewhere.pk}/invitations/", asked)

    for path, role in ((f"clients/{client.pk}/invitations/", "member"), (f"jobs/{job.pk}/invitations/", "viewer")):
        answers, statements = [], []
        for email in addresses:
            with CaptureQueriesContext(connection) as seen:
                status, given = owner.post(path, {"email": email, "role": role})
            assert given.pop("email") == email
            answers.append((status, {**given, "id": "", "created_at": "", "expires_at": ""}))
            statements.append([without_values(str(each["sql"])) for each in seen])
        assert answers == [answers[0]] * 4
        assert statements == [statements[0]] * 4
        assert {row["email"] for row in owner.every(path)} == set(addresses)


def test_the_mail_tells_what_to_do_and_nothing_that_somebody_made_up() -> None:  # [B131]
    client, known = a_client(), a_user()
    gone, unconfirmed = a_user(is_active=False), a_user(email_verified_at=None)
    for email in (known.email, STRANGER, gone.email, unconfirmed.email):
        asked(client, email=email)

    (to_known,), (to_stranger,), (to_newcomer,) = (
        mails_to(each) for each in (known.email, STRANGER, unconfirmed.email)
    )
    assert mails_to(gone.email) == []
    assert to_known.subject == to_stranger.subject == to_newcomer.subject == "You are invited"
    assert f"{owner_of(client).email} asks you to act for a client" in to_known.body
    assert "no account" not in to_known.body
    assert "You have no account with this e-mail address here yet" in to_stranger.body
    assert to_newcomer.body == to_stranger.body
    assert not [each for each in (to_known, to_stranger) if client.name in each.body]


def test_who_has_no_account_yet_signs_up_and_finds_what_they_are_asked() -> None:
    client = a_client()
    given = asked(client, email=STRANGER)
    sign_up(email=STRANGER, password=PASSWORD, display_name="Grace")
    newcomer = User.objects.get(email=STRANGER)
    with pytest.raises(NotFound):
        accept_invitation(invitation_id=given.pk, by=newcomer)

    confirm_email(token=token_for(STRANGER), password=PASSWORD)

    grace = in_person(User.objects.get(email=STRANGER))
    (shown,) = grace.every("invitations/")
    assert (shown["id"], shown["client_name"]) == (str(given.pk), client.name)
    assert grace.post(f"invitations/{given.pk}/accept/")[1]["state"] == "accepted"
    assert [row["id"] for row in grace.every("clients/")] == [str(client.pk)]


def test_one_address_is_sent_three_mails_a_day_whoever_invites() -> None:
    for _ in range(5):
        asked(a_client(), email=STRANGER)

    assert len(mails_to(STRANGER)) == 3
    assert Invitation.objects.filter(email=STRANGER, state="open").count() == 5


def test_asking_again_takes_the_place_of_what_was_asked_before() -> None:
    client, friend = a_client(), a_user()
    first = asked(client, email=friend.email)
    second = asked(client, email=friend.email, role="owner")
    guest = in_person(friend)

    assert [(row["id"], row["role"]) for row in guest.every("invitations/")] == [(str(second.pk), "owner")]
    assert code_of(guest.post(f"invitations/{first.pk}/accept/")) == (409, "invitation_ended")
    first.refresh_from_db()
    assert first.state == "withdrawn"


def test_who_acts_for_the_client_already_is_not_asked() -> None:
    client = a_client()
    job, member = a_draft(client=client), a_member(client)
    guest = a_share(job)
    owner = in_person(owner_of(client))

    refused = owner.post(f"clients/{client.pk}/invitations/", {"email": member.user.email, "role": "owner"})
    assert refused == (
        409,
        {"code": "role_held", "message": "Whoever has this e-mail address acts for the client already."},
    )
    again = {"email": guest.user.email, "role": "viewer"}
    assert code_of(owner.post(f"jobs/{job.pk}/invitations/", again)) == (409, "role_held")
    assert owner.post(f"jobs/{job.pk}/invitations/", again | {"role": "manager"})[0] == 201


def test_one_person_gives_a_limited_number_of_invitations_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "MOST_A_DAY", 2)
    client = a_client()
    owner, at = in_person(owner_of(client)), f"clients/{client.pk}/invitations/"
    for number in range(2):
        assert owner.post(at, {"email": f"guest{number}@example.org", "role": "member"})[0] == 201

    assert code_of(owner.post(at, {"email": STRANGER, "role": "member"})) == (409, "too_many_invitations")
    with clock.ahead_by(timedelta(days=1, seconds=1)):
        invite_member(client=client, email=STRANGER, role="member", by=owner_of(client))


# Answering


def test_nobody_answers_but_the_person_whose_confirmed_address_it_is() -> None:
    client, friend = a_client(), a_user()
    given = asked(client, email=friend.email)
    unconfirmed = asked(client, email=a_user(email_verified_at=None).email)
    others = [in_person(a_user()), in_person(owner_of(a_client())), in_person(owner_of(client))]

    for person in others:
        for answer in ("accept", "decline"):
            assert person.post(f"invitations/{given.pk}/{answer}/") == NO_INVITATION
        assert person.every("invitations/") == []
    with pytest.raises(NotFound):
        accept_invitation(
            invitation_id=unconfirmed.pk, by=User.objects.get(email=unconfirmed.email, email_verified_at=None)
        )
    assert Person(friend).post(f"invitations/{given.pk}/accept/")[0] == 403  # an API key is nobody who consents
    assert open_ones(client) == sorted([friend.email, unconfirmed.email])
    assert client.memberships.count() == 1


def test_accepting_twice_is_accepting_once() -> None:
    client, friend = a_client(), a_user()
    given, guest = asked(client, email=friend.email), in_person(friend)

    first = guest.post(f"invitations/{given.pk}/accept/")
    again = guest.post(f"invitations/{given.pk}/accept/")

    assert (first[0], first) == (200, again)
    assert client.memberships.filter(user=friend).count() == 1
    assert AuditEvent.objects.filter(action="invitation.accepted", subject_id=str(given.pk)).count() == 1
    assert code_of(guest.post(f"invitations/{given.pk}/decline/")) == (409, "invitation_ended")


def test_who_has_the_address_later_accepts_nothing_that_another_has_accepted() -> None:
    client, friend, later = a_client(), a_user(), a_user()
    invitation, address = asked(client, email=friend.email), friend.email
    accept_invitation(invitation_id=invitation.pk, by=friend)
    for person, email in ((friend, "moved@example.org"), (later, address)):
        User.objects.filter(pk=person.pk).update(email=email)
    later.refresh_from_db()

    refused = in_person(later).post(f"invitations/{invitation.pk}/accept/")

    assert code_of(refused) == (409, "invitation_ended")
    assert roles_on_objects(later) == set()


def test_a_program_lets_nobody_onto_a_job_and_a_person_shows_that_they_are_there() -> None:
    job = a_draft()
    body = {"email": STRANGER, "role": "reviewer"}
    program, owner = Person(owner_of(job.client)), in_person(owner_of(job.client))
    assert code_of(program.post(f"jobs/{job.pk}/invitations/", body)) == (403, "not_allowed")

    Session.objects.filter(user=owner.user).update(fresh_at=clock.now() - timedelta(minutes=11))

    assert code_of(owner.post(f"jobs/{job.pk}/invitations/", body)) == (403, "fresh_factor_required")
    assert not Invitation.objects.exists()
