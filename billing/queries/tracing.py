"""Where money came from and where it went, account by account, to the cent (`billing.queries.attribution`)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from django.db import connection
from django.db.models import Q

from billing.models import Dispute, Funding, LedgerAccount, LedgerEntry, Payout, Posting, Refund
from billing.queries.attribution import Laid, Piece, Stretch, joined, length_of, pieces_in, stretches_of

Kind = LedgerAccount.Kind
Direction = Literal["back", "on"]

MOST_FOLLOWED: Final = 5_000
"""The most entries that one account is left or reached by in a trace; the rest is counted and not followed."""

ENDS: Final[dict[Direction, frozenset[str]]] = {
    "back": frozenset(LedgerAccount.MAY_BE_NEGATIVE),
    "on": frozenset({*LedgerAccount.MAY_BE_NEGATIVE, Kind.PLATFORM_FEES}),
}
"""Here a trace ends: in the world outside, but for what comes back from there, and in what is the platform's own."""

BY_SUBJECT: Final = frozenset({Kind.PAYOUTS_IN_FLIGHT, Kind.REFUNDS_IN_FLIGHT, Kind.DISPUTED, Kind.OUTSIDE_WORLD})
"""What goes through these was set aside for one payout, refund or dispute, and leaves for it: that is a fact."""

COMES_AGAIN: Final = ("payout:", "refund:", "dispute:")
"""Of these a part may come back from the world outside; it is followed from where it left."""

Owns = Callable[[LedgerAccount], bool]


@dataclass(frozen=True, slots=True)
class Rest:
    """What of the traced money is still in an account, or was not followed any further."""

    account: LedgerAccount
    amount_minor: int
    is_there: bool


@dataclass(slots=True)
class Trace:
    """What was found: by entry which of its cents, and how they were told; and what was left where.

    ``met_again_minor`` is how many of the cents that were asked for others that were came from.
    """

    cents: dict[int, list[Stretch]] = field(default_factory=dict)
    met_again_minor: int = 0
    told_by: dict[int, str] = field(default_factory=dict)
    entries: dict[int, LedgerEntry] = field(default_factory=dict)
    rests: list[Rest] = field(default_factory=list)

    @property
    def moved(self) -> dict[int, int]:
        """By entry how many of its cents were found, each counted once however it was found."""
        return {entry_id: length_of(joined(cents)) for entry_id, cents in self.cents.items()}


def named_at_stripe(name: str) -> str:
    """The subject of ours that Stripe calls so, "" when there is none.

    A funding is known by its payment intent and Checkout session, a payout by its transfer and what took that back, a
    refund and a dispute by themselves.
    """
    fundings = Funding.objects.filter(Q(payment_intent_id=name) | Q(stripe_session_id=name))
    for noun, rows in (
        ("funding", fundings),
        ("payout", Payout.objects.filter(Q(stripe_transfer_id=name) | Q(returns__stripe_reversal_id=name))),
        ("refund", Refund.objects.filter(stripe_refund_id=name)),
        ("dispute", Dispute.objects.filter(stripe_dispute_id=name)),
    ):
        found = rows.values_list("pk", flat=True).first() if name else None
        if found is not None:
            return f"{noun}:{found}"
    return ""


def anchors_of(subject: str) -> list[LedgerEntry]:
    """The entries that a trace begins with: of the posting with this key, else of the first postings about it."""
    postings = Posting.objects.filter(key=subject)
    if not postings.exists():
        postings = Posting.objects.filter(subject=subject)
        if subject.startswith(("payout:", "refund:", "dispute:")):  # what follows is found from the first
            postings = postings.order_by("at", "pk")[:1]
    found = LedgerEntry.objects.filter(posting__in=list(postings.values_list("pk", flat=True)))
    return list(found.select_related("posting", "source", "target").order_by("pk")[:MOST_FOLLOWED])


def trace_of(anchors: Sequence[LedgerEntry], *, owns: Owns) -> Trace:
    """Follow all cents of the anchors back to where they came from and on to where they went.

    A trace goes through the accounts that whoever asks ``owns``; at others it ends, and tells nothing of them.
    """
    trace = Trace()
    whole = [Piece(entry.pk, 0, entry.amount_minor) for entry in anchors]
    trace.entries = {entry.pk: entry for entry in anchors}
    _note(trace, whole, "asked for")
    directions: tuple[Direction, ...] = ("back", "on")
    for direction in directions:
        _walk(trace, whole, direction, owns)
    return trace


def _walk(trace: Trace, pieces: list[Piece], direction: Direction, owns: Owns) -> None:
    asked_for = {piece.entry_id for piece in pieces}
    while pieces:
        following: list[Piece] = []
        for account, here in _by_account(trace, pieces, direction):
            if not owns(account) or account.kind in ENDS[direction] - BY_SUBJECT:
                continue
            for subject, some in _by_subject(trace, account, here):
                if account.kind == Kind.OUTSIDE_WORLD and not subject.startswith(COMES_AGAIN):
                    continue
                found = _carried_over(trace, account, some, direction, subject)
                _load(trace, found)
                _note(trace, found, "the same payment" if subject else "first in, first out")
                # A cent belongs to one other, so ways meet only where one that was asked for lies on that of another:
                # it is followed from there already.
                met = [piece for piece in found if piece.entry_id in asked_for]
                trace.met_again_minor += sum(piece.amount_minor for piece in met) if direction == "back" else 0
                following += [piece for piece in found if piece.entry_id not in asked_for]
        pieces = following


def _carried_over(
    trace: Trace, account: LedgerAccount, pieces: list[Piece], direction: Direction, subject: str
) -> list[Piece]:
    """The pieces on the other side of an account: of what came in for what went out, or the other way round."""
    near, far = ("source", "target") if direction == "back" else ("target", "source")
    here = _laid(account, near, subject, ids=[piece.entry_id for piece in pieces])
    stretches = stretches_of(pieces, here)
    there = _laid(account, far, subject, within=(stretches[0][0], stretches[-1][1]))
    found = pieces_in(stretches, there)
    missing = length_of(stretches) - sum(piece.amount_minor for piece in found)
    if missing and account.kind not in ENDS[direction]:
        is_there = direction == "on" and len(there) <= MOST_FOLLOWED
        trace.rests.append(Rest(account, missing, is_there))
    return found


def _laid(
    account: LedgerAccount, side: str, subject: str, *, ids: Sequence[int] = (), within: Stretch | None = None
) -> list[Laid]:
    """Entries that left or reached an account in their places: those with these ids, or those within a stretch."""
    chosen = "id = ANY(%(ids)s)" if within is None else "begins < %(end)s AND begins + amount_minor > %(start)s"
    given: dict[str, Any] = {"account": account.pk, "ids": list(ids), "subject": subject, "most": MOST_FOLLOWED + 1}
    given |= {"start": within[0], "end": within[1]} if within else {}
    about = "AND posting.subject = %(subject)s" if subject else ""
    with connection.cursor() as cursor:
        cursor.execute(_LAID.format(side=side, about=about, chosen=chosen), given)
        return [Laid(entry_id, int(begins), amount) for entry_id, begins, amount in cursor.fetchall()]


_LAID: Final = """
SELECT id, begins, amount_minor FROM (
    SELECT entry.id, entry.amount_minor, sum(entry.amount_minor) OVER (ORDER BY entry.id) - entry.amount_minor AS begins
    FROM billing_ledgerentry entry JOIN billing_posting posting ON posting.id = entry.posting_id
    WHERE entry.{side}_id = %(account)s {about}
) laid WHERE {chosen} ORDER BY begins LIMIT %(most)s
"""


def _by_account(
    trace: Trace, pieces: Iterable[Piece], direction: Direction
) -> Iterator[tuple[LedgerAccount, list[Piece]]]:
    """The pieces by the account that they came out of, or went into."""
    found: dict[int, tuple[LedgerAccount, list[Piece]]] = {}
    for piece in pieces:
        entry = trace.entries[piece.entry_id]
        account = entry.source if direction == "back" else entry.target
        found.setdefault(account.pk, (account, []))[1].append(piece)
    yield from found.values()


def _by_subject(trace: Trace, account: LedgerAccount, pieces: list[Piece]) -> Iterator[tuple[str, list[Piece]]]:
    if account.kind not in BY_SUBJECT:
        yield "", pieces
        return
    found: dict[str, list[Piece]] = {}
    for piece in pieces:
        found.setdefault(trace.entries[piece.entry_id].posting.subject, []).append(piece)
    yield from found.items()


def _load(trace: Trace, pieces: Iterable[Piece]) -> None:
    ids = {piece.entry_id for piece in pieces} - trace.entries.keys()
    rows = LedgerEntry.objects.filter(pk__in=ids).select_related("posting", "source", "target")
    trace.entries |= {entry.pk: entry for entry in rows}


def _note(trace: Trace, pieces: Iterable[Piece], told_by: str) -> None:
    for piece in pieces:
        trace.cents.setdefault(piece.entry_id, []).append((piece.start, piece.end))
        trace.told_by.setdefault(piece.entry_id, told_by)
