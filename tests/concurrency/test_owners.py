"""Owners who decide about each other at the same moment: one of them stays, whoever is first."""

from functools import partial

import pytest

from kernel.errors import NotAllowed
from marketplace.models import Membership
from marketplace.services.clients import change_role, remove_member
from marketplace.services.invitations import accept_invitation, invite_member
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import a_client, a_member, owner_of
from tests.qualification.builders import a_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_two_owners_who_demote_each_other_leave_one() -> None:
    client = a_client(funds_minor=0)
    first, second = Membership.objects.get(client=client), a_member(client, role="owner")

    outcomes = at_once(
        [
            partial(change_role, client=client, membership_id=second.pk, role="member", by=first.user),
            partial(change_role, client=client, membership_id=first.pk, role="member", by=second.user),
        ]
    )

    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [NotAllowed]
    assert sorted(client.memberships.values_list("role", flat=True)) == ["member", "owner"]


def test_two_owners_who_remove_each_other_leave_one() -> None:
    client = a_client(funds_minor=0)
    first, second = Membership.objects.get(client=client), a_member(client, role="owner")

    outcomes = at_once(
        [
            partial(remove_member, client=client, membership_id=second.pk, by=first.user),
            partial(remove_member, client=client, membership_id=first.pk, by=second.user),
        ]
    )

    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [NotAllowed]
    assert list(client.memberships.values_list("role", flat=True)) == ["owner"]


def test_an_invitation_that_is_accepted_many_times_at_once_makes_one_member() -> None:
    client, friend = a_client(funds_minor=0), a_user()
    given = invite_member(client=client, email=friend.email, role="member", by=owner_of(client))

    outcomes = at_once([partial(accept_invitation, invitation_id=given.pk, by=friend) for _ in range(4)])

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert client.memberships.filter(user=friend).count() == 1
