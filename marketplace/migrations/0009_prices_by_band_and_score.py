"""What a turn costs goes by difficulty band and by the worker's score, and is a price that its job has quoted."""

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import append_only, guard_audited, in_place_of

BANDS = [("easy", "Easy"), ("standard", "Standard"), ("hard", "Hard")]
PRICE = ["reward_minor", "fee_minor", "currency", "fee_basis_points"]

# What there was of prices is a list of one price for all. Deferred checks are made before tables change again.
QUOTE_WHAT_IS_KNOWN = migrations.RunSQL(
    sql="""
        INSERT INTO marketplace_price
            (job_id, number, band, min_lower_bound, reward_minor, fee_minor, currency, created_at)
        SELECT id, 1, band, 0, reward_minor, fee_minor, currency, created_at
        FROM marketplace_job, unnest(ARRAY['easy', 'standard', 'hard']) band;
        UPDATE marketplace_assignment turn SET price_id = price.id FROM marketplace_price price
        WHERE price.job_id = turn.job_id AND price.band = 'standard';
        SET CONSTRAINTS ALL IMMEDIATE;
        SET CONSTRAINTS ALL DEFERRED;
    """,
    reverse_sql=migrations.RunSQL.noop,
)

ONLY_WHAT_WAS_QUOTED = migrations.RunSQL(
    sql="""
        ALTER TABLE marketplace_assignment ADD CONSTRAINT assignment_price_was_quoted
            FOREIGN KEY (price_id, job_id, reward_minor, fee_minor, currency)
            REFERENCES marketplace_price (id, job_id, reward_minor, fee_minor, currency)
    """,
    reverse_sql="ALTER TABLE marketplace_assignment DROP CONSTRAINT assignment_price_was_quoted",
)


def a_claim_stands(also: str = "") -> str:
    """The trigger of 0003, over these columns too."""
    agreed = "task_id job_id worker_id version_id reward_minor fee_minor currency claimed_at expires_at lane " + also
    old, new = (", ".join(f"{row}.{column}" for column in agreed.split()) for row in ("OLD", "NEW"))
    return f"""
        DROP TRIGGER a_claim_stands ON marketplace_assignment;
        CREATE TRIGGER a_claim_stands BEFORE UPDATE ON marketplace_assignment
            FOR EACH ROW WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION refuse_change_of_a_claim();
    """


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0008_disputes_are_escalated")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="price_list",
            field=models.PositiveIntegerField(default=1, help_text="Number of the price list in force."),
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prices",
                        to="marketplace.job",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("band", models.CharField(choices=BANDS, max_length=8)),
                ("min_lower_bound", models.FloatField(default=0.0)),
                ("reward_minor", models.BigIntegerField()),
                ("fee_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("job", "number", "band", "min_lower_bound"), name="one_price_per_band_and_bound"
                    ),
                    models.UniqueConstraint(
                        fields=("id", "job", "reward_minor", "fee_minor", "currency"), name="price_as_it_was_quoted"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("band__in", ["easy", "standard", "hard"])), name="price_band_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="price_list_is_counted_from_one"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("min_lower_bound__gte", 0.0), ("min_lower_bound__lte", 1.0)),
                        name="price_bound_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("fee_minor__gte", 0), ("reward_minor__gt", 0)), name="price_is_positive"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="slot",
            name="band",
            field=models.CharField(choices=BANDS, db_default="standard", default="standard", max_length=8),
        ),
        migrations.AddField(
            model_name="task",
            name="band",
            field=models.CharField(
                choices=BANDS, db_default="standard", default="standard", help_text="How hard it is.", max_length=8
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(("band__in", ["easy", "standard", "hard"])), name="task_band_known"
            ),
        ),
        migrations.AddField(
            model_name="assignment",
            name="price",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="marketplace.price",
            ),
        ),
        QUOTE_WHAT_IS_KNOWN,
        migrations.AlterField(
            model_name="assignment",
            name="price",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="marketplace.price",
            ),
        ),
        ONLY_WHAT_WAS_QUOTED,
        migrations.RunSQL(sql=a_claim_stands(also="price_id"), reverse_sql=a_claim_stands()),
        append_only("marketplace_price"),
        guard_audited("marketplace_price"),
        in_place_of(
            guard_audited("marketplace_job", columns=PRICE),
            guard_audited("marketplace_job", columns=[*PRICE, "price_list"]),
        ),
    ]
