"""The database refuses jumps of state of fundings, refunds, payouts and Stripe events."""

from django.db import migrations

from kernel.migration_operations import guard_flow


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_fundings_refunds_payouts")]

    operations = [
        guard_flow(
            "billing_funding",
            {
                "preparing": ["awaiting_payment", "failed"],
                "awaiting_payment": ["settled", "failed", "expired"],
            },
        ),
        guard_flow(
            "billing_refund",
            {"requested": ["sending"], "sending": ["sent", "failed"], "sent": ["settled", "failed"]},
        ),
        guard_flow(
            "billing_payout",
            {"requested": ["sending", "cancelled"], "sending": ["sent", "failed"], "sent": ["settled", "failed"]},
        ),
        guard_flow("billing_stripeevent", {"stored": ["processed", "parked"], "parked": ["stored"]}),
    ]
