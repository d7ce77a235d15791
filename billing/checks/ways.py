"""The ways of money: between which accounts a posting of each kind may move it. A new kind is one entry here."""

from typing import Final

from billing.models import LedgerAccount, Posting

Kind = Posting.Kind
Way = tuple[LedgerAccount.Kind, LedgerAccount.Kind]

FUNDS, ESCROW, RESERVE = LedgerAccount.Kind.CLIENT_FUNDS, LedgerAccount.Kind.JOB_ESCROW, LedgerAccount.Kind.PAY_RESERVE
EARNINGS, FEES, LOSS = LedgerAccount.Kind.WORKER_EARNINGS, LedgerAccount.Kind.PLATFORM_FEES, LedgerAccount.Kind.LOSS
PAYOUTS, REFUNDS = LedgerAccount.Kind.PAYOUTS_IN_FLIGHT, LedgerAccount.Kind.REFUNDS_IN_FLIGHT
DISPUTED, PROCESSOR = LedgerAccount.Kind.DISPUTED, LedgerAccount.Kind.PROCESSOR_FEES
OUTSIDE = LedgerAccount.Kind.OUTSIDE_WORLD

WAYS: Final[dict[Posting.Kind, set[Way]]] = {
    Kind.FUNDING_SETTLED: {(OUTSIDE, FUNDS)},
    Kind.REFUND_REQUESTED: {(FUNDS, REFUNDS)},
    Kind.REFUND_SETTLED: {(REFUNDS, OUTSIDE)},
    Kind.REFUND_FAILED: {(REFUNDS, FUNDS)},
    Kind.REFUND_RETURNED: {(OUTSIDE, FUNDS)},
    Kind.ESCROW_HELD: {(FUNDS, ESCROW)},
    Kind.ESCROW_RELEASED: {(ESCROW, FUNDS)},
    Kind.WORK_PAID: {(ESCROW, EARNINGS), (ESCROW, FEES)},
    Kind.FEES_SWEPT: {(FEES, FEES)},
    Kind.PAYOUT_REQUESTED: {(EARNINGS, PAYOUTS)},
    Kind.PAYOUT_SETTLED: {(PAYOUTS, OUTSIDE)},
    Kind.PAYOUT_CANCELLED: {(PAYOUTS, EARNINGS)},
    Kind.PAYOUT_FAILED: {(PAYOUTS, EARNINGS)},
    Kind.PAYOUT_RETURNED: {(OUTSIDE, EARNINGS)},
    Kind.CREDIT_GRANTED: {(LOSS, FUNDS)},
    Kind.BONUS_PAID: {(FUNDS, EARNINGS), (FUNDS, FEES)},
    Kind.RESERVE_HELD: {(FUNDS, RESERVE)},
    Kind.RESERVE_RELEASED: {(RESERVE, FUNDS)},
    Kind.PAY_LIFTED: {(RESERVE, EARNINGS)},
    Kind.INTERRUPTION_PAID: {(ESCROW, EARNINGS)},
    Kind.PROCESSING_CHARGED: {(PROCESSOR, OUTSIDE)},
    Kind.DISPUTE_OPENED: {(FUNDS, DISPUTED), (LOSS, DISPUTED)},
    Kind.DISPUTE_WON: {(DISPUTED, FUNDS), (DISPUTED, LOSS)},
    Kind.DISPUTE_LOST: {(DISPUTED, OUTSIDE)},
}
"""What is missing may not be. A reversal goes the way of what it reverses, back: that is another check's."""

ONE_OWNER: Final = frozenset({FUNDS, REFUNDS, EARNINGS, PAYOUTS, DISPUTED, OUTSIDE})
"""From one of these to another, money stays its owner's: nobody's payout is taken from somebody else.

A bonus alone is given: from a client's funds to a worker's earnings."""

_ALLOWED: Final = ", ".join(
    f"('{kind}', '{source}', '{target}', {str({source, target} <= ONE_OWNER and kind is not Kind.BONUS_PAID).lower()})"
    for kind, ways in WAYS.items()
    for source, target in sorted(ways)
)

MONEY_MOVES_ALONG_ITS_WAYS: Final = f"""
    SELECT p.key, format('By %s, %s went from %s of %s to %s of %s.',
        p.kind, e.amount_minor, s.kind, s.owner, t.kind, t.owner)
    FROM billing_ledgerentry e JOIN billing_posting p ON p.id = e.posting_id
    JOIN billing_ledgeraccount s ON s.id = e.source_id JOIN billing_ledgeraccount t ON t.id = e.target_id
    LEFT JOIN (VALUES {_ALLOWED}) AS way (kind, source, target, one_owner)
        ON (way.kind, way.source, way.target) = (p.kind, s.kind, t.kind)
    WHERE p.kind <> 'reversal' AND (way.kind IS NULL OR way.one_owner AND s.owner <> t.owner)
"""  # noqa: S608  (all of it ours)
