"""The report of a run, for a terminal: what was bought, how good it is, who was paid, and where every cent went."""

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from kernel.money import Money as Amount
from marketplace.demo.outcome import Outcome


def show_report(outcome: Outcome, *, console: Console) -> None:
    """Print the whole report."""
    console.print()
    console.print(Rule(f"[bold]{outcome.title}[/]"))
    console.print(Text(outcome.about_the_crowd, style="yellow"))
    for part in (_labels(outcome), _workers(outcome), _money(outcome), _checks(outcome)):
        console.print()
        console.print(part)
    console.print()


def _labels(outcome: Outcome) -> RenderableType:
    labels = outcome.labels
    price = outcome.reward_minor + outcome.fee_minor
    spent = price * (labels.answers + labels.gold_answers)
    fixed = round(labels.tasks * labels.full_overlap)
    saved = 1 - (labels.answers + labels.gold_answers) / fixed if fixed else 0.0
    table = _table("Labels")
    table.add_row("tasks", f"{labels.tasks:,}", "resolved by consensus " + _of(labels.by_consensus, labels.tasks))
    table.add_row("decided by an admin", f"{labels.adjudicated:,}", "where consensus was not sure enough")
    for why, tasks in labels.left_over.items():
        if tasks:
            table.add_row("without a label", f"{tasks:,}", f"{why}; what they did not take is given back")
    table.add_row(
        "answers bought",
        f"{labels.answers:,}",
        f"and {labels.gold_answers:,} to hidden gold: {labels.answers_per_task:.2f} a task",
    )
    table.add_row(
        f"fixed overlap {labels.full_overlap:.3g}", f"{fixed:,}", f"would have bought; saved here: {saved:.0%}"
    )
    table.add_row(
        "each label cost", _money_text(round(spent / max(labels.labelled, 1)), outcome), "reward and fee, gold included"
    )
    if labels.consensus_right is not None:
        table.add_section()
        table.add_row(
            "consensus is right", _share(labels.consensus_right), f"of {labels.judged:,} it decided, with a known truth"
        )
        table.add_row("majority vote is right", _share(labels.majority_right), "there, on the same answers")
        if labels.recorded_majority_right is not None:
            table.add_row(
                "majority of all is right", _share(labels.recorded_majority_right), "there, on all recorded answers"
            )
        table.add_row("delivered labels are right", _share(labels.all_right), "adjudicated ones included")
        table.add_row("confidence that it claims", _share(labels.mean_confidence), "on average")
    if labels.rule_before is not None:
        before = labels.rule_before
        table.add_section()
        table.add_row("by the rule of ADR 0006", f"{before.answers:,}", "answers, of the same in the same order")
        table.add_row("tasks that it settles", f"{before.settled:,}", "")
        table.add_row("those are right", _share(before.right), f"and it claims {_share(before.mean_confidence)}")
    return table


def _workers(outcome: Outcome) -> RenderableType:
    table = Table(
        title="Workers", title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )
    for heading in ("kind", "applied", "certified", "refused", "flagged", "answers", "right", "earned"):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    for group in outcome.groups:
        table.add_row(
            group.name,
            f"{group.workers}",
            f"{group.certified}",
            f"{group.workers - group.certified}",
            f"{group.flagged}",
            f"{group.answers:,}",
            _share(group.accuracy),
            _money_text(group.paid_minor, outcome),
        )
    return table


def _money(outcome: Outcome) -> RenderableType:
    money = outcome.money
    table = _table("Money")
    table.add_row("came in", _money_text(money.funded, outcome), "paid by the client")
    table.add_section()
    for what, minor, note in (
        (
            "paid out to workers",
            money.paid_out,
            f"{outcome.payouts_settled} of {outcome.payouts_asked} payouts settled",
        ),
        ("earned, not paid out", money.earnings, "below the smallest payout, or not asked for"),
        ("payouts in flight", money.in_flight, ""),
        ("platform's fees", money.fees, ""),
        ("processor's fees and losses", money.processor_fees + money.losses, ""),
        ("held in escrow", money.held, f"{outcome.rejected - outcome.reversed} rejected answers may still be reversed"),
        ("refunded to the client", money.refunded, "what the job did not spend"),
        ("left with the client", money.available, ""),
    ):
        if minor or what.startswith(("paid", "platform", "refunded")):
            table.add_row(what, _money_text(minor, outcome), note)
    table.add_section()
    balanced = money.funded == money.accounted
    verdict = "[green]equals what came in, to the cent[/]" if balanced else "[bold red]DOES NOT equal what came in[/]"
    table.add_row("together", _money_text(money.accounted, outcome), verdict)
    return table


def _checks(outcome: Outcome) -> RenderableType:
    lines: list[RenderableType] = [Text(fault, style="bold red") for fault in outcome.faults]
    if not lines:
        lines.append(Text(f"ledger_check: {len(outcome.checks)} checks, no fault; nothing waits", style="green"))
    if outcome.decided:
        decided = ", ".join(f"{kind} {number:,}" for kind, number in sorted(outcome.decided.items()))
        lines.append(Text(f"decided by the admin: {decided}", style="dim"))
    total = sum(outcome.seconds.values())
    acts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in outcome.seconds.items())
    lines.append(Text(f"{total:.0f} seconds: {acts}", style="dim"))
    return Group(*lines)


def show_where_to_look(
    *, url: str, sign_ins: dict[str, str], password: str, totp_secret: str, console: Console
) -> None:
    """Tell where a browser finds what the run left behind, and how to sign in there."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("start page", f"{url}/")
    table.add_row("API and its docs", f"{url}/api/v1/docs/")
    table.add_row("operators' console", f"{url}/admin/")
    for who, email in sign_ins.items():
        table.add_row(f"sign in as {who}", email)
    table.add_row("password of all", password)
    table.add_row("the admin's second factor", f"python3 marketplace/demo/authenticator.py {totp_secret}")
    console.print(Panel(table, title="Look around", title_align="left", expand=False))


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False, box=None, pad_edge=False)
    table.add_column(min_width=28)
    table.add_column(justify="right", style="bold")
    table.add_column(style="dim")
    return table


def _money_text(minor: int, outcome: Outcome) -> str:
    return str(Amount(minor, outcome.money.currency))


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _of(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.1%})" if whole else f"{part:,}"
