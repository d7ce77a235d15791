"""No change of who somebody is without an audit event of the same transaction."""

from django.db import migrations

from kernel.migration_operations import guard_audited


class Migration(migrations.Migration):
    dependencies = [
        ("workforce", "0002_states_follow_their_flow"),
        ("kernel", "0009_audit_that_proves_itself"),
    ]

    operations = [guard_audited("workforce_identity")]
