"""No certification comes, changes or goes without an audit event of the same transaction."""

from django.db import migrations

from kernel.migration_operations import guard_audited


class Migration(migrations.Migration):
    dependencies = [
        ("qualification", "0003_states_follow_their_flow"),
        ("kernel", "0009_audit_that_proves_itself"),
    ]

    operations = [guard_audited("qualification_certification")]
