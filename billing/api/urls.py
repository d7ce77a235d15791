"""The billing app's part of `/api/v1/`."""

from django.urls import path

from billing.api.books import BooksView
from billing.api.payout_accounts import OnboardingLinkView, PayoutAccountChangeView, PayoutAccountView
from billing.api.payout_schedules import PayoutScheduleView
from billing.api.payouts import BankPayoutsView, PayoutCancellationView, PayoutsView, PayoutView
from billing.api.stripe_movements import ExplanationView, StripeMovementsView

urlpatterns = [
    path("books/", BooksView.as_view()),
    path("stripe-movements/", StripeMovementsView.as_view()),
    path("stripe-movements/<uuid:movement_id>/explain/", ExplanationView.as_view()),
    path("payouts/", PayoutsView.as_view()),
    path("payouts/<uuid:payout_id>/", PayoutView.as_view()),
    path("payouts/<uuid:payout_id>/cancel/", PayoutCancellationView.as_view()),
    path("payouts/at-the-bank/", BankPayoutsView.as_view()),
    path("payout-schedule/", PayoutScheduleView.as_view()),
    path("payout-account/", PayoutAccountView.as_view()),
    path("payout-account/change/", PayoutAccountChangeView.as_view()),
    path("payout-account/onboarding-link/", OnboardingLinkView.as_view()),
]
