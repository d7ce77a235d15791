"""What belongs to a month is found without reading every posting there ever was."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_payout_schedules")]

    operations = [
        migrations.AddIndex(
            model_name="posting",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["at"], name="posting_by_time", pages_per_range=32
            ),
        ),
    ]
