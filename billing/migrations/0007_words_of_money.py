"""Kinds of accounts and postings for credits, bonuses, pay for time, processing fees, disputes and what comes back."""

from django.db import migrations, models

from kernel.migration_operations import WidenConstraint


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0006_money_moves_with_an_event"),
    ]

    operations = [
        WidenConstraint(
            model_name="ledgeraccount",
            name="account_kind_known",
        ),
        WidenConstraint(
            model_name="posting",
            name="posting_kind_known",
        ),
        migrations.AlterField(
            model_name="ledgeraccount",
            name="kind",
            field=models.CharField(
                choices=[
                    ("client_funds", "what a client may spend or have refunded"),
                    ("job_escrow", "a job's budget set aside"),
                    ("pay_reserve", "what a job set aside to lift pay to the floor"),
                    ("worker_earnings", "what a worker may have paid out"),
                    ("payouts_in_flight", "on its way to a worker"),
                    ("refunds_in_flight", "on its way back to a client"),
                    ("disputed", "taken back by a payer's bank until a dispute is decided"),
                    ("platform_fees", "the platform's share"),
                    ("processor_fees", "what the payment processor kept"),
                    ("loss", "what the platform bears"),
                    ("outside_world", "what an owner has taken out, less what they brought in"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="posting",
            name="kind",
            field=models.CharField(
                choices=[
                    ("funding_settled", "a client's money arrived"),
                    ("refund_requested", "a refund was set aside"),
                    ("refund_settled", "a refund has left"),
                    ("refund_failed", "a refund could not be made"),
                    ("escrow_held", "a job's budget was set aside"),
                    ("escrow_released", "what a job did not spend went back"),
                    ("work_paid", "accepted work was paid"),
                    ("fees_swept", "a job's fees were gathered"),
                    ("payout_requested", "a payout was set aside"),
                    ("payout_settled", "a payout has left"),
                    ("payout_cancelled", "a payout was called off"),
                    ("payout_failed", "a payout could not be made"),
                    ("credit_granted", "the platform advanced money to a client"),
                    ("bonus_paid", "a client thanked for good work"),
                    ("reserve_held", "money was set aside to lift pay to the floor"),
                    ("reserve_released", "what was not needed to lift pay went back"),
                    ("pay_lifted", "pay for time was lifted to the floor"),
                    ("interruption_paid", "the time of work that was taken away was paid"),
                    ("processing_charged", "the payment processor kept its fee"),
                    ("dispute_opened", "a payer's bank took a payment back"),
                    ("dispute_won", "a payment that was taken back came again"),
                    ("dispute_lost", "a payment that was taken back is gone"),
                    ("payout_returned", "a payout came back after it had left"),
                    ("refund_returned", "a refund came back after it had left"),
                    ("reversal", "an earlier posting was undone"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgeraccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "client_funds",
                            "job_escrow",
                            "pay_reserve",
                            "worker_earnings",
                            "payouts_in_flight",
                            "refunds_in_flight",
                            "disputed",
                            "platform_fees",
                            "processor_fees",
                            "loss",
                            "outside_world",
                        ],
                    )
                ),
                name="account_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "funding_settled",
                            "refund_requested",
                            "refund_settled",
                            "refund_failed",
                            "escrow_held",
                            "escrow_released",
                            "work_paid",
                            "fees_swept",
                            "payout_requested",
                            "payout_settled",
                            "payout_cancelled",
                            "payout_failed",
                            "credit_granted",
                            "bonus_paid",
                            "reserve_held",
                            "reserve_released",
                            "pay_lifted",
                            "interruption_paid",
                            "processing_charged",
                            "dispute_opened",
                            "dispute_won",
                            "dispute_lost",
                            "payout_returned",
                            "refund_returned",
                            "reversal",
                        ],
                    )
                ),
                name="posting_kind_known",
            ),
        ),
    ]
