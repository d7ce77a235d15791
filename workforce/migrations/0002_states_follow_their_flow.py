"""The database refuses jumps of state of applications, and of the standing of workers."""

from django.db import migrations

from kernel.migration_operations import guard_flow


class Migration(migrations.Migration):
    dependencies = [("workforce", "0001_applications_workers_identities")]

    operations = [
        guard_flow("workforce_application", {"submitted": ["approved", "declined"]}),
        guard_flow(
            "workforce_worker",
            {
                "active": ["paused", "suspended", "offboarded"],
                "paused": ["active", "suspended", "offboarded"],
                "suspended": ["active", "offboarded"],
            },
        ),
    ]
