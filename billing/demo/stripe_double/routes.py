"""The table of operations: address, the type its parameters are checked against, and the function that runs it."""

from stripe import params

from billing.demo.stripe_double import accounts, checkout, disputes, payments, payouts, refunds, statements, transfers
from billing.demo.stripe_double.errors import Refusal
from billing.demo.stripe_double.operation import Route

ROUTES = (
    Route("POST", "/v1/customers", params.CustomerCreateParams, payments.create_customer),
    Route("GET", "/v1/customers/{}", params.CustomerRetrieveParams, payments.retrieve_customer),
    Route("POST", "/v1/checkout/sessions", params.checkout.SessionCreateParams, checkout.create_session),
    Route(
        "GET",
        "/v1/checkout/sessions/{}",
        params.checkout.SessionRetrieveParams,
        checkout.retrieve_session,
        expands=("payment_intent",),
    ),
    Route("POST", "/v1/checkout/sessions/{}/expire", params.checkout.SessionExpireParams, checkout.expire_session),
    Route("POST", "/v1/payment_intents", params.PaymentIntentCreateParams, payments.create_payment_intent),
    Route("GET", "/v1/payment_intents/{}", params.PaymentIntentRetrieveParams, payments.retrieve_payment_intent),
    Route("POST", "/v1/payment_intents/{}/confirm", params.PaymentIntentConfirmParams, payments.confirm_payment_intent),
    Route("GET", "/v1/charges/{}", params.ChargeRetrieveParams, payments.retrieve_charge),
    Route("POST", "/v1/refunds", params.RefundCreateParams, refunds.create_refund),
    Route("GET", "/v1/refunds", params.RefundListParams, refunds.list_refunds),
    Route("GET", "/v1/refunds/{}", params.RefundRetrieveParams, refunds.retrieve_refund),
    Route("GET", "/v1/disputes", params.DisputeListParams, disputes.list_disputes),
    Route("GET", "/v1/disputes/{}", params.DisputeRetrieveParams, disputes.retrieve_dispute),
    Route("POST", "/v1/accounts", params.AccountCreateParams, accounts.create_account),
    Route("GET", "/v1/accounts/{}", params.AccountRetrieveParams, accounts.retrieve_account),
    Route("POST", "/v1/account_links", params.AccountLinkCreateParams, accounts.create_account_link),
    Route("POST", "/v1/transfers", params.TransferCreateParams, transfers.create_transfer),
    Route("GET", "/v1/transfers", params.TransferListParams, transfers.list_transfers),
    Route("GET", "/v1/transfers/{}", params.TransferRetrieveParams, transfers.retrieve_transfer),
    Route("POST", "/v1/transfers/{}/reversals", params.TransferReversalCreateParams, transfers.create_reversal),
    Route("GET", "/v1/transfers/{}/reversals", params.TransferReversalListParams, transfers.list_reversals),
    Route("POST", "/v1/payouts", params.PayoutCreateParams, payouts.create_payout),
    Route("GET", "/v1/payouts", params.PayoutListParams, payouts.list_payouts),
    Route("GET", "/v1/payouts/{}", params.PayoutRetrieveParams, payouts.retrieve_payout),
    Route("GET", "/v1/balance", params.BalanceRetrieveParams, statements.retrieve_balance),
    Route(
        "GET",
        "/v1/balance_transactions",
        params.BalanceTransactionListParams,
        statements.list_balance_transactions,
        expands=("data.source",),
    ),
    Route(
        "GET",
        "/v1/balance_transactions/{}",
        params.BalanceTransactionRetrieveParams,
        statements.retrieve_balance_transaction,
    ),
    Route("GET", "/v1/events", params.EventListParams, statements.list_events),
    Route("GET", "/v1/events/{}", params.EventRetrieveParams, statements.retrieve_event),
)


def find_route(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The operation at an address and the ids in it."""
    for route in ROUTES:
        ids = route.ids_in(method, path)
        if ids is not None:
            return route, ids
    raise Refusal(f"Unrecognized request URL ({method}: {path}).", status=404)
