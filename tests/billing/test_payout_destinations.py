"""Where payouts go: the first place waits for nothing, a changed one for 72 hours; a bank account is one person's."""

from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from billing.demo.stripe_double import DoubleControl
from billing.models import Payout, PayoutAccount
from billing.services.payout_accounts import (
    PayoutAccountMissing,
    change_payout_account,
    onboarding_link,
    open_payout_account,
    refresh_payout_account,
)
from billing.services.payouts import PayoutAccountNotReady, cancel_payout, request_payout
from billing.services.stragglers import drive_stragglers
from kernel import clock
from kernel.flow import WrongState
from kernel.models import AuditEvent
from tests.billing.builders import SOMEBODY, a_worker, usd
from tests.billing.flows import (
    a_payout,
    money_of,
    now_of,
    onboarded,
    paid_in,
    posts_to,
    run_relay,
    send,
    take_in,
    transferred,
)
from tests.billing.stripe_double.world import Receiver
from tests.kernel.mailbox import mails_to
from tests.kernel.people import a_user
from tests.workforce.people import a_worker as approved

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]

THREE_DAYS = timedelta(hours=72)
A_MOMENT = timedelta(minutes=1)


def refreshed(account: PayoutAccount) -> PayoutAccount:
    refresh_payout_account(stripe_account_id=account.stripe_account_id)
    seen: PayoutAccount = now_of(account)
    return seen


def changed(stripe: DoubleControl, owner: str, *, bank: str = "") -> PayoutAccount:
    """Another payout account of the owner's, opened on Stripe's pages."""
    account = change_payout_account(owner=owner, email="worker@assay.test", country="US", by=SOMEBODY)
    run_relay()
    choice = {"bank": bank} if bank else {}
    stripe.press(onboarding_link(owner=owner, return_url="https://assay.test/done").url, **choice)
    account.refresh_from_db()
    return refreshed(account)


def is_about(moment: datetime | None, expected: datetime) -> bool:
    return moment is not None and abs(moment - expected) < A_MOMENT


def actions_of(account: PayoutAccount) -> list[str]:
    events = AuditEvent.objects.filter(subject_id=str(account.pk)).order_by("id")
    return list(events.values_list("action", flat=True))


def test_the_first_destination_waits_for_nothing(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)

    run_relay()

    assert now_of(payout).state == "settled"
    account = payout.payout_account
    assert (account.held_until, account.held_because, account.destination != "") == (None, "", True)
    assert actions_of(account) == [
        "payoutaccount.opened",
        "payoutaccount.made",
        "payoutaccount.destination_named",
        "payoutaccount.became_ready",
    ]


def test_a_changed_bank_account_holds_payouts_for_three_days(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    owner = a_worker(5_000)
    account = onboarded(stripe, owner)
    stripe.change_bank(account.stripe_account_id, bank="another")

    seen = refreshed(account)
    payout = request_payout(owner=owner, amount=None, by=SOMEBODY)
    run_relay()

    assert is_about(seen.held_until, clock.now() + THREE_DAYS)
    assert (seen.held_because, seen.is_held, seen.is_ready) == ("new_bank", True, True)
    assert (now_of(payout).state, now_of(payout).held_until) == ("requested", seen.held_until)
    assert money_of(owner) == (0, 5_000, 0)
    with clock.ahead_by(THREE_DAYS - A_MOMENT):
        drive_stragglers()
        assert now_of(payout).state == "requested"
    with clock.ahead_by(THREE_DAYS + A_MOMENT):
        drive_stragglers()
        assert (now_of(payout).state, now_of(payout).held_until) == ("settled", None)
    assert (money_of(owner), transferred(stripe)) == ((0, 0, 5_000), 5_000)


def test_a_change_that_nobody_told_us_of_is_noticed_before_money_leaves(stripe: DoubleControl) -> None:  # [B178]
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.change_bank(payout.payout_account.stripe_account_id, bank="another")

    run_relay()

    assert (now_of(payout).state, transferred(stripe)) == ("requested", 0)
    assert now_of(payout.payout_account).held_because == "new_bank"


def test_stripes_webhook_of_another_bank_account_holds_it(stripe: DoubleControl, webhooks: Receiver) -> None:
    account = onboarded(stripe, "payee:1")
    stripe.wait_for_webhooks()
    before = len(webhooks.taken)
    stripe.change_bank(account.stripe_account_id, bank="another")

    take_in(webhooks, before + 2)
    run_relay()

    assert now_of(account).held_because == "new_bank"


def test_the_same_bank_account_named_again_changes_nothing(stripe: DoubleControl) -> None:
    account = onboarded(stripe, "payee:1")
    stripe.change_bank(account.stripe_account_id, bank="another")
    held = refreshed(account).held_until

    stripe.change_bank(account.stripe_account_id, bank="another")

    assert refreshed(account).held_until == held
    stripe.press(onboarding_link(owner="payee:1", return_url="https://assay.test/done").url)
    assert refreshed(account).held_until == held


def test_every_change_begins_the_three_days_anew_and_going_back_is_a_change(stripe: DoubleControl) -> None:
    account = onboarded(stripe, "payee:1")
    stripe.change_bank(account.stripe_account_id, bank="one")
    first = refreshed(account).held_until
    assert first is not None

    with clock.ahead_by(timedelta(hours=10)):
        stripe.change_bank(account.stripe_account_id, bank="two")
        second = refreshed(account).held_until
    with clock.ahead_by(timedelta(hours=20)):
        stripe.change_bank(account.stripe_account_id, bank="one")
        third = refreshed(account).held_until

    assert is_about(second, first + timedelta(hours=10))
    assert is_about(third, first + timedelta(hours=20))


def test_another_account_takes_the_place_of_the_first_and_is_held(stripe: DoubleControl) -> None:
    paid_in(stripe, 20_000)
    owner = a_worker(9_000)
    old = onboarded(stripe, owner)
    before = request_payout(owner=owner, amount=usd(4_000), by=SOMEBODY)

    new = changed(stripe, owner)
    after = request_payout(owner=owner, amount=usd(5_000), by=SOMEBODY)
    run_relay()

    assert (now_of(before).state, now_of(before).payout_account) == ("settled", old)
    assert (now_of(after).state, after.payout_account) == ("requested", new)
    assert (new.held_because, is_about(new.held_until, clock.now() + THREE_DAYS)) == ("new_account", True)
    assert actions_of(old)[-1] == "payoutaccount.replaced"
    assert new.stripe_account_id != old.stripe_account_id
    with clock.ahead_by(THREE_DAYS + A_MOMENT):
        drive_stragglers()
    assert (now_of(after).state, money_of(owner)) == ("settled", (0, 0, 9_000))
    assert posts_to(stripe, "/v1/transfers") == [f"{before.reference}:1", f"{after.reference}:1"]


def test_the_three_days_of_another_account_begin_when_its_bank_account_is_known(stripe: DoubleControl) -> None:
    onboarded(stripe, "payee:1")
    account = change_payout_account(owner="payee:1", email="worker@assay.test", country="US", by=SOMEBODY)
    asked = clock.now()
    run_relay()

    with clock.ahead_by(timedelta(hours=71)):
        stripe.press(onboarding_link(owner="payee:1", return_url="https://assay.test/done").url)
        seen = refreshed(now_of(account))

    assert is_about(seen.held_until, asked + timedelta(hours=71) + THREE_DAYS)


def test_what_is_not_set_up_is_not_changed(stripe: DoubleControl) -> None:
    with pytest.raises(PayoutAccountMissing):
        change_payout_account(owner="payee:1", email="", country="US", by=SOMEBODY)
    open_payout_account(owner="payee:1", email="worker@assay.test", country="US", by=SOMEBODY)
    with pytest.raises(WrongState, match="Your payout account is still being set up"):
        change_payout_account(owner="payee:1", email="", country="US", by=SOMEBODY)
    assert PayoutAccount.objects.count() == 1


def test_the_worker_is_told_of_every_change_and_not_of_the_first(stripe: DoubleControl) -> None:
    worker = approved(user=a_user())
    account = onboarded(stripe, worker.billing_owner)
    run_relay()
    assert mails_to(worker.user.email) == []

    stripe.change_bank(account.stripe_account_id, bank="another")
    held = refreshed(account)
    run_relay()

    (told,) = mails_to(worker.user.email)
    assert told.subject == "Your payouts go elsewhere from now on"
    assert held.held_until is not None
    assert f"changed, to another bank account. Payouts wait until {held.held_until:%Y-%m-%d %H:%M} UTC," in told.body
    changed(stripe, worker.billing_owner)
    run_relay()
    assert ["to another payout account." in mail.body for mail in mails_to(worker.user.email)] == [False, True, True]


def test_a_held_payout_can_be_called_off(stripe: DoubleControl) -> None:  # [B154]
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.change_bank(payout.payout_account.stripe_account_id, bank="another")
    send(payout)

    cancel_payout(payout_id=payout.pk, owner=payout.owner, by=SOMEBODY)

    with clock.ahead_by(THREE_DAYS + A_MOMENT):
        drive_stragglers()
        run_relay()
    assert (now_of(payout).state, money_of(payout.owner), transferred(stripe)) == ("cancelled", (5_000, 0, 0), 0)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "server_error_after"])
def test_a_payout_whose_outcome_is_unknown_is_looked_for_and_not_asked_for_while_held(
    stripe: DoubleControl, fault: str
) -> None:  # [B154]
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", fault)
    run_relay()
    assert now_of(payout).state == ("settled" if fault == "server_error_after" else "sending")
    asked = len(posts_to(stripe, "/v1/transfers"))
    stripe.change_bank(payout.payout_account.stripe_account_id, bank="another")

    send(payout)

    came_about = fault != "drop_before"
    assert now_of(payout).state == ("settled" if came_about else "sending")
    assert (len(posts_to(stripe, "/v1/transfers")), transferred(stripe)) == (asked, 5_000 if came_about else 0)
    with clock.ahead_by(THREE_DAYS + A_MOMENT):
        drive_stragglers()
    assert (now_of(payout).state, money_of(payout.owner), transferred(stripe)) == ("settled", (0, 0, 5_000), 5_000)


def test_one_bank_account_is_one_persons(stripe: DoubleControl) -> None:  # [B183, B185]
    paid_in(stripe, 10_000)
    first, second = onboarded(stripe, "payee:1"), a_worker(5_000)
    theirs = onboarded(stripe, second)
    stripe.change_bank(first.stripe_account_id, bank="the same")
    stripe.change_bank(theirs.stripe_account_id, bank="the same")

    first, theirs = refreshed(first), refreshed(theirs)

    assert (first.is_ready, theirs.is_ready, theirs.shared_with) == (True, False, first)
    flag = AuditEvent.objects.get(action="payoutaccount.destination_shared")
    assert (flag.subject_id, flag.details) == (str(theirs.pk), {"with": str(first.pk)})
    with pytest.raises(PayoutAccountNotReady, match="Somebody else is paid out to the same bank account"):
        request_payout(owner=second, amount=None, by=SOMEBODY)
    stripe.change_bank(theirs.stripe_account_id, bank="their own")
    assert refreshed(theirs).is_ready is True


def test_twenty_accounts_with_one_bank_account_are_one_that_is_paid(stripe: DoubleControl) -> None:  # [B185]
    for number in range(20):
        account = onboarded(stripe, f"payee:{number}")
        stripe.change_bank(account.stripe_account_id, bank="the ring's")
        refreshed(account)

    ready = [account.owner for account in PayoutAccount.objects.order_by("opened_at") if account.is_ready]
    assert ready == ["payee:0"]
    assert AuditEvent.objects.filter(action="payoutaccount.destination_shared").count() == 19


@pytest.mark.untrue("every key for Stripe was told")
def test_the_database_itself_holds_a_payout(stripe: DoubleControl) -> None:  # [B033]
    payout = a_payout(stripe, 5_000)
    account = payout.payout_account
    stripe.change_bank(account.stripe_account_id, bank="another")
    refreshed(account)
    begun = {"state": "sending", "attempt": 1}

    with pytest.raises(DatabaseError, match="Nothing is sent to payout account"), transaction.atomic():
        Payout.objects.filter(pk=payout.pk).update(**begun, attempt_began_at=clock.now())
    with pytest.raises(DatabaseError, match="Nothing is sent to payout account"), transaction.atomic():
        Payout.objects.filter(pk=payout.pk).update(**begun, attempt_began_at=clock.now() + THREE_DAYS - A_MOMENT)
    Payout.objects.filter(pk=payout.pk).update(**begun, attempt_began_at=clock.now() + THREE_DAYS + A_MOMENT)


SHORTCUTS = {
    "a hold lifted": "held_until = NULL, held_because = ''",
    "a hold shortened": "held_until = held_until - interval '1 second'",
    "a bank account without a hold": "destination = 'x', destination_since = held_until + interval '1 second'",
    "a bank account of before": "destination = 'x', destination_since = destination_since - interval '1 day'",
    "another account at Stripe": "stripe_account_id = 'acct_other'",
}


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_the_database_itself_keeps_a_hold(stripe: DoubleControl, shortcut: str) -> None:
    account = onboarded(stripe, "payee:1")
    stripe.change_bank(account.stripe_account_id, bank="another")
    refreshed(account)

    with (
        pytest.raises(DatabaseError, match="held for 72 hours, and a hold is not shortened"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE billing_payoutaccount SET {SHORTCUTS[shortcut]} WHERE id = %s", [account.pk])  # noqa: S608


def test_the_database_itself_keeps_a_bank_account_to_one_owner(stripe: DoubleControl) -> None:  # [B185]
    account, other = onboarded(stripe, "payee:1"), onboarded(stripe, "payee:2")
    since = clock.now()
    held = {"held_until": since + THREE_DAYS, "held_because": "new_bank", "destination_since": since}

    with pytest.raises(DatabaseError, match="one_owner_per_destination"), transaction.atomic():
        PayoutAccount.objects.filter(pk=other.pk).update(destination=account.destination, **held)
