"""The ledger's only writer: a posting is one business event, moves money between accounts, and happens once.

Lock order: a posting locks its accounts by ascending id, and last of all locks in its transaction. A transaction that
makes several postings names all their accounts to ``lock_accounts`` first; else two of them could wait for each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from billing.models import LedgerAccount, LedgerEntry, Posting
from billing.services.ledger_audit import Moved, Posted, told_of
from billing.services.ledger_rows import Held, Move, accounts_locked, postings_under, write
from kernel import clock
from kernel.errors import NotFound, Refused
from kernel.money import Money

Kind = LedgerAccount.Kind


class InsufficientFunds(Refused):
    """An account would fall below zero."""

    code = "insufficient_funds"


class PostingKeyReused(Refused):
    """The key belongs to a posting of something else."""

    code = "posting_key_reused"


class CannotBeReversed(Refused):
    """The posting has been reversed already, or is itself a reversal."""

    code = "cannot_be_reversed"


@dataclass(frozen=True, slots=True)
class AccountKey:
    """An account by what it is and whose: it is opened when money first reaches it."""

    kind: LedgerAccount.Kind
    owner: str

    def __post_init__(self) -> None:
        if type(self.kind) is not Kind:
            object.__setattr__(self, "kind", Kind(self.kind))
        if not self.owner:
            raise ValueError("An account has an owner.")


@dataclass(frozen=True, slots=True)
class Entry:
    """``amount`` goes from ``source`` to ``target``."""

    source: AccountKey
    target: AccountKey
    amount: Money

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError(f"An entry moves a positive amount, not {self.amount}.")
        if self.source == self.target:
            raise ValueError(f"An entry moves money between two accounts, not from {self.source} to itself.")


@dataclass(frozen=True, slots=True)
class Draft:
    """A posting to be made: ``entries`` in one currency, and what they are about as ``subject`` (``payout:<id>``).

    ``at`` is when it became true, unless that is the moment at which it is posted.
    """

    key: str
    kind: Posting.Kind
    subject: str
    entries: Sequence[Entry]
    details: Mapping[str, object] = field(default_factory=dict)
    reverses: Posting | None = None
    at: datetime | None = None

    def __post_init__(self) -> None:
        currencies = {entry.amount.currency for entry in self.entries}
        if len(currencies) != 1:
            raise ValueError(f"A posting has at least one entry and one currency, not {sorted(currencies)}.")

    @property
    def currency(self) -> str:
        """The currency of its entries."""
        return self.entries[0].amount.currency

    @property
    def accounts(self) -> set[AccountKey]:
        """Every account that it touches."""
        return {end for entry in self.entries for end in (entry.source, entry.target)}

    def posted(self, row: Posting) -> Posted:
        """What it says as ``row``, for the audit."""
        return Posted(
            id=row.id,
            key=row.key,
            kind=row.kind,
            subject=row.subject,
            at=row.at,
            reverses_id=row.reverses_id,
            details=row.details,
            entries=[
                Moved(e.source.kind, e.source.owner, e.target.kind, e.target.owner, e.amount.minor, self.currency)
                for e in self.entries
            ],
        )

    def made(self) -> Posting:
        """The row, not saved yet."""
        return Posting(
            key=self.key,
            kind=self.kind,
            subject=self.subject,
            entry_count=len(self.entries),
            reverses=self.reverses,
            details=dict(self.details),
            at=self.at or clock.now(),
        )


@transaction.atomic
def post(
    *,
    key: str,
    kind: Posting.Kind,
    subject: str,
    entries: Sequence[Entry],
    details: Mapping[str, object] | None = None,
) -> Posting:
    """Move money once: the same ``key`` with the same content again answers with the posting already made.

    Raises InsufficientFunds when an account would fall below zero, PostingKeyReused when the key stands for something
    else; then nothing has changed.
    """
    return _post_all([Draft(key=key, kind=kind, subject=subject, entries=entries, details=details or {})])[0]


@transaction.atomic
def post_all(*, drafts: Sequence[Draft]) -> list[Posting]:
    """Make many postings of one currency in their order, all or none, as ``post`` would one by one."""
    return _post_all(drafts) if drafts else []


@transaction.atomic
def reverse(*, posting_key: str, key: str, why: str = "") -> Posting:
    """Undo a posting exactly, and once; the same ``key`` again answers with the reversal already made.

    Raises NotFound, CannotBeReversed, or InsufficientFunds when the money has moved on.
    """
    original = Posting.objects.filter(key=posting_key).first()
    if original is None:
        raise NotFound("posting")
    if original.kind == Posting.Kind.REVERSAL:
        raise CannotBeReversed(f"Posting {posting_key} is a reversal. Post anew what it undid.")
    mirrored = [Entry(entry.target, entry.source, entry.amount) for entry in reversed(entries_of(posting=original))]
    reversal = Draft(
        key=key,
        kind=Posting.Kind.REVERSAL,
        subject=original.subject,
        entries=mirrored,
        details={"why": why},
        reverses=original,
    )
    return _post_all([reversal])[0]


@transaction.atomic
def lock_accounts(*, accounts: Iterable[AccountKey], currency: str) -> None:
    """Open what is missing of ``accounts`` and lock them all, before a transaction makes more than one posting."""
    _locked_accounts(accounts, currency)


def balance(kind: str, owner: str, currency: str) -> Money:
    """What the account holds now; nothing, if it was never opened."""
    account = LedgerAccount.objects.filter(kind=kind, owner=owner, currency=currency).first()
    return Money(account.balance_minor if account else 0, currency)


def entries_of(*, posting: Posting) -> list[Entry]:
    """What ``posting`` moved, in its order."""
    rows = LedgerEntry.objects.filter(posting=posting).select_related("source", "target").order_by("position")
    return [
        Entry(
            AccountKey(Kind(row.source.kind), row.source.owner),
            AccountKey(Kind(row.target.kind), row.target.owner),
            Money(row.amount_minor, row.source.currency),
        )
        for row in rows
    ]


def _post_all(drafts: Sequence[Draft]) -> list[Posting]:
    currencies = {draft.currency for draft in drafts}
    if len(currencies) != 1:
        raise ValueError(f"Postings that are made together are in one currency, not in {sorted(currencies)}.")
    accounts = _locked_accounts({key for draft in drafts for key in draft.accounts}, currencies.pop())
    # Whoever posts the same under one of these keys waits above for the same accounts: from here a key is there or not.
    made = postings_under([draft.key for draft in drafts])
    known: dict[str, Sequence[Entry]] = {key: entries_of(posting=posting) for key, posting in made.items()}
    held = {account.id: account.minor for account in accounts.values()}
    fresh: list[Draft] = []
    moves: list[Move] = []
    for draft in drafts:
        if draft.key in made:
            _refuse_other_content(made[draft.key], known[draft.key], draft)
            continue
        _refuse_second_reversal(draft)
        posting = draft.made()
        moved = [
            Move(posting.id, position, accounts[entry.source], accounts[entry.target], entry.amount.minor)
            for position, entry in enumerate(draft.entries)
        ]
        _move(moved, held, draft.currency)
        made[draft.key], known[draft.key] = posting, draft.entries
        fresh.append(draft)
        moves += moved
    if fresh:
        _insert(fresh, [made[draft.key] for draft in fresh], moves)
    return [made[draft.key] for draft in drafts]


def _insert(fresh: Sequence[Draft], postings: Sequence[Posting], moves: Sequence[Move]) -> None:
    told = told_of(posted=[draft.posted(posting) for draft, posting in zip(fresh, postings, strict=True)])
    try:
        write(told=told, postings=postings, moves=moves)
    except IntegrityError as fault:
        if isinstance(fault.__cause__, UniqueViolation):
            raise PostingKeyReused("A key was taken at this moment by a posting of something else.") from fault
        raise


def _locked_accounts(keys: Iterable[AccountKey], currency: str) -> dict[AccountKey, Held]:
    """Every account of ``keys``, opened if need be, locked by ascending id.

    Opening comes before the first lock: it may wait for another transaction that opens the same account, and who
    waits there must hold nothing that the other could want.
    """
    wanted = sorted(set(keys), key=lambda key: (key.owner, key.kind))
    ends = [(key.kind.value, key.owner) for key in wanted]
    found = accounts_locked(ends, currency)
    if found is None:
        LedgerAccount.objects.bulk_create(
            [LedgerAccount(kind=key.kind, owner=key.owner, currency=currency) for key in wanted], ignore_conflicts=True
        )
        found = accounts_locked(ends, currency)
        assert found is not None, "Accounts are kept for ever, and these were just opened."
    return {key: found[end] for key, end in zip(wanted, ends, strict=True)}


def _refuse_other_content(stored: Posting, entries: Sequence[Entry], draft: Draft) -> None:
    reverses = draft.reverses.pk if draft.reverses else None
    asked = (draft.kind, draft.subject, reverses, list(draft.entries))
    if (stored.kind, stored.subject, stored.reverses_id, list(entries)) != asked:
        raise PostingKeyReused(f"The key {stored.key} belongs to a posting of something else ({stored.kind}).")


def _refuse_second_reversal(draft: Draft) -> None:
    if draft.reverses is not None and Posting.objects.filter(reverses=draft.reverses).exists():
        raise CannotBeReversed(f"Posting {draft.reverses.key} has been reversed already.")


def _move(moves: Sequence[Move], held: dict[int, int], currency: str) -> None:
    """Reckon what is held after ``moves``, account by id; raises InsufficientFunds where that is less than nothing."""
    change: dict[int, int] = {}
    for move in moves:
        change[move.source.id] = change.get(move.source.id, 0) - move.amount_minor
        change[move.target.id] = change.get(move.target.id, 0) + move.amount_minor
    for move in moves:
        account, delta = move.source, change[move.source.id]
        if delta < 0 and held[account.id] + delta < 0 and account.kind not in LedgerAccount.MAY_BE_NEGATIVE:
            available, needed = Money(held[account.id], currency), Money(-delta, currency)
            raise InsufficientFunds(
                f"{needed} are needed and {available} are there: {needed - available} are missing.",
                details={
                    "account": account.kind,
                    "available_minor": available.minor,
                    "needed_minor": needed.minor,
                    "currency": currency,
                },
            )
    for account_id, delta in change.items():
        held[account_id] += delta
