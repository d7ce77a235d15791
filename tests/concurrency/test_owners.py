"""Owners who decide about each other at the same moment: one of them stays, whoever is first."""

from collections.abc import Callable
from functools import partial
from threading import Event
from time import sleep

import pytest
from django.db import connection, transaction

from kernel.errors import NotAllowed
from marketplace.models import Client, Membership
from marketplace.services.clients import change_role, remove_member
from marketplace.services.invitations import InvitationEnded, accept_invitation, invite_member
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import a_client, a_member, owner_of
from tests.qualification.builders import a_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def wait_until_as_many_wait(number: int) -> None:
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() >= (number,):
                return
            sleep(0.02)
    raise AssertionError(f"Fewer than {number} wait for the client.")


def let_go_together(client: Client, *calls: Callable[[], object]) -> list[object]:
    """What the calls returned or raised, all of which were begun before any could look at who acts for the client."""
    is_held = Event()

    @transaction.atomic
    def hold() -> None:
        Client.objects.select_for_update(no_key=True).get(pk=client.pk)
        is_held.set()
        wait_until_as_many_wait(len(calls))

    def run(call: Callable[[], object]) -> object:
        is_held.wait()
        return call()

    together: list[Callable[[], object]] = [hold, *(partial(run, call) for call in calls)]
    held, *outcomes = at_once(together)
    assert held is None
    return outcomes


def refusals(outcomes: list[object]) -> list[type]:
    return [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)]


def test_two_owners_who_demote_each_other_leave_one() -> None:
    client = a_client(funds_minor=0)
    first, second = Membership.objects.get(client=client), a_member(client, role="owner")

    outcomes = let_go_together(
        client,
        partial(change_role, client=client, membership_id=second.pk, role="member", by=first.user),
        partial(change_role, client=client, membership_id=first.pk, role="member", by=second.user),
    )

    assert refusals(outcomes) == [NotAllowed]
    assert sorted(client.memberships.values_list("role", flat=True)) == ["member", "owner"]


def test_two_owners_who_remove_each_other_leave_one() -> None:
    client = a_client(funds_minor=0)
    first, second = Membership.objects.get(client=client), a_member(client, role="owner")

    outcomes = let_go_together(
        client,
        partial(remove_member, client=client, membership_id=second.pk, by=first.user),
        partial(remove_member, client=client, membership_id=first.pk, by=second.user),
    )

    assert refusals(outcomes) == [NotAllowed]
    assert list(client.memberships.values_list("role", flat=True)) == ["owner"]


def test_an_invitation_that_is_accepted_many_times_at_once_makes_one_member() -> None:
    client, friend = a_client(funds_minor=0), a_user()
    given = invite_member(client=client, email=friend.email, role="member", by=owner_of(client))
    accept = partial(accept_invitation, invitation_id=given.pk, by=friend)

    assert refusals(let_go_together(client, accept, accept, accept)) == []
    assert client.memberships.filter(user=friend).count() == 1


def test_nobody_comes_in_by_an_invitation_of_who_is_being_removed() -> None:
    client, friend = a_client(funds_minor=0), a_user()
    giver = a_member(client, role="owner")
    given = invite_member(client=client, email=friend.email, role="owner", by=giver.user)

    removed, accepted = let_go_together(
        client,
        partial(remove_member, client=client, membership_id=giver.pk, by=owner_of(client)),
        partial(accept_invitation, invitation_id=given.pk, by=friend),
    )

    assert removed is None
    given.refresh_from_db()
    came_in = client.memberships.filter(user=friend).exists()
    assert (given.state, came_in, isinstance(accepted, InvitationEnded)) in [
        ("accepted", True, False),  # before the giver went
        ("withdrawn", False, True),
    ]


def test_two_owners_who_invite_the_same_address_leave_one_open_invitation() -> None:
    client = a_client(funds_minor=0)
    other = a_member(client, role="owner").user
    invite = partial(invite_member, client=client, email="grace@example.org", role="member")

    assert refusals(let_go_together(client, partial(invite, by=owner_of(client)), partial(invite, by=other))) == []
    assert client.invitations.filter(email="grace@example.org", state="open").count() == 1
