"""No posting, and no change of where payouts go, without an audit event of the same transaction."""

from django.db import migrations

from kernel.migration_operations import guard_audited

DESTINATION = [
    "owner",
    "country",
    "stripe_account_id",
    "destination",
    "held_until",
    "replaces_id",
    "replaced_at",
    "shared_with_id",
]


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_held_destinations"), ("kernel", "0009_audit_that_proves_itself")]

    operations = [
        guard_audited("billing_posting"),
        guard_audited("billing_ledgerentry"),
        guard_audited("billing_payoutaccount", columns=DESTINATION),
    ]
