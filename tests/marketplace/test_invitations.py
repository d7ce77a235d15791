"""Invitations: who is asked says yes or no, nobody else can, and who asks learns nothing about addresses."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.errors import NotFound
from kernel.models import AuditEvent, Session, User
from kernel.services.signing_up import confirm_email, sign_up
from marketplace.access import roles_on_objects
from marketplace.models import Client, Invitation, JobUserObjectPermission, Membership
from marketplace.services import invitations
from marketplace.services.checks import check_invariants
from marketplace.services.clients import change_role, remove_member, unshare_job
from marketplace.services.invitations import (
    InvitationEnded,
    accept_invitation,
    invite_member,
    invite_to_job,
    tidy_invitations,
)
from tests.access.world import in_person
from tests.by_hand import by_hand
from tests.kernel.mailbox import mails_to, token_for
from tests.kernel.people import PASSWORD
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.builders import a_client, a_draft, a_member, a_share, owner_of
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

NO_INVITATION = (404, {"code": "not_found", "message": "There is no such invitation."})
STRANGER = "nobody.here@example.org"


def asked(client: Client, *, email: str, role: str = "member") -> Invitation:
    return invite_member(client=client, email=email, role=role, by=owner_of(client))


def open_ones(client: Client) -> list[str]:
    return sorted(client.invitations.filter(state="open").values_list("email", flat=True))


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


def test_who_declines_is_left_alone_and_the_invitation_is_gone() -> None:
    client, friend = a_client(), a_user()
    given, guest = asked(client, email=friend.email), in_person(friend)

    for _ in range(2):
        assert guest.post(f"invitations/{given.pk}/decline/")[1]["state"] == "declined"

    assert code_of(guest.post(f"invitations/{given.pk}/accept/")) == (409, "invitation_ended")
    assert guest.every("invitations/") == []
    assert roles_on_objects(friend) == set()


def test_what_was_withdrawn_or_has_run_out_is_not_accepted() -> None:
    client, one, other = a_client(), a_user(), a_user()
    withdrawn, overdue = asked(client, email=one.email), asked(client, email=other.email)
    owner = in_person(owner_of(client))

    assert owner.delete(f"invitations/{withdrawn.pk}/") == (204, None)
    assert code_of(owner.delete(f"invitations/{withdrawn.pk}/")) == (409, "invitation_ended")
    assert code_of(in_person(one).post(f"invitations/{withdrawn.pk}/accept/")) == (409, "invitation_ended")
    with clock.ahead_by(timedelta(days=14)):
        with pytest.raises(InvitationEnded, match="has run out"):
            accept_invitation(invitation_id=overdue.pk, by=other)
        assert tidy_invitations() == 1
        assert tidy_invitations() == 0
    overdue.refresh_from_db()
    assert overdue.state == "expired"
    assert client.memberships.count() == 1


def test_only_owners_withdraw_and_see_what_was_asked() -> None:
    client, friend = a_client(), a_user()
    given, member = asked(client, email=friend.email), a_member(client)
    at = f"clients/{client.pk}/invitations/"

    assert code_of(in_person(member.user).get(at)) == (403, "not_allowed")
    assert in_person(member.user).delete(f"invitations/{given.pk}/") == NO_INVITATION
    assert in_person(a_user()).delete(f"invitations/{given.pk}/") == NO_INVITATION
    assert code_of(in_person(friend).delete(f"invitations/{given.pk}/")) == (403, "not_allowed")
    assert open_ones(client) == [friend.email]


def test_an_invitation_does_not_outlive_the_rights_of_who_gave_it() -> None:
    client = a_client()
    giver, guests = a_member(client, role="owner"), [a_user() for _ in range(3)]
    job = a_draft(client=client)
    first = invite_to_job(job=job, email=guests[0].email, role="viewer", by=giver.user)

    change_role(client=client, membership_id=giver.pk, role="member", by=owner_of(client))
    with pytest.raises(InvitationEnded):
        accept_invitation(invitation_id=first.pk, by=guests[0])

    change_role(client=client, membership_id=giver.pk, role="owner", by=owner_of(client))
    second = invite_member(client=client, email=guests[1].email, role="owner", by=giver.user)
    with by_hand():
        User.objects.filter(pk=giver.user_id).update(is_active=False)
    with pytest.raises(InvitationEnded, match="may invite no more"):
        accept_invitation(invitation_id=second.pk, by=guests[1])
    with by_hand():
        User.objects.filter(pk=giver.user_id).update(is_active=True)

    remove_member(client=client, membership_id=giver.pk, by=owner_of(client))
    assert open_ones(client) == []


def test_who_is_removed_is_invited_no_more_either() -> None:
    client, friend = a_client(), a_user()
    job, owner = a_draft(client=client), owner_of(client)
    share = a_share(job, guest=friend)
    invite_to_job(job=job, email=friend.email, role="manager", by=owner)
    unshare_job(job=job, share_id=share.pk, by=owner)
    assert open_ones(client) == []

    member = a_member(client, user=friend)
    invite_to_job(job=job, email=friend.email, role="manager", by=owner)
    asked(client, email=STRANGER)
    remove_member(client=client, membership_id=member.pk, by=owner)
    assert open_ones(client) == [STRANGER]
    assert roles_on_objects(friend) == set()


def test_who_came_in_meanwhile_keeps_the_role_that_they_have() -> None:
    client, friend = a_client(), a_user()
    earlier = asked(client, email="other.address@example.org", role="owner")
    a_member(client, user=friend)
    with by_hand():
        User.objects.filter(pk=friend.pk).update(email="other.address@example.org")

    refused = in_person(User.objects.get(pk=friend.pk)).post(f"invitations/{earlier.pk}/accept/")

    assert code_of(refused) == (409, "role_held")
    assert Membership.objects.get(user=friend).role == "member"


# Keeping


def test_the_address_of_an_invitation_that_ended_is_forgotten_after_a_month() -> None:
    client, friend = a_client(), a_user()
    given = asked(client, email=friend.email)
    accept_invitation(invitation_id=given.pk, by=friend)
    asked(client, email=STRANGER)

    with clock.ahead_by(timedelta(days=13)):
        assert tidy_invitations() == 0
    with clock.ahead_by(timedelta(days=31)):
        assert tidy_invitations() == 2  # one has run out, of the other the address is forgotten
        given.refresh_from_db()
        assert (given.email, given.state) == ("", "accepted")
        assert accept_invitation(invitation_id=given.pk, by=friend).state == "accepted"
    assert check_invariants() == []


@pytest.mark.parametrize(
    "change",
    [
        {"state": "accepted"},
        {"state": "declined"},
        {"role": "viewer"},
        {"email": ""},
        {"email": "Somebody@Example.org"},
        {"ended_at": datetime.fromisoformat("2026-01-01T00:00:00+00:00")},
    ],
)
def test_the_database_refuses_an_invitation_that_contradicts_itself(change: dict[str, Any]) -> None:
    given = asked(a_client(), email=STRANGER)

    with pytest.raises(IntegrityError), by_hand():
        Invitation.objects.filter(pk=given.pk).update(**change)


def test_the_database_refuses_a_second_open_invitation_and_a_way_back() -> None:
    client = a_client()
    given = asked(client, email=STRANGER)
    with pytest.raises(IntegrityError, match="one_open_invitation_to_a_client"), by_hand():
        Invitation.objects.create(
            client=client, role="owner", email=STRANGER, invited_by=owner_of(client), expires_at=given.expires_at
        )
    in_person(owner_of(client)).delete(f"invitations/{given.pk}/")
    with pytest.raises(IntegrityError, match="cannot go from withdrawn to open"), by_hand():
        Invitation.objects.filter(pk=given.pk).update(state="open", ended_at=None)


def test_no_right_is_invited_to_without_an_audit_event() -> None:
    given = asked(a_client(), email=STRANGER)

    with pytest.raises(pytest.fail.Exception, match="no audit event"), transaction.atomic():
        Invitation.objects.filter(pk=given.pk).update(role="owner")
    assert JobUserObjectPermission.objects.count() == 0
