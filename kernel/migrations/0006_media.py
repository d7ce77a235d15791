"""Media: files that people give us to show, and the allowances that the database keeps for them."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import guard_flow

# The sum is kept by the database: each file counts from its arrival until it is erased, and as one page of a disk at least.
KEEP_ALLOWANCES = migrations.RunSQL(
    sql="""
        CREATE FUNCTION media_takes(size bigint, erased timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
            SELECT CASE WHEN erased IS NULL THEN greatest(size, 4096) ELSE 0 END
        $$;
        CREATE FUNCTION count_media() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            more bigint := media_takes(NEW.size_bytes, NEW.erased_at);
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                more := more - media_takes(OLD.size_bytes, OLD.erased_at);
            END IF;
            IF NEW.payer <> '' AND more <> 0 THEN
                UPDATE kernel_mediaallowance SET used_bytes = used_bytes + more WHERE payer = NEW.payer;
                IF NOT FOUND THEN
                    RAISE EXCEPTION 'The payer % has no allowance.', NEW.payer USING ERRCODE = 'restrict_violation';
                END IF;
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER media_is_counted AFTER INSERT OR UPDATE OF size_bytes, erased_at ON kernel_media
            FOR EACH ROW EXECUTE FUNCTION count_media();
    """,
    reverse_sql="""
        DROP TRIGGER media_is_counted ON kernel_media;
        DROP FUNCTION count_media();
        DROP FUNCTION media_takes(bigint, timestamptz);
    """,
)

KEEP_MEDIA = migrations.RunSQL(
    sql="""
        CREATE FUNCTION refuse_change_of_media() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'What was taken in stays as it is, and media are kept: % is refused.', TG_OP
                USING ERRCODE = 'restrict_violation';
        END $$;
        CREATE TRIGGER media_stays_as_it_is BEFORE UPDATE ON kernel_media
            FOR EACH ROW WHEN (
                (OLD.owner, OLD.payer, OLD.name, OLD.added_by_id, OLD.created_at)
                    IS DISTINCT FROM (NEW.owner, NEW.payer, NEW.name, NEW.added_by_id, NEW.created_at)
                OR OLD.state <> 'arriving' AND (
                    (OLD.kind, OLD.media_type, OLD.size_bytes, OLD.width, OLD.height, OLD.sha256, OLD.sent_sha256)
                    IS DISTINCT FROM
                    (NEW.kind, NEW.media_type, NEW.size_bytes, NEW.width, NEW.height, NEW.sha256, NEW.sent_sha256))
                OR OLD.used_at IS NOT NULL AND NEW.used_at IS DISTINCT FROM OLD.used_at
                OR OLD.erased_at IS NOT NULL AND NEW.erased_at IS DISTINCT FROM OLD.erased_at
            ) EXECUTE FUNCTION refuse_change_of_media();
        CREATE TRIGGER media_is_never_deleted BEFORE DELETE ON kernel_media
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_media();
        CREATE TRIGGER media_is_never_truncated BEFORE TRUNCATE ON kernel_media
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_media();
    """,
    reverse_sql="""
        DROP TRIGGER media_stays_as_it_is ON kernel_media;
        DROP TRIGGER media_is_never_deleted ON kernel_media;
        DROP TRIGGER media_is_never_truncated ON kernel_media;
        DROP FUNCTION refuse_change_of_media();
    """,
)

FOLLOW_FLOW = guard_flow(
    "kernel_media",
    {
        "arriving": ["available", "quarantined", "refused"],
        "available": ["withdrawn", "deleted"],
        "quarantined": ["deleted"],
    },
)


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0005_admin_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="MediaAllowance",
            fields=[
                ("payer", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("used_bytes", models.BigIntegerField(default=0)),
                ("limit_bytes", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("used_bytes__gte", 0)), name="media_allowance_from_zero"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("used_bytes__lte", models.F("limit_bytes"))), name="media_allowance_is_kept"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Media",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("owner", models.CharField(max_length=100)),
                ("payer", models.CharField(blank=True, default="", max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("arriving", "Arriving"),
                            ("available", "Available"),
                            ("quarantined", "Quarantined"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                            ("deleted", "Deleted"),
                        ],
                        default="arriving",
                        max_length=12,
                    ),
                ),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                (
                    "kind",
                    models.CharField(
                        blank=True, choices=[("picture", "Picture"), ("file", "File")], default="", max_length=10
                    ),
                ),
                ("media_type", models.CharField(blank=True, default="", max_length=60)),
                ("size_bytes", models.BigIntegerField(default=0)),
                ("width", models.PositiveIntegerField(null=True)),
                ("height", models.PositiveIntegerField(null=True)),
                ("sha256", models.CharField(blank=True, default="", help_text="Of what is kept.", max_length=64)),
                ("sent_sha256", models.CharField(blank=True, default="", help_text="Of what was sent.", max_length=64)),
                (
                    "source_url",
                    models.TextField(blank=True, default="", help_text="Where it was fetched from, if it was."),
                ),
                ("failure", models.TextField(blank=True, default="", help_text="Why it was refused or withdrawn.")),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
                ("used_at", models.DateTimeField(help_text="From when on items refer to it.", null=True)),
                ("ended_at", models.DateTimeField(help_text="When it was refused, withdrawn or deleted.", null=True)),
                ("erased_at", models.DateTimeField(help_text="From when on its file is gone.", null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "media",
                "indexes": [
                    models.Index(fields=["owner", "created_at", "id"], name="media_by_owner"),
                    models.Index(
                        condition=models.Q(
                            ("erased_at__isnull", True), ("state__in", ["arriving", "refused", "withdrawn", "deleted"])
                        ),
                        fields=["created_at", "id"],
                        name="media_to_tidy",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["arriving", "available", "quarantined", "refused", "withdrawn", "deleted"])
                        ),
                        name="media_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["arriving", "refused"]),
                            models.Q(
                                ("size_bytes__gt", 0),
                                models.Q(("sha256", ""), _negated=True),
                                models.Q(("kind", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="media_that_came_has_its_content",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("height__isnull", True), ("kind__in", ["", "file"]), ("width__isnull", True)),
                            models.Q(("height__gt", 0), ("kind", "picture"), ("width__gt", 0)),
                            _connector="OR",
                        ),
                        name="media_picture_has_its_size",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("used_at__isnull", True),
                            models.Q(("kind", "picture"), ("state__in", ["available", "withdrawn"])),
                            _connector="OR",
                        ),
                        name="media_in_use_is_kept",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", False), ("state__in", ["refused", "withdrawn", "deleted"])),
                            models.Q(
                                ("ended_at__isnull", True),
                                ("erased_at__isnull", True),
                                ("state__in", ["arriving", "available", "quarantined"]),
                            ),
                            _connector="OR",
                        ),
                        name="media_state_has_its_times",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("state__in", ["arriving", "available"]), models.Q(("sent_sha256", ""), _negated=True)
                        ),
                        fields=("owner", "sent_sha256"),
                        name="one_media_per_content",
                    ),
                ],
            },
        ),
        KEEP_ALLOWANCES,
        KEEP_MEDIA,
        FOLLOW_FLOW,
    ]
