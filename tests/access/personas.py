"""Everybody who asks in the matrix about the things of one client and one worker, and what they hold there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from kernel import clock
from kernel.admin_roles import ADMIN_ROLES
from kernel.models import Session, User
from kernel.services.access import create_api_key, open_session
from kernel.services.audit import Actor
from marketplace.models import JobUserObjectPermission, Membership
from marketplace.policy.words import INVITED, OF_MONEY, OF_THEIR_CLIENT, OFFERED, OWN, SHARED
from tests.access.world import Side, in_person
from tests.kernel.people import made_admin
from tests.marketplace.api_people import Person
from tests.qualification.builders import a_user
from tests.qualification.builders import a_worker as an_uncertified_worker
from workforce.services.standing import pause_worker, suspend_worker

SIGNED_IN: frozenset[str] = frozenset({"anyone", "newcomer", "person"})
NARROW: frozenset[str] = frozenset({"jobs.read"})
"""The scopes of the narrow key."""


@dataclass(frozen=True)
class Persona:
    """``roles`` are those that they have anywhere; ``conditions`` those that hold for what is addressed.

    ``scopes`` are what their key is limited to, None for somebody who is there in person. ``asleep`` are admin roles
    that they hold and that do not count, as no second factor was shown.
    """

    name: str
    person: Person
    roles: frozenset[str] = frozenset({"anyone"})
    conditions: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    asleep: frozenset[str] = frozenset()


def personas(one: Side, other: Side) -> Iterator[Persona]:
    """All of them; ``one`` is the side that is asked about."""
    yield Persona("anonymous", Person())
    yield Persona("expired session", _expired(a_user()))
    yield Persona("newcomer", _newcomer(), frozenset({"anyone", "newcomer"}))
    yield from _workers(one, other)
    yield from _clients_people(one, other)
    yield from _admins()


def _workers(one: Side, other: Side) -> Iterator[Persona]:
    signed_in, offered = SIGNED_IN | {"worker"}, frozenset({OFFERED})
    yield Persona("worker A", _fresh(one.worker), signed_in, frozenset({OWN, OFFERED, INVITED}))
    yield Persona("worker B", _fresh(other.worker), signed_in, offered)
    yield Persona("uncertified worker", _sits(an_uncertified_worker().user), signed_in, offered)
    paused, suspended = an_uncertified_worker(), an_uncertified_worker()
    by = Actor.user(a_user(is_staff=True))
    pause_worker(worker_id=paused.pk, by=by, why="Asked for it.", until=clock.now() + timedelta(hours=1))
    suspend_worker(worker_id=suspended.pk, by=by, why="Under another name.")
    yield Persona("paused worker", _sits(paused.user), signed_in, offered)
    yield Persona("suspended worker", _sits(suspended.user), signed_in, offered)


def _clients_people(one: Side, other: Side) -> Iterator[Persona]:
    side = SIGNED_IN
    member = Membership.objects.get(pk=one.ids["member_id"])
    theirs = frozenset({OF_THEIR_CLIENT})
    yield Persona("owner of client 1", _fresh(one.owner), side | {"owner"}, theirs)
    yield Persona("member of client 1", _sits(member.user), side | {"member"}, theirs)
    viewer = JobUserObjectPermission.objects.get(pk=one.ids["share_id"]).user
    yield Persona("viewer of job 1", _sits(viewer), side | {"viewer"}, frozenset({SHARED}))
    yield Persona("owner of client 2", _fresh(other.owner), side | {"owner"})
    yield Persona("key for jobs.read", _narrow_key(one.owner.user), side | {"owner"}, theirs, scopes=NARROW)


def _admins() -> Iterator[Persona]:
    # The one escalation that there is is about a payout.
    side, of_its_kind = SIGNED_IN, frozenset({OF_MONEY})
    for role in ADMIN_ROLES:
        yield Persona(f"{role} admin", _sits(made_admin(a_user(), role)), side | {role}, of_its_kind)
    admin = made_admin(a_user())
    yield Persona(
        "admin without a factor",
        _with_token(open_session(user=admin, through="api")[1], admin),
        side,
        asleep=frozenset(ADMIN_ROLES),
    )


def _sits(user: User) -> Person:
    return _fresh(in_person(user))


def _fresh(person: Person) -> Person:
    """The same person, who has just shown a second factor."""
    now = clock.now()
    Session.objects.filter(user=person.user, revoked_at=None).update(second_factor_at=now, fresh_at=now)
    return person


def _expired(user: User) -> Person:
    person = in_person(user)
    Session.objects.filter(user=user).update(expires_at=clock.now() - timedelta(minutes=1))
    return person


def _newcomer() -> Person:
    user = a_user()
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    return in_person(user)


def _narrow_key(user: User | None) -> Person:
    assert user is not None
    ends = clock.now() + timedelta(days=1)
    _, token = create_api_key(user=user, name="narrow", scopes=NARROW, expires_at=ends, by=Actor.user(user))
    return _with_token(token, user)


def _with_token(token: str, user: User) -> Person:
    person = Person()
    person.http.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    person.user = user
    return person
