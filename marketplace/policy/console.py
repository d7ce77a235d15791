"""The operators' console: which sections an admin role opens, and which actions it may take there."""

from collections.abc import Iterator
from typing import Final

from kernel.policy import Rule, allow
from marketplace.policy.words import OF_A_WORKER, OF_MONEY

ALL: Final = "certification escalations finance access auditor"


def section(name: str, *, to: str, actions: str = "", by: str = "") -> Iterator[Rule]:
    """Let these roles look at a section, and the roles ``by`` take its actions."""
    yield from allow(f"console.{name}", on="console", to=to)
    for action in actions.split():
        yield from allow(f"console.{name}.{action}", on="console", to=by)


ROWS: Final = (
    *allow("page.admin:login", on="console", to="anyone"),
    *allow("page.admin:logout", on="console", to="person"),
    *allow("page.admin:password_change", on="console", to=ALL),
    *allow("page.admin:password_change_done", on="console", to=ALL),
    *allow("page.admin:index", on="console", to=ALL),
    *allow("page.admin:app_list", on="console", to=ALL),
    *allow("page.admin:jsi18n", on="console", to=ALL),
    *allow("page.admin:autocomplete", on="console", to=ALL),
    *allow("page.admin:view_on_site", on="console", to=ALL),
    *section("kernel.user", to="access certification auditor"),
    *section("kernel.adminrole", to="access auditor"),
    *section("kernel.auditevent", to="access auditor"),
    *section("kernel.outboxmessage", to="access finance auditor", actions="try_again", by="access finance"),
    *section("billing.ledgeraccount", to="finance auditor"),
    *section("billing.posting", to="finance auditor"),
    *section("billing.ledgerentry", to="finance auditor"),
    *section("billing.funding", to="finance auditor"),
    *section("billing.credit", to="finance auditor"),
    *section("billing.refund", to="finance auditor"),
    *section("billing.dispute", to="finance auditor"),
    *section("billing.payoutaccount", to="finance auditor"),
    *section("billing.payout", to="finance auditor", actions="drive_on", by="finance"),
    *section("billing.payoutschedule", to="finance auditor"),
    *section("billing.bankpayout", to="finance auditor"),
    *section("billing.stripemovement", to="finance auditor"),
    *section("billing.stripeevent", to="finance auditor", actions="process_again", by="finance"),
    *section("workforce.application", to="certification auditor", actions="approve decline", by="certification"),
    *section(
        "workforce.worker",
        to="certification auditor",
        actions="pause resume suspend reinstate offboard",
        by="certification",
    ),
    *section("qualification.skill", to="certification auditor"),
    *section("qualification.labelschema", to="certification escalations auditor"),
    *section("qualification.goldquestion", to="certification auditor", actions="retire recall", by="certification"),
    *section("qualification.goldrecall", to="certification escalations auditor"),
    *section("qualification.exam", to="certification auditor"),
    *section(
        "qualification.certification", to="certification auditor", actions="grant deny revoke", by="certification"
    ),
    *section("qualification.score", to="certification auditor"),
    *section("qualification.scoreevidence", to="certification auditor"),
    *section("marketplace.client", to="escalations finance auditor"),
    *section("marketplace.membership", to="access auditor"),
    *section("marketplace.invitation", to="access auditor"),
    *section("marketplace.clientuserobjectpermission", to="access auditor"),
    *section("marketplace.jobuserobjectpermission", to="access auditor"),
    *section("marketplace.job", to="escalations finance auditor", actions="pause resume cancel", by="escalations"),
    *section("marketplace.jobversion", to="escalations auditor"),
    *section("marketplace.participation", to="escalations auditor"),
    *section("marketplace.emptyclaim", to="escalations auditor"),
    *section("marketplace.task", to="escalations auditor"),
    *section("marketplace.reweighing", to="escalations auditor"),
    *section("marketplace.movedscore", to="escalations auditor"),
    *section("marketplace.slot", to="escalations auditor"),
    *section("marketplace.assignment", to="escalations auditor", actions="accept reverse", by="escalations"),
    *section("marketplace.waitinggold", to="escalations auditor"),
    *section("marketplace.annotation", to="escalations auditor"),
    *section("marketplace.rejection", to="escalations auditor"),
    *section("marketplace.softrejection", to="escalations auditor"),
    *section("marketplace.appeal", to="escalations auditor"),
    *section("marketplace.breaker", to="escalations auditor"),
    *section("marketplace.certificate", to="escalations auditor"),
    *section("marketplace.certificateorder", to="escalations auditor"),
    *section("marketplace.inspection", to="escalations auditor"),
    *section("marketplace.fit", to="escalations auditor"),
    *section("marketplace.fittedworker", to="escalations auditor"),
    *section("marketplace.secondlook", to="escalations auditor"),
    *section("marketplace.predictor", to="escalations auditor"),
    *section("marketplace.prediction", to="escalations auditor"),
    *section("marketplace.predictioncheck", to="escalations auditor"),
    *section("marketplace.autoacceptance", to="escalations auditor"),
    *section("marketplace.labelingfunction", to="escalations auditor"),
    *section("marketplace.price", to="finance auditor"),
    *section("marketplace.feeschedule", to="finance auditor"),
    *section("marketplace.bonus", to="finance auditor"),
    *section("marketplace.invoice", to="finance auditor"),
    *section("marketplace.payfloor", to="finance auditor"),
    *section("marketplace.lift", to="finance auditor"),
    *section("marketplace.heartbeat", to="escalations auditor"),
    *section("marketplace.interruption", to="escalations finance auditor"),
    *section(
        "marketplace.signal",
        to="certification escalations auditor",
        actions="tell dismiss uphold",
        by="certification escalations",
    ),
    *section("marketplace.signallook", to="certification escalations auditor"),
    *section(
        "marketplace.escalation",
        to="escalations auditor",
        actions="claim release keep revoke note uphold reverse reset recall",
        by="escalations",
    ),
    *(
        row
        for action in ("", ".claim", ".release", ".keep", ".revoke")
        for row in allow(f"console.marketplace.escalation{action}", on="console", to="certification", when=OF_A_WORKER)
    ),
    *(
        row
        for action in ("", ".claim", ".release", ".note")
        for row in allow(f"console.marketplace.escalation{action}", on="console", to="finance", when=OF_MONEY)
    ),
)
