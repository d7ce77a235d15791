"""A payout destination that was changed is held for 72 hours, and one bank account is one person's."""

import django.db.models.deletion
from django.db import migrations, models

# A payout that begins to be sent, or is asked for once more, meets the hold of where it goes. The lock lets a change of
# destination and the beginning of a payout go one after the other.
HOLD_PAYOUTS = migrations.RunSQL(
    sql="""
        CREATE FUNCTION refuse_payout_to_a_held_destination() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            held timestamptz;
        BEGIN
            IF TG_OP = 'UPDATE' AND OLD.state = 'sending' AND OLD.attempt = NEW.attempt THEN
                RETURN NEW;
            END IF;
            SELECT held_until INTO held FROM billing_payoutaccount WHERE id = NEW.payout_account_id FOR SHARE;
            IF held > NEW.attempt_began_at THEN
                RAISE EXCEPTION 'Nothing is sent to payout account % before %.', NEW.payout_account_id, held
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER payout_waits_for_its_destination BEFORE INSERT OR UPDATE OF state, attempt ON billing_payout
            FOR EACH ROW WHEN (NEW.state = 'sending') EXECUTE FUNCTION refuse_payout_to_a_held_destination();
    """,
    reverse_sql="""
        DROP TRIGGER payout_waits_for_its_destination ON billing_payout;
        DROP FUNCTION refuse_payout_to_a_held_destination();
    """,
)

KEEP_HOLDS = migrations.RunSQL(
    sql="""
        CREATE FUNCTION refuse_destination_without_its_hold() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'A changed payout destination is held for 72 hours, and a hold is not shortened.'
                USING ERRCODE = 'restrict_violation';
        END $$;
        CREATE TRIGGER replaced_payout_account_is_held BEFORE INSERT ON billing_payoutaccount
            FOR EACH ROW WHEN (
                NEW.replaces_id IS NOT NULL
                AND coalesce(NEW.held_until, '-infinity') < NEW.opened_at + interval '72 hours'
            ) EXECUTE FUNCTION refuse_destination_without_its_hold();
        CREATE TRIGGER changed_payout_destination_is_held BEFORE UPDATE ON billing_payoutaccount
            FOR EACH ROW WHEN (
                OLD.stripe_account_id <> '' AND NEW.stripe_account_id <> OLD.stripe_account_id
                OR coalesce(NEW.held_until, '-infinity') < coalesce(OLD.held_until, '-infinity')
                OR NEW.destination <> OLD.destination AND (OLD.destination <> '' OR NEW.replaces_id IS NOT NULL) AND (
                    coalesce(NEW.held_until, '-infinity') < NEW.destination_since + interval '72 hours'
                    OR NEW.destination_since < OLD.destination_since)
            ) EXECUTE FUNCTION refuse_destination_without_its_hold();
    """,
    reverse_sql="""
        DROP TRIGGER replaced_payout_account_is_held ON billing_payoutaccount;
        DROP TRIGGER changed_payout_destination_is_held ON billing_payoutaccount;
        DROP FUNCTION refuse_destination_without_its_hold();
    """,
)


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_states_follow_their_flow"),
    ]

    operations = [
        migrations.AddField(
            model_name="payoutaccount",
            name="destination",
            field=models.CharField(blank=True, default="", help_text="Empty before Stripe knows one.", max_length=64),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="destination_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="held_because",
            field=models.CharField(
                blank=True,
                choices=[("new_account", "another payout account"), ("new_bank", "another bank account")],
                default="",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="held_until",
            field=models.DateTimeField(help_text="Nothing is sent there before.", null=True),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="replaced_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="replaces",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replaced_by",
                to="billing.payoutaccount",
            ),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="shared_with",
            field=models.ForeignKey(
                help_text="Another owner's account that pays to the same bank account; then nothing is paid out to this one.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.payoutaccount",
            ),
        ),
        migrations.AlterField(
            model_name="payoutaccount",
            name="owner",
            field=models.CharField(max_length=100),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("replaced_at__isnull", True)),
                fields=("owner",),
                name="one_payout_account_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("destination", ""), _negated=True),
                    ("replaced_at__isnull", True),
                    ("shared_with__isnull", True),
                ),
                fields=("destination",),
                name="one_owner_per_destination",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("destination", ""), ("destination_since__isnull", True)),
                    models.Q(models.Q(("destination", ""), _negated=True), ("destination_since__isnull", False)),
                    _connector="OR",
                ),
                name="payout_destination_has_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("held_because", ""), ("held_until__isnull", True)),
                    models.Q(("held_until__isnull", False), models.Q(("held_because", ""), _negated=True)),
                    _connector="OR",
                ),
                name="payout_account_held_for_a_reason",
            ),
        ),
        HOLD_PAYOUTS,
        KEEP_HOLDS,
    ]
