"""Parts of payouts that come back and parts of disputes that are given back: each once, and never more than there was."""

import uuid

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import append_only, change_flow

DISPUTE = {"inquiry": ["open", "closed"], "open": ["won", "lost"], "lost": ["won"]}
DISPUTE_BY_ITS_MONEY = {
    "inquiry": ["open", "closed"],
    "open": ["won", "lost"],
    "won": ["open"],
    "lost": ["open"],
    "closed": ["open"],
}

# What was booked whole, before there were parts, is one part; what Stripe calls it is known where it was reconciled.
WHOLE_IS_ONE_PART = """
    UPDATE billing_payout SET returned_minor = amount_minor WHERE state = 'returned';
    INSERT INTO billing_payoutreturn (id, payout_id, stripe_reversal_id, amount_minor, posting_id, returned_at)
        SELECT gen_random_uuid(), payout.id, coalesce(movement.source_id, 'before:' || posting.id),
            payout.amount_minor, posting.id, posting.at
        FROM billing_payout payout
        JOIN billing_posting posting ON posting.key = 'payout:' || payout.id || ':returned'
        LEFT JOIN billing_stripemovement movement ON movement.posting_id = posting.id;
    UPDATE billing_dispute SET returned_minor = amount_minor, returned_to_funds_minor = from_funds_minor
        WHERE state = 'won';
    INSERT INTO billing_disputemovement
        (id, dispute_id, stripe_transaction_id, amount_minor, of_funds_minor, posting_id, booked_at)
        SELECT gen_random_uuid(), dispute.id, coalesce(movement.stripe_id, 'before:' || posting.id),
            CASE posting.kind WHEN 'dispute_won' THEN 1 ELSE -1 END * dispute.amount_minor, dispute.from_funds_minor,
            posting.id, posting.at
        FROM billing_dispute dispute
        JOIN billing_posting posting
            ON posting.key IN ('dispute:' || dispute.id || ':opened', 'dispute:' || dispute.id || ':won')
        LEFT JOIN billing_stripemovement movement ON movement.posting_id = posting.id;
    SET CONSTRAINTS ALL IMMEDIATE;
"""

# At commit what a payout, or a dispute, says of its parts is what they sum up to. The parts never change.
PARTS_SUM_UP = """
    CREATE FUNCTION billing_refuse_uneven_returns() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        subject uuid := CASE TG_TABLE_NAME WHEN 'billing_payout' THEN to_jsonb(NEW) ->> 'id'
            ELSE to_jsonb(NEW) ->> 'payout_id' END;
        says bigint;
        came bigint;
    BEGIN
        SELECT returned_minor INTO says FROM billing_payout WHERE id = subject;
        SELECT coalesce(sum(amount_minor), 0) INTO came FROM billing_payoutreturn WHERE payout_id = subject;
        IF says <> came THEN
            RAISE EXCEPTION 'Payout % says that % came back; its returns sum up to %.', subject, says, came
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payout_is_the_sum_of_its_returns';
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER payout_is_the_sum_of_its_returns AFTER UPDATE OF returned_minor
        ON billing_payout DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_refuse_uneven_returns();
    CREATE CONSTRAINT TRIGGER payout_return_is_counted AFTER INSERT ON billing_payoutreturn
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_refuse_uneven_returns();

    CREATE FUNCTION billing_refuse_uneven_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        subject uuid := CASE TG_TABLE_NAME WHEN 'billing_dispute' THEN to_jsonb(NEW) ->> 'id'
            ELSE to_jsonb(NEW) ->> 'dispute_id' END;
        says bigint[];
        came bigint[];
    BEGIN
        SELECT CASE WHEN opened_at IS NULL THEN '{0,0,0,0}'::bigint[]
            ELSE ARRAY[amount_minor, from_funds_minor, returned_minor, returned_to_funds_minor] END
            INTO says FROM billing_dispute WHERE id = subject;
        SELECT ARRAY[
            coalesce(-sum(amount_minor) FILTER (WHERE amount_minor < 0), 0)::bigint,
            coalesce(sum(of_funds_minor) FILTER (WHERE amount_minor < 0), 0)::bigint,
            coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0)::bigint,
            coalesce(sum(of_funds_minor) FILTER (WHERE amount_minor > 0), 0)::bigint
        ] INTO came FROM billing_disputemovement WHERE dispute_id = subject;
        IF says <> came THEN
            RAISE EXCEPTION 'Dispute % says % was taken and returned; its movements sum up to %.', subject, says, came
                USING ERRCODE = 'check_violation', CONSTRAINT = 'dispute_is_the_sum_of_its_movements';
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER dispute_is_the_sum_of_its_movements AFTER INSERT
        OR UPDATE OF opened_at, amount_minor, from_funds_minor, returned_minor, returned_to_funds_minor
        ON billing_dispute DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_refuse_uneven_dispute();
    CREATE CONSTRAINT TRIGGER dispute_movement_is_counted AFTER INSERT ON billing_disputemovement
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_refuse_uneven_dispute();
"""
PARTS_STAND_ALONE = """
    DROP TRIGGER payout_is_the_sum_of_its_returns ON billing_payout;
    DROP TRIGGER payout_return_is_counted ON billing_payoutreturn;
    DROP FUNCTION billing_refuse_uneven_returns();
    DROP TRIGGER dispute_is_the_sum_of_its_movements ON billing_dispute;
    DROP TRIGGER dispute_movement_is_counted ON billing_disputemovement;
    DROP FUNCTION billing_refuse_uneven_dispute();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0013_postings_by_time")]

    operations = [
        migrations.CreateModel(
            name="DisputeMovement",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("stripe_transaction_id", models.CharField(max_length=255, unique=True)),
                ("amount_minor", models.BigIntegerField()),
                ("of_funds_minor", models.BigIntegerField()),
                ("booked_at", models.DateTimeField(default=kernel.clock.now)),
            ],
            options={
                "verbose_name": "dispute movement",
            },
        ),
        migrations.CreateModel(
            name="PayoutReturn",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("stripe_reversal_id", models.CharField(max_length=255, unique=True)),
                ("amount_minor", models.BigIntegerField()),
                ("returned_at", models.DateTimeField(default=kernel.clock.now)),
            ],
            options={
                "verbose_name": "payout return",
            },
        ),
        migrations.AddField(
            model_name="dispute",
            name="returned_minor",
            field=models.BigIntegerField(default=0, help_text="What of it came again."),
        ),
        migrations.AddField(
            model_name="dispute",
            name="returned_to_funds_minor",
            field=models.BigIntegerField(default=0, help_text="What of that is the client's again."),
        ),
        migrations.AddField(
            model_name="payout",
            name="returned_minor",
            field=models.BigIntegerField(default=0, help_text="What of it came back and is earnings again."),
        ),
        migrations.AlterField(
            model_name="dispute",
            name="state",
            field=models.CharField(
                choices=[
                    ("inquiry", "the bank asks; nothing was taken back"),
                    ("open", "taken back until it is decided"),
                    ("won", "came again, all of it"),
                    ("lost", "gone for good, all or part"),
                    ("closed", "was only asked about"),
                ],
                default="inquiry",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="payout",
            name="state",
            field=models.CharField(
                choices=[
                    ("requested", "set aside"),
                    ("sending", "being sent"),
                    ("sent", "accepted by Stripe"),
                    ("settled", "paid out"),
                    ("returned", "came back whole after it was paid out"),
                    ("failed", "could not be paid out"),
                    ("cancelled", "called off"),
                ],
                default="requested",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="disputemovement",
            name="dispute",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="movements", to="billing.dispute"
            ),
        ),
        migrations.AddField(
            model_name="disputemovement",
            name="posting",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="dispute_movement", to="billing.posting"
            ),
        ),
        migrations.AddField(
            model_name="payoutreturn",
            name="payout",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="returns", to="billing.payout"
            ),
        ),
        migrations.AddField(
            model_name="payoutreturn",
            name="posting",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="payout_return", to="billing.posting"
            ),
        ),
        migrations.RemoveConstraint(
            model_name="dispute",
            name="dispute_open_has_its_time",
        ),
        migrations.RunSQL(sql=WHOLE_IS_ONE_PART, reverse_sql=migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("returned_minor__gte", models.F("returned_to_funds_minor")),
                    (
                        "returned_minor__lte",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("amount_minor"), "-", models.F("from_funds_minor")
                            ),
                            "+",
                            models.F("returned_to_funds_minor"),
                        ),
                    ),
                    ("returned_to_funds_minor__gte", 0),
                    ("returned_to_funds_minor__lte", models.F("from_funds_minor")),
                ),
                name="dispute_returns_what_was_taken",
            ),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("from_funds_minor", 0),
                        ("opened_at__isnull", True),
                        ("state__in", ["inquiry", "closed"]),
                        ("returned_minor", 0),
                    ),
                    models.Q(("opened_at__isnull", False), ("state__in", ["open", "won", "lost"])),
                    _connector="OR",
                ),
                name="dispute_open_has_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("returned_minor", models.F("amount_minor")), ("state", "won")),
                    models.Q(
                        models.Q(("state", "won"), _negated=True), ("returned_minor__lt", models.F("amount_minor"))
                    ),
                    _connector="OR",
                ),
                name="dispute_won_is_all_of_it",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("returned_minor", models.F("amount_minor")), ("state", "returned")),
                    models.Q(
                        ("returned_minor__gte", 0),
                        ("returned_minor__lt", models.F("amount_minor")),
                        ("state", "settled"),
                    ),
                    models.Q(models.Q(("state__in", ["settled", "returned"]), _negated=True), ("returned_minor", 0)),
                    _connector="OR",
                ),
                name="payout_returns_what_had_left",
            ),
        ),
        migrations.AddConstraint(
            model_name="disputemovement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("of_funds_minor__gte", 0),
                    models.Q(
                        models.Q(("amount_minor__gt", 0), ("amount_minor__gte", models.F("of_funds_minor"))),
                        models.Q(
                            ("amount_minor__lt", 0),
                            (
                                "amount_minor__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("of_funds_minor"), "*", models.Value(-1)
                                ),
                            ),
                        ),
                        _connector="OR",
                    ),
                ),
                name="dispute_movement_amounts_fit",
            ),
        ),
        migrations.AddConstraint(
            model_name="disputemovement",
            constraint=models.CheckConstraint(
                condition=models.Q(("stripe_transaction_id", ""), _negated=True), name="dispute_movement_has_its_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutreturn",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="payout_return_is_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutreturn",
            constraint=models.CheckConstraint(
                condition=models.Q(("stripe_reversal_id", ""), _negated=True), name="payout_return_has_its_name"
            ),
        ),
        append_only("billing_payoutreturn"),
        append_only("billing_disputemovement"),
        migrations.RunSQL(sql=PARTS_SUM_UP, reverse_sql=PARTS_STAND_ALONE),
        change_flow("billing_dispute", before=DISPUTE, after=DISPUTE_BY_ITS_MONEY),
    ]
