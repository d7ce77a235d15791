"""No posting, and no change of where payouts go, without an audit event of the same transaction."""

from django.db import migrations

from kernel.migration_operations import guard_audited


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_states_follow_their_flow"), ("kernel", "0007_audit_that_proves_itself")]

    operations = [
        guard_audited("billing_posting"),
        guard_audited("billing_ledgerentry"),
        guard_audited("billing_payoutaccount", columns=["owner", "country", "stripe_account_id"]),
    ]
