"""Following a dollar: each movement of traced money as a hop, with what it was about, who decided it, and why."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import F

from billing.models import BankPayout, Funding, LedgerAccount, LedgerEntry, Payout, Posting, Refund
from billing.queries.attribution import Laid, joined, laid_out, pieces_in
from billing.queries.tracing import Owns, Rest, Trace, anchors_of, named_at_stripe, trace_of
from kernel.errors import NotFound
from kernel.models import AuditEvent
from marketplace.models import Assignment, Client, Job
from workforce.models import Worker

_SUBJECT: Final = re.compile(r"[a-z_]+(:[\w-]+)+", re.ASCII)
_AT_STRIPE: Final = re.compile(r"[a-z]+_\w+", re.ASCII)

MOST_HOPS_OF_A_KIND: Final = 100
"""The most hops of one kind that a trace shows; what the others moved is summed up."""

Kind = LedgerAccount.Kind
PostingKind = Posting.Kind


@dataclass(frozen=True, slots=True)
class Hop:
    """One movement. ``amount_minor`` is what of the traced money it moved, ``of_minor`` all that it moved."""

    at: datetime
    kind: str
    sentence: str
    amount_minor: int
    of_minor: int
    currency: str
    source: str
    target: str
    told_by: str
    posting: str = ""
    posting_id: UUID | None = None
    audit_event: UUID | None = None
    subject: str = ""
    job_id: UUID | None = None
    job_title: str = ""
    assignment_id: UUID | None = None
    task_id: UUID | None = None
    accepted_by: str = ""
    accepted_because: str = ""
    stripe: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Hops of one kind that are not shown one by one."""

    kind: str
    hops: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class StillThere:
    """Traced money that has not moved on, or was not followed any further."""

    sentence: str
    account: str
    amount_minor: int
    is_there: bool


@dataclass(frozen=True, slots=True)
class FollowedMoney:
    """A trace as it is told: from the first hop to the last."""

    subject: str
    currency: str
    amount_minor: int
    hops: list[Hop]
    left_out: list[LeftOut]
    still_there: list[StillThere]


@dataclass(slots=True)
class Matters:
    """What the postings of a trace are about, loaded at once."""

    jobs: dict[str, Job]
    clients: dict[str, Client]
    assignments: dict[str, Assignment]
    acceptances: dict[str, AuditEvent]
    fundings: dict[str, Funding]
    payouts: dict[str, Payout]
    refunds: dict[str, Refund]
    audit_events: dict[UUID, UUID]
    banked: dict[tuple[UUID, str], "Banked"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Banked:
    """What came into a payout account in one currency, laid end to end, and what Stripe sent on to its bank."""

    came: dict[UUID, Laid]
    went: list[BankPayout]


def followed_by_finance(subject: str) -> FollowedMoney:
    """The whole way of what ``subject`` moved, from a client's payment to a worker's bank. Raises NotFound."""
    return _followed(subject, owns=lambda account: True)


def followed_by_client(client: Client, subject: str) -> FollowedMoney:
    """The way as far as it leads over the client's own accounts and those of its jobs. Raises NotFound."""
    jobs = client.jobs.values_list("pk", flat=True)
    owners = {client.billing_owner, *(f"job:{job_id}" for job_id in jobs)}
    return _followed(subject, owns=lambda account: account.owner in owners)


def followed_by_worker(worker: Worker, subject: str) -> FollowedMoney:
    """The way from accepted answers over the worker's own accounts to their bank. Raises NotFound."""
    owner = worker.billing_owner
    found = _followed(subject, owns=lambda account: account.owner == owner)
    # What counts up would tell what was paid to others in between (`marketplace.queries.earnings`).
    found.hops.sort(key=lambda hop: (hop.at, hop.kind == BANK, hop.posting_id or UUID(int=0)))
    return found


def _followed(subject: str, *, owns: Owns) -> FollowedMoney:
    subject = named_at_stripe(subject) if _AT_STRIPE.fullmatch(subject) else subject
    named = anchors_of(subject) if _SUBJECT.fullmatch(subject) else []
    anchors = [entry for entry in named if owns(entry.source) or owns(entry.target)]
    if not anchors:
        raise NotFound("movement of money")
    trace = trace_of(anchors, owns=owns)
    moved = trace.moved
    shown, left_out = _shown(trace, moved)
    matters = _matters_of([trace.entries[entry_id] for entry_id in shown])
    hops = [hop for entry_id in shown for hop in _hops(trace, trace.entries[entry_id], moved[entry_id], matters)]
    return FollowedMoney(
        subject=subject,
        currency=anchors[0].source.currency,
        amount_minor=sum(entry.amount_minor for entry in anchors) - trace.met_again_minor,
        hops=hops,
        left_out=left_out,
        still_there=[_still_there(rest) for rest in trace.rests],
    )


def _shown(trace: Trace, moved: Mapping[int, int]) -> tuple[list[int], list[LeftOut]]:
    """Which entries are told one by one, in their order: an entry stands behind all that its money came from."""
    told: Counter[str] = Counter()
    shown, others = [], dict[str, list[int]]()
    for entry_id in sorted(moved):
        kind = trace.entries[entry_id].posting.kind
        told[kind] += 1
        if told[kind] <= MOST_HOPS_OF_A_KIND:
            shown.append(entry_id)
        else:
            others.setdefault(kind, []).append(moved[entry_id])
    return shown, [LeftOut(kind, len(amounts), sum(amounts)) for kind, amounts in others.items()]


def _matters_of(entries: Iterable[LedgerEntry]) -> Matters:
    owners = {owner for entry in entries for owner in (entry.source.owner, entry.target.owner)}
    postings = {entry.posting_id: entry.posting for entry in entries}
    subjects = {posting.subject for posting in postings.values()}
    jobs = {job.billing_owner: job for job in Job.objects.filter(pk__in=_ids(owners, "job"))}
    clients = {client.billing_owner: client for client in Client.objects.filter(pk__in=_ids(owners, "client"))}
    turns = Assignment.objects.filter(pk__in=_ids(subjects, "assignment")).select_related("task", "job")
    payouts = Payout.objects.filter(pk__in=_ids(subjects, "payout")).select_related("payout_account")
    return Matters(
        jobs=jobs,
        clients=clients,
        assignments={f"assignment:{turn.pk}": turn for turn in turns},
        acceptances=_acceptances(subjects),
        fundings={row.reference: row for row in Funding.objects.filter(pk__in=_ids(subjects, "funding"))},
        payouts={row.reference: row for row in payouts},
        refunds={row.reference: row for row in Refund.objects.filter(pk__in=_ids(subjects, "refund"))},
        audit_events=_audit_events(postings),
    )


def _ids(names: Iterable[str], noun: str) -> list[UUID]:
    return [found for name in names if (found := _id_in(name, noun)) is not None]


def _id_in(name: str, noun: str) -> UUID | None:
    if not name.startswith(f"{noun}:"):
        return None
    try:
        return UUID(name.partition(":")[2])
    except ValueError:
        return None


def _acceptances(subjects: Iterable[str]) -> dict[str, AuditEvent]:
    ids = [str(pk) for pk in _ids(subjects, "assignment")]
    events = AuditEvent.objects.filter(subject_id__in=ids, to_state=Assignment.State.ACCEPTED)
    return {f"assignment:{event.subject_id}": event for event in events.order_by("id")}


def _audit_events(postings: Mapping[UUID, Posting]) -> dict[UUID, UUID]:
    """The audit event that tells of each posting. One event tells of all that were made together, and is about the
    first of them; it is then found by the transaction in which something happened to what the posting is about.
    """
    told: dict[UUID, UUID] = {}
    about = {posting.subject.partition(":")[2] for posting in postings.values()}
    first = AuditEvent.objects.filter(subject_id__in=[str(pk) for pk in postings], action=LEDGER_POSTED)
    together = AuditEvent.objects.filter(subject_id__in=about).values("tx")
    for events in (first, AuditEvent.objects.filter(tx__in=together, action=LEDGER_POSTED)):
        for event_id, details in events.values_list("pk", "details"):
            told |= {UUID(posting_id): event_id for posting_id in details["postings"]}
    return {posting_id: event_id for posting_id, event_id in told.items() if posting_id in postings}


LEDGER_POSTED: Final = "ledger.posted"


def _hops(trace: Trace, entry: LedgerEntry, amount_minor: int, matters: Matters) -> Iterator[Hop]:
    posting = entry.posting
    turn, accepted = matters.assignments.get(posting.subject), None
    if posting.kind == PostingKind.WORK_PAID:
        accepted = matters.acceptances.get(posting.subject)
    job = matters.jobs.get(entry.source.owner) or matters.jobs.get(entry.target.owner) or (turn.job if turn else None)
    hop = Hop(
        at=posting.at,
        kind=posting.kind,
        sentence=_sentence(entry, matters, job),
        amount_minor=amount_minor,
        of_minor=entry.amount_minor,
        currency=entry.source.currency,
        source=_account(entry.source),
        target=_account(entry.target),
        told_by=trace.told_by[entry.pk],
        posting=posting.key,
        posting_id=posting.pk,
        audit_event=matters.audit_events.get(posting.pk),
        subject=posting.subject,
        job_id=job.pk if job else None,
        job_title=job.title if job else "",
        assignment_id=turn.pk if turn else None,
        task_id=turn.task_id if turn else None,
        accepted_by=f"{accepted.actor_kind}:{accepted.actor_id}" if accepted else "",
        accepted_because=accepted.why if accepted else "",
        stripe=_at_stripe(posting, matters),
    )
    yield hop
    payout = matters.payouts.get(posting.subject)
    if posting.kind == PostingKind.PAYOUT_SETTLED and payout is not None:
        # What came back of a payout was the first of it: so an account is told, by one payment too.
        kept = sum(max(0, end - max(start, payout.returned_minor)) for start, end in joined(trace.cents[entry.pk]))
        if kept:
            yield _to_the_bank(replace(hop, amount_minor=kept), payout, matters)


BANK: Final = "bank"
"""The kind of the last hop, which is Stripe's and no posting of ours."""


def _to_the_bank(hop: Hop, payout: Payout, matters: Matters) -> Hop:
    account = payout.payout_account
    since = f", the one that was named on {account.destination_since:%Y-%m-%d}" if account.destination_since else ""
    place = (account.pk, payout.currency)
    if place not in matters.banked:
        matters.banked[place] = _banked(*place)
    onward = _bank_payouts_of(payout, matters.banked[place])
    known = ", ".join(f"{each.stripe_payout_id} ({each.get_state_display()})" for each in onward)
    return Hop(
        at=payout.finished_at or hop.at,
        kind=BANK,
        sentence=f"Stripe pays it from the worker's account there to the bank account behind it{since}.",
        amount_minor=hop.amount_minor,
        of_minor=payout.amount_minor - payout.returned_minor,
        currency=hop.currency,
        source=f"Stripe account of {payout.owner}",
        target=f"bank account of {payout.owner}",
        told_by="the same payment",
        subject=hop.subject,
        stripe={"account": account.stripe_account_id} | ({"payout": known} if known else {}),
    )


def _banked(account_id: UUID, currency: str) -> Banked:
    came = Payout.objects.filter(payout_account=account_id, currency=currency, state=Payout.State.SETTLED)
    kept = F("amount_minor") - F("returned_minor")
    ins = list(came.order_by("finished_at", "pk").values_list("pk", kept))
    went = BankPayout.objects.filter(payout_account=account_id, currency=currency)
    laid = laid_out(enumerate(amount for _, amount in ins))
    return Banked(
        came={pk: one for (pk, _), one in zip(ins, laid, strict=True)},
        went=list(went.exclude(state=BankPayout.State.FAILED).order_by("created_at", "pk")),
    )


def _bank_payouts_of(payout: Payout, banked: Banked) -> list[BankPayout]:
    """What Stripe sent on to the bank of a payout, told as money in an account is: first in, first out."""
    one = banked.came.get(payout.pk)
    if one is None:
        return []
    sent_on = laid_out(enumerate(each.amount_minor for each in banked.went))
    return [banked.went[piece.entry_id] for piece in pieces_in([(one.begins, one.ends)], sent_on)]


def _account(account: LedgerAccount) -> str:
    return f"{account.kind} of {account.owner}"


def _at_stripe(posting: Posting, matters: Matters) -> dict[str, str]:
    found: dict[str, str] = {}
    if (funding := matters.fundings.get(posting.subject)) is not None:
        found = {"checkout_session": funding.stripe_session_id, "payment_intent": funding.payment_intent_id}
    elif (payout := matters.payouts.get(posting.subject)) is not None:
        account = payout.payout_account
        found = {"transfer": payout.stripe_transfer_id, "account": account.stripe_account_id}
    elif (refund := matters.refunds.get(posting.subject)) is not None:
        found = {"refund": refund.stripe_refund_id}
    return {name: text for name, text in found.items() if text}


def _sentence(entry: Any, matters: Matters, job: Job | None) -> str:
    kind = PostingKind(entry.posting.kind)
    client = matters.clients.get(entry.source.owner) or matters.clients.get(entry.target.owner)
    words = {"job": f"“{job.title}”" if job else "a job", "client": client.name if client else "a client"}
    if entry.target.kind == Kind.PLATFORM_FEES and kind is not PostingKind.FEES_SWEPT:
        return "The platform's fee for the same in {job}.".format(**words)
    return _SENTENCES.get(kind, f"{kind.label.capitalize()}.").format(**words)


def _still_there(rest: Rest) -> StillThere:
    where = _RESTS.get(Kind(rest.account.kind), Kind(rest.account.kind).label)
    sentence = f"Still there: {where}." if rest.is_there else f"Not followed any further: {where}."
    return StillThere(sentence, _account(rest.account), rest.amount_minor, rest.is_there)


_SENTENCES: Final = {
    PostingKind.FUNDING_SETTLED: "{client} paid on Stripe's page, and the money arrived in its funds.",
    PostingKind.ESCROW_HELD: "What {job} may come to cost was set aside from the funds of {client}.",
    PostingKind.WORK_PAID: "The reward for an accepted answer in {job} became its worker's earnings.",
    PostingKind.ESCROW_RELEASED: "What {job} did not spend went back to the funds of {client}.",
    PostingKind.CREDIT_GRANTED: "The platform advanced money to {client} that had not arrived yet.",
    PostingKind.BONUS_PAID: "{client} thanked a worker for an answer in {job}.",
    PostingKind.RESERVE_HELD: "{client} set money aside to lift pay in {job} to the floor.",
    PostingKind.RESERVE_RELEASED: "What {job} did not need to lift pay went back to the funds of {client}.",
    PostingKind.PAY_LIFTED: "Pay for the time that work in {job} took was lifted to the floor.",
    PostingKind.INTERRUPTION_PAID: "The time of work in {job} that was taken away was paid.",
    PostingKind.PAYOUT_REQUESTED: "The amount of a payout was set aside from the worker's earnings.",
    PostingKind.PAYOUT_SETTLED: "Stripe moved the payout to the worker's own account there, and it left our books.",
    PostingKind.PAYOUT_CANCELLED: "The payout was called off; its amount is the worker's earnings again.",
    PostingKind.PAYOUT_FAILED: "The payout could not be made; its amount is the worker's earnings again.",
    PostingKind.PAYOUT_RETURNED: "This came back of a payout after it had left; it is the worker's earnings again.",
    PostingKind.DISPUTE_OPENED: "The payer's bank took it back, from the funds of {client} or else from the platform.",
    PostingKind.DISPUTE_WON: "The payer's bank gave it again; what the platform had borne is made good first.",
    PostingKind.DISPUTE_LOST: "The payer's bank keeps it, and it left our books.",
    PostingKind.REFUND_RETURNED: "The refund came back after it had left; it is among the funds of {client} again.",
    PostingKind.REFUND_REQUESTED: "{client} asked for money back, and it was set aside from its funds.",
    PostingKind.REFUND_SETTLED: "The refund left, back along the payment that it came by.",
}
_RESTS: Final = {
    Kind.CLIENT_FUNDS: "among the funds that the client may spend or have back",
    Kind.JOB_ESCROW: "in the job's escrow, for answers to come or to be decided",
    Kind.PAY_RESERVE: "in the job's reserve for lifting pay",
    Kind.WORKER_EARNINGS: "among the worker's earnings, to be paid out when they ask",
    Kind.PAYOUTS_IN_FLIGHT: "on its way to the worker",
    Kind.REFUNDS_IN_FLIGHT: "on its way back to the client",
    Kind.DISPUTED: "held by the payer's bank until the dispute is decided",
}
