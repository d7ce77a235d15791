"""What Stripe says of the rest of a disputed payment, and movements of its balance that it has converted."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("billing", "0014_partial_money")]

    operations = [
        migrations.AddField(
            model_name="dispute",
            name="takes_refunds",
            field=models.BooleanField(default=False, help_text="What Stripe says of the rest of the payment."),
        ),
        migrations.AddField(
            model_name="stripemovement",
            name="converted_from",
            field=models.CharField(
                blank=True, default="", help_text="The currency before Stripe converted it, if it did.", max_length=3
            ),
        ),
        migrations.AddConstraint(
            model_name="stripemovement",
            constraint=models.CheckConstraint(
                condition=Q(_negated=True, state="matched") | Q(converted_from=""),
                name="stripe_movement_converted_is_not_matched",
            ),
        ),
    ]
