"""Admin roles, each granted by somebody; nobody may everything any more."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock

ROLES = ["certification", "escalations", "finance", "access", "auditor"]

EVERY_ROLE_TO_WHO_WAS_AN_ADMIN = """
    INSERT INTO kernel_adminrole (id, user_id, role, granted_by_id, granted_at)
    SELECT gen_random_uuid(), u.id, named.role, NULL, now()
    FROM kernel_user u CROSS JOIN unnest(ARRAY['certification', 'escalations', 'finance', 'access', 'auditor']) named(role)
    WHERE u.is_staff;
"""

THE_LAST_ACCESS_ADMIN_STAYS = """
    CREATE FUNCTION refuse_to_be_without_access_admin() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- One after the other: of two who leave at once the second sees that the first is gone.
        PERFORM pg_advisory_xact_lock(hashtext('kernel_adminrole: access'));
        IF NOT EXISTS (
            SELECT FROM kernel_adminrole r JOIN kernel_user u ON u.id = r.user_id WHERE r.role = 'access' AND u.is_active
        ) THEN
            RAISE EXCEPTION 'The last admin who can grant roles stays.' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER kernel_adminrole_last_access_stays AFTER DELETE ON kernel_adminrole
        FOR EACH ROW WHEN (OLD.role = 'access') EXECUTE FUNCTION refuse_to_be_without_access_admin();
    CREATE FUNCTION refuse_to_lose_access_admin() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM kernel_adminrole r WHERE r.user_id = OLD.id AND r.role = 'access') THEN
            PERFORM pg_advisory_xact_lock(hashtext('kernel_adminrole: access'));
            IF NOT EXISTS (
                SELECT FROM kernel_adminrole r JOIN kernel_user u ON u.id = r.user_id
                WHERE r.role = 'access' AND u.is_active
            ) THEN
                RAISE EXCEPTION 'The last admin who can grant roles stays active.' USING ERRCODE = 'restrict_violation';
            END IF;
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER kernel_user_last_access_stays_active AFTER UPDATE OF is_active ON kernel_user
        FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION refuse_to_lose_access_admin();
    CREATE FUNCTION refuse_change_of_kernel_adminrole() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'An admin role is granted or withdrawn, and never changed.' USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE TRIGGER kernel_adminrole_is_never_changed BEFORE UPDATE ON kernel_adminrole
        FOR EACH ROW EXECUTE FUNCTION refuse_change_of_kernel_adminrole();
"""

AND_BACK = """
    DROP TRIGGER kernel_adminrole_is_never_changed ON kernel_adminrole;
    DROP FUNCTION refuse_change_of_kernel_adminrole();
    DROP TRIGGER kernel_user_last_access_stays_active ON kernel_user;
    DROP FUNCTION refuse_to_lose_access_admin();
    DROP TRIGGER kernel_adminrole_last_access_stays ON kernel_adminrole;
    DROP FUNCTION refuse_to_be_without_access_admin();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0004_challenges"),
    ]

    operations = [
        migrations.CreateModel(
            name="AdminRole",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("role", models.CharField(choices=[(name, name) for name in ROLES], max_length=20)),
                ("granted_at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "granted_by",
                    models.ForeignKey(
                        help_text="Nobody for a role that was granted on the command line.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="admin_roles",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["user", "role"], name="one_grant_of_each_admin_role"),
                    models.CheckConstraint(condition=models.Q(role__in=ROLES), name="admin_role_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("granted_by", None),
                            models.Q(("granted_by", models.F("user")), _negated=True),
                            _connector="OR",
                        ),
                        name="admin_role_by_another",
                    ),
                ],
            },
        ),
        migrations.RunSQL(EVERY_ROLE_TO_WHO_WAS_AN_ADMIN, migrations.RunSQL.noop),
        migrations.RunSQL(THE_LAST_ACCESS_ADMIN_STAYS, AND_BACK),
        migrations.AlterField(
            "user", "is_staff", models.BooleanField(default=False, help_text="Whether they hold an admin role.")
        ),
        migrations.RemoveField("user", "groups"),
        migrations.RemoveField("user", "is_superuser"),
        migrations.RemoveField("user", "user_permissions"),
    ]
