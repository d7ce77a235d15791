"""E-mail addresses in the canonical form of ADR 0016, held by the database; who has none stops the migration."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from kernel.email_address import email_to_look_up

CANONICAL = r"^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9-]+\.)+[a-z0-9-]+$"


def rewrite(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Bring each stored address into its canonical form. An account is neither merged nor dropped by a migration."""
    users = apps.get_model("kernel", "User").objects
    changed = {pk: new for pk, email in users.values_list("pk", "email") if (new := email_to_look_up(email)) != email}
    taken = list(changed.values())
    stuck = [
        str(pk) for pk, new in changed.items() if not new or taken.count(new) > 1 or users.filter(email=new).exists()
    ]
    if stuck:
        raise RuntimeError(
            "The addresses of these users have no canonical form, or one that is another's already: "
            f"{', '.join(sorted(stuck))}. Change them first: an address is ASCII before the @, and a domain behind it."
        )
    for pk, email in changed.items():
        users.filter(pk=pk).update(email=email)


class Migration(migrations.Migration):
    dependencies = [("kernel", "0001_users_audit_outbox")]

    operations = [
        migrations.RemoveConstraint("user", "user_email_canonical"),
        migrations.RunPython(rewrite, migrations.RunPython.noop),
        migrations.AddConstraint(
            "user",
            models.CheckConstraint(condition=models.Q(email__regex=CANONICAL), name="user_email_canonical"),
        ),
    ]
