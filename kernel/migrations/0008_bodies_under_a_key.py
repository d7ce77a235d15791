"""What is kept of the bodies of repeatable requests is under the installation's key."""

from typing import Any

from django.db import migrations
from django.utils.crypto import salted_hmac


def under_the_key(apps: Any, schema_editor: Any) -> None:
    """Put what is there under the key too, so that what is repeated meanwhile still finds its answer."""
    records = apps.get_model("kernel", "IdempotencyRecord").objects.using(schema_editor.connection.alias)
    for record in records.only("id", "user_id", "path", "body_hmac").order_by("id").iterator(chunk_size=1000):
        sent = f"{record.user_id} {record.path} {record.body_hmac}"
        record.body_hmac = salted_hmac("kernel.idempotency", sent, algorithm="sha256").hexdigest()
        record.save(update_fields=["body_hmac"])


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0007_admin_invitations"),
    ]

    operations = [
        migrations.RenameField("idempotencyrecord", "body_sha256", "body_hmac"),
        migrations.RunPython(under_the_key, migrations.RunPython.noop),
    ]
