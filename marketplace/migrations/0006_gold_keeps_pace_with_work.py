"""Gold that waits does so with a piece of work, and no longer until its worker's next work is accepted."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0005_people_are_invited")]

    operations = [
        migrations.CreateModel(
            name="WaitingGold",
            fields=[
                (
                    "assignment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="waiting_gold",
                        serialize=False,
                        to="marketplace.assignment",
                    ),
                ),
                ("agrees", models.BooleanField()),
                (
                    "pace",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="marketplace.task",
                    ),
                ),
                ("counted_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "waiting gold",
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("counted_at__isnull", True),
                            models.Q(("agrees", True), ("pace__isnull", True)),
                            _connector="OR",
                        ),
                        fields=["counted_at", "assignment"],
                        name="waiting_gold_to_tend",
                    )
                ],
            },
        ),
        migrations.RemoveIndex(model_name="assignment", name="assignment_gold_waiting"),
    ]
