"""The database refuses jumps of state of exams and certifications."""

from django.db import migrations

from kernel.migration_operations import guard_flow


class Migration(migrations.Migration):
    dependencies = [("qualification", "0002_what_never_changes")]

    operations = [
        guard_flow("qualification_exam", {"started": ["passed", "failed", "abandoned"]}),
        guard_flow(
            "qualification_certification",
            {"pending": ["granted", "denied"], "granted": ["expired", "revoked"]},
        ),
    ]
