"""Gold questions are found by their item, so that nobody meets one twice."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("qualification", "0007_gold_is_doubted")]

    operations = [
        migrations.AddIndex(
            model_name="goldquestion",
            index=models.Index(fields=["item_sha256"], name="gold_by_item"),
        ),
    ]
