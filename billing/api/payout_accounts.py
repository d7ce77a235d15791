"""One's own payout account over HTTP: open it, go on to Stripe's pages, see what is missing."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.addresses import AddressField
from billing.api.payees import PayeeView
from billing.models import PayoutAccount
from billing.services.payout_accounts import (
    PayoutAccountMissing,
    PayoutAccountRefused,
    StripeUnavailable,
    change_payout_account,
    onboarding_link,
    open_payout_account,
)
from billing.stripe_gateway import StripeNotSetUp
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.flow import WrongState


class PayoutAccountIn(In):
    """Nothing needs to be said: who and where one is, is known; the rest is asked by Stripe."""


class PayoutAccountOut(Out):
    """Where one's payouts go."""

    EXAMPLE = {
        "country": "US",
        "is_ready": False,
        "transfers_active": False,
        "payouts_enabled": False,
        "requirements_due": ["external_account", "individual.dob.day"],
        "disabled_reason": "requirements.past_due",
        "failure": "",
        "opened_at": "2026-05-17T12:00:00Z",
        "refreshed_at": "2026-05-17T12:05:00Z",
        "held_until": None,
        "held_because": "",
    }
    country = fields.LineField(help_text="ISO 3166-1 alpha-2.")
    is_ready = fields.BooleanField(help_text="Whether payouts can be requested.")
    transfers_active = fields.BooleanField(help_text="Whether Stripe lets money be sent to it.")
    payouts_enabled = fields.BooleanField(help_text="Whether Stripe sends on to one's bank what is in it.")
    requirements_due = fields.ListField(child=fields.LineField(), help_text="What Stripe still wants to know.")
    disabled_reason = fields.LineField(help_text="Why Stripe does not let it, in its own words; else empty.")
    failure = fields.TextField(help_text="Why Stripe would not make it; else empty. Opening it again tries again.")
    opened_at = fields.DateTimeField()
    refreshed_at = fields.DateTimeField(allow_null=True, help_text="When Stripe was last asked about it.")
    held_until = fields.DateTimeField(
        allow_null=True, help_text="Payouts wait until then, because where they go was changed; null if they need not."
    )
    held_because = fields.ChoiceField(
        choices=[*PayoutAccount.Held.choices, ""], help_text="What was changed: this account, or the bank behind it."
    )


class OnboardingLinkIn(In):
    """Where Stripe's page sends one's browser afterwards."""

    EXAMPLE = {"return_url": "https://example.org/paid"}
    return_url = AddressField(
        required=False, max_length=1000, help_text="Where to go when one is done; here, unless given."
    )
    refresh_url = AddressField(
        required=False, max_length=1000, help_text="Where to go when the page is stale; like `return_url` unless given."
    )


class OnboardingLinkOut(Out):
    """A page of Stripe's on which one opens one's payout account. It works once."""

    EXAMPLE = {"url": "https://connect.stripe.com/setup/e/acct_1/a1B2c3", "expires_at": "2026-05-17T12:05:00Z"}
    url = fields.LineField()
    expires_at = fields.DateTimeField()


class PayoutAccountView(PayeeView):
    """One's own payout account."""

    @operation("Show one's own payout account", answer=PayoutAccountOut, errors=[PayoutAccountMissing])
    def get(self, request: Request) -> Response:
        """Whether payouts can be requested, and what is missing if not."""
        account = PayoutAccount.objects.of(self.payee.owner).first()
        if account is None:
            raise PayoutAccountMissing("You have no payout account yet. Open one first.")
        return self.answer(PayoutAccountOut(_shown(account)))

    @operation(
        "Open a payout account",
        body=PayoutAccountIn,
        answer=PayoutAccountOut,
        status=201,
        creates=True,
    )
    def post(self, request: Request) -> Response:
        """Opens it, once; asked again it is the same one. Then ask for an onboarding link, and go there."""
        self.read_body()
        payee = self.payee
        account = open_payout_account(owner=payee.owner, email=self.user.email, country=payee.country, by=self.actor)
        return self.answer(PayoutAccountOut(_shown(account)), status=201)


class PayoutAccountChangeView(PayeeView):
    """Another payout account."""

    @operation(
        "Change one's own payout account",
        body=PayoutAccountIn,
        answer=PayoutAccountOut,
        status=201,
        creates=True,
        errors=[PayoutAccountMissing, WrongState],
    )
    def post(self, request: Request) -> Response:
        """Puts another account in place of the present one; then ask for an onboarding link, and go there.

        Payouts that were asked for go on to the old one. New ones wait for 72 hours from when Stripe knows the new bank
        account; they can be cancelled meanwhile. One is told by e-mail, so that one notices if it was somebody else.
        """
        self.read_body()
        payee = self.payee
        account = change_payout_account(owner=payee.owner, email=self.user.email, country=payee.country, by=self.actor)
        return self.answer(PayoutAccountOut(_shown(account)), status=201)


class OnboardingLinkView(PayeeView):
    """The way to Stripe's pages."""

    @operation(
        "Make an onboarding link",
        body=OnboardingLinkIn,
        answer=OnboardingLinkOut,
        status=201,
        errors=[PayoutAccountMissing, PayoutAccountRefused, StripeNotSetUp, StripeUnavailable],
    )
    def post(self, request: Request) -> Response:
        """Makes a fresh link; each works once and for a few minutes. What one says there stays with Stripe."""
        asked = self.read_body()
        return_url = asked.get("return_url") or request.build_absolute_uri("/")
        link = onboarding_link(owner=self.payee.owner, return_url=return_url, refresh_url=asked.get("refresh_url"))
        return self.answer(OnboardingLinkOut(link), status=201)


def _shown(account: PayoutAccount) -> dict[str, Any]:
    """A payout account as its owner sees it; a hold that is over is none."""
    hold = ("held_until", "held_because")
    return {
        **{name: getattr(account, name) for name in PayoutAccountOut.EXAMPLE if name not in hold},
        "held_until": account.held_until if account.is_held else None,
        "held_because": account.held_because if account.is_held else "",
    }
