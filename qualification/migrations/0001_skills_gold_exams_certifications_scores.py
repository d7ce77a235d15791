"""Skills, label schemas, gold questions, exams, certifications and scores."""

import datetime
import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("workforce", "0001_applications_workers_identities"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LabelSchema",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("xml", models.TextField()),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("parsed", models.JSONField()),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="Skill",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "grants_by",
                    models.CharField(
                        choices=[
                            ("score", "Passing the exam"),
                            ("admin", "An admin"),
                            ("both", "Passing the exam and then an admin"),
                        ],
                        default="score",
                        max_length=5,
                    ),
                ),
                ("exam_questions", models.PositiveSmallIntegerField()),
                ("pass_mark_basis_points", models.PositiveSmallIntegerField()),
                ("exam_time_limit", models.DurationField()),
                ("retry_after", models.DurationField()),
                ("unpaid_limit", models.PositiveSmallIntegerField()),
                ("certificate_valid_for", models.DurationField(null=True)),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("grants_by__in", ["score", "admin", "both"])), name="skill_grant_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("exam_questions__gte", 1), ("grants_by", "admin"), _connector="OR"),
                        name="skill_has_an_exam",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("pass_mark_basis_points__gte", 1), ("pass_mark_basis_points__lte", 10000)),
                        name="skill_pass_mark_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("unpaid_limit__gte", models.F("exam_questions"))),
                        name="skill_unpaid_limit_allows_one_exam",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("exam_time_limit__gte", datetime.timedelta(seconds=1)),
                            ("retry_after__gte", datetime.timedelta(0)),
                        ),
                        name="skill_clocks_run_forward",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("certificate_valid_for__isnull", True),
                            ("certificate_valid_for__gte", datetime.timedelta(seconds=1)),
                            _connector="OR",
                        ),
                        name="skill_certificate_is_valid_for_a_while",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Score",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("correct", models.FloatField(default=0.0)),
                ("wrong", models.FloatField(default=0.0)),
                ("estimate", models.FloatField()),
                ("lower_bound", models.FloatField()),
                ("updated_at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "worker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="workforce.worker",
                    ),
                ),
                (
                    "skill",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="scores", to="qualification.skill"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GoldQuestion",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("item", models.JSONField()),
                ("item_sha256", models.CharField(max_length=64)),
                ("result", models.JSONField(help_text="The right answer in Label Studio's result form.")),
                ("answer_key", models.TextField(help_text="The right answer in canonical form, for comparing.")),
                (
                    "reason",
                    models.TextField(blank=True, default="", help_text="Why it is right, for a worker who missed it."),
                ),
                ("for_exam", models.BooleanField(default=False)),
                ("times_drawn", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "label_schema",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="qualification.labelschema",
                    ),
                ),
                (
                    "skill",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="gold_questions",
                        to="qualification.skill",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Exam",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("started", "Started"),
                            ("passed", "Passed"),
                            ("failed", "Failed"),
                            ("abandoned", "Abandoned"),
                        ],
                        default="started",
                        max_length=10,
                    ),
                ),
                ("questions", models.PositiveSmallIntegerField()),
                ("pass_mark_basis_points", models.PositiveSmallIntegerField()),
                ("started_at", models.DateTimeField(default=kernel.clock.now)),
                ("due_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("score_basis_points", models.PositiveSmallIntegerField(null=True)),
                (
                    "worker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="workforce.worker",
                    ),
                ),
                (
                    "skill",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exams",
                        to="qualification.skill",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Certification",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("granted", "Granted"),
                            ("expired", "Expired"),
                            ("revoked", "Revoked"),
                            ("denied", "Denied"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("requested_at", models.DateTimeField(default=kernel.clock.now)),
                ("granted_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(help_text="When it was denied, revoked or over.", null=True)),
                (
                    "reason",
                    models.TextField(blank=True, default="", help_text="Why it was denied or revoked, for the worker."),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "worker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="workforce.worker",
                    ),
                ),
                (
                    "exam",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="certification",
                        to="qualification.exam",
                    ),
                ),
                (
                    "skill",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="certifications",
                        to="qualification.skill",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ExamAnswer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveSmallIntegerField()),
                ("result", models.JSONField(null=True)),
                ("correct", models.BooleanField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "exam",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="qualification.exam",
                    ),
                ),
                (
                    "gold_question",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="qualification.goldquestion"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("exam", "position"), name="one_question_per_position"),
                    models.UniqueConstraint(fields=("exam", "gold_question"), name="one_position_per_question"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("answered_at__isnull", True), ("correct__isnull", True), ("result__isnull", True)
                            ),
                            models.Q(
                                ("answered_at__isnull", False), ("correct__isnull", False), ("result__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="exam_answer_is_whole",
                    ),
                    models.CheckConstraint(condition=models.Q(("position__gte", 1)), name="exam_position_from_one"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScoreEvidence",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("source", models.CharField(choices=[("exam", "Exam"), ("hidden_gold", "Hidden Gold")], max_length=11)),
                ("correct", models.BooleanField()),
                ("subject", models.CharField(max_length=100)),
                ("at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "score",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="qualification.score",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["score", "at", "id"], name="evidence_by_score")],
                "constraints": [
                    models.UniqueConstraint(fields=("score", "subject"), name="evidence_counts_once"),
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["exam", "hidden_gold"])), name="evidence_source_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScoreFall",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("floor", models.FloatField()),
                ("lower_bound", models.FloatField(help_text="The bound at the moment of the fall.")),
                ("subject", models.CharField(help_text="The answer that brought it below.", max_length=100)),
                ("at", models.DateTimeField(default=kernel.clock.now)),
                ("risen_at", models.DateTimeField(null=True)),
                (
                    "score",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="falls",
                        to="qualification.score",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["score", "at", "id"], name="fall_by_score")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("risen_at__isnull", True)),
                        fields=("score", "floor"),
                        name="one_open_fall_per_floor",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("floor__gt", 0.0), ("floor__lte", 1.0)), name="fall_floor_in_range"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("lower_bound__lt", models.F("floor"))), name="fall_is_below_its_floor"
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.UniqueConstraint(fields=("worker", "skill"), name="one_score_per_skill"),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("correct__gte", 0.0),
                    ("correct__lte", 1000000000.0),
                    ("wrong__gte", 0.0),
                    ("wrong__lte", 1000000000.0),
                ),
                name="score_evidence_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("estimate__lte", 1.0), ("lower_bound__gte", 0.0), ("lower_bound__lte", models.F("estimate"))
                ),
                name="score_bounds_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="goldquestion",
            index=models.Index(fields=["skill", "created_at", "id"], name="gold_by_skill"),
        ),
        migrations.AddConstraint(
            model_name="goldquestion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("for_exam", True), ("retired_at__isnull", True)),
                fields=("skill", "item_sha256"),
                name="one_exam_question_per_item",
            ),
        ),
        migrations.AddConstraint(
            model_name="goldquestion",
            constraint=models.CheckConstraint(
                condition=models.Q(("for_exam", False), models.Q(("reason", ""), _negated=True), _connector="OR"),
                name="exam_question_has_a_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="exam",
            index=models.Index(fields=["worker", "skill", "started_at", "id"], name="exam_by_worker"),
        ),
        migrations.AddIndex(
            model_name="exam",
            index=models.Index(condition=models.Q(("state", "started")), fields=["due_at", "id"], name="exam_due"),
        ),
        migrations.AddConstraint(
            model_name="exam",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "started")),
                fields=("worker", "skill"),
                name="one_exam_at_a_time_per_skill",
            ),
        ),
        migrations.AddConstraint(
            model_name="exam",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["started", "passed", "failed", "abandoned"])), name="exam_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="exam",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("score_basis_points__isnull", True), ("state", "started")),
                    models.Q(
                        ("finished_at__isnull", False), ("score_basis_points__isnull", True), ("state", "abandoned")
                    ),
                    models.Q(
                        ("finished_at__isnull", False),
                        ("score_basis_points__gte", models.F("pass_mark_basis_points")),
                        ("score_basis_points__lte", 10000),
                        ("state", "passed"),
                    ),
                    models.Q(
                        ("finished_at__isnull", False),
                        ("score_basis_points__lt", models.F("pass_mark_basis_points")),
                        ("state", "failed"),
                    ),
                    _connector="OR",
                ),
                name="exam_state_has_its_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="exam",
            constraint=models.CheckConstraint(condition=models.Q(("questions__gte", 1)), name="exam_asks_something"),
        ),
        migrations.AddConstraint(
            model_name="exam",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_at__gt", models.F("started_at"))), name="exam_is_due_after_its_start"
            ),
        ),
        migrations.AddIndex(
            model_name="certification",
            index=models.Index(fields=["worker", "skill", "requested_at", "id"], name="certification_by_worker"),
        ),
        migrations.AddIndex(
            model_name="certification",
            index=models.Index(
                condition=models.Q(("state", "granted")), fields=["expires_at", "id"], name="certification_expiring"
            ),
        ),
        migrations.AddIndex(
            model_name="certification",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["requested_at", "id"], name="certification_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="certification",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "pending")),
                fields=("worker", "skill"),
                name="one_pending_certification_per_skill",
            ),
        ),
        migrations.AddConstraint(
            model_name="certification",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "granted")),
                fields=("worker", "skill"),
                name="one_granted_certification_per_skill",
            ),
        ),
        migrations.AddConstraint(
            model_name="certification",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "granted", "expired", "revoked", "denied"])),
                name="certification_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="certification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at__isnull", True),
                        ("expires_at__isnull", True),
                        ("granted_at__isnull", True),
                        ("state", "pending"),
                    ),
                    models.Q(("ended_at__isnull", True), ("granted_at__isnull", False), ("state", "granted")),
                    models.Q(("ended_at__isnull", False), ("granted_at__isnull", False), ("state", "expired")),
                    models.Q(("ended_at__isnull", False), ("granted_at__isnull", False), ("state", "revoked")),
                    models.Q(("ended_at__isnull", False), ("granted_at__isnull", True), ("state", "denied")),
                    _connector="OR",
                ),
                name="certification_state_has_its_times",
            ),
        ),
        migrations.AddConstraint(
            model_name="certification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_by__isnull", False), models.Q(("reason", ""), _negated=True)),
                    models.Q(("state__in", ["revoked", "denied"]), _negated=True),
                    _connector="OR",
                ),
                name="adverse_certification_has_a_person_and_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="certification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expires_at__isnull", True), ("expires_at__gt", models.F("granted_at")), _connector="OR"
                ),
                name="certification_expires_after_its_grant",
            ),
        ),
    ]
