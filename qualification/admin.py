"""The operators' console for qualification: rows to read, and decisions that call services.

Exams, evidence and label schemas are read here as they were written; nothing is changed by hand.
"""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from kernel.admin import ReadOnlyAdmin, ReadOnlyInline
from kernel.console.columns import share
from qualification.models import (
    Certification,
    Exam,
    ExamAnswer,
    ExamRemark,
    GoldQuestion,
    GoldRecall,
    LabelSchema,
    Score,
    ScoreEvidence,
    Skill,
)
from qualification.services.certifications import deny_certification, grant_certification, revoke_certification
from qualification.services.gold import retire_gold_question
from workforce.admin import DecisionAdmin, DecisionForm


@admin.register(Skill)
class SkillAdmin(ReadOnlyAdmin):
    """Named abilities and the rules of their certification."""

    list_display = ("slug", "name", "grants_by", "exam_questions", "pass_mark_basis_points", "certificate_valid_for")
    list_filter = ("grants_by",)
    search_fields = ("slug", "name")
    ordering = ("slug",)


@admin.register(LabelSchema)
class LabelSchemaAdmin(ReadOnlyAdmin):
    """Labeling configs."""

    list_display = ("id", "sha256", "created_at")
    search_fields = ("=id", "=sha256")
    ordering = ("-created_at", "-id")


@admin.register(GoldQuestion)
class GoldQuestionAdmin(DecisionAdmin):
    """Questions whose right answer is known."""

    list_display = (
        *("id", "skill", "for_exam", "answer_key", "reason", "drawn"),
        *("created_at", "doubted_at", "retired_at"),
    )
    list_filter = (
        *("for_exam", "skill"),
        *((since, admin.EmptyFieldListFilter) for since in ("doubted_at", "retired_at")),
    )
    list_select_related = ("skill",)
    search_fields = ("=id",)
    ordering = ("-created_at", "-id")
    action_form = DecisionForm
    actions: tuple[str, ...] = ("retire",)

    @admin.display(description="times in exams", ordering="times_drawn")
    def drawn(self, question: GoldQuestion) -> int | None:
        """How often exams have asked it; what work asks is not counted here."""
        return question.times_drawn if question.for_exam else None

    @admin.action(description="Retire (with a reason)")
    def retire(self, request: HttpRequest, chosen: QuerySet[GoldQuestion]) -> None:
        """Take questions out of use."""
        self.decide(
            request,
            chosen,
            participle="retired",
            service=lambda row_id, by, reason: retire_gold_question(gold_question_id=row_id, why=reason, by=by),
        )


@admin.register(GoldRecall)
class GoldRecallAdmin(ReadOnlyAdmin):
    """Gold that was wrong, and how far what rested on it has been put right."""

    list_display = (
        "gold_question",
        "state",
        "why",
        "recalled_by",
        "recalled_at",
        "evidence_withdrawn_at",
        "replayed_at",
    )
    list_filter = ("state",)
    list_select_related = ("gold_question", "recalled_by")
    search_fields = ("=id", "=gold_question__id")
    ordering = ("-recalled_at", "-id")


class ExamAnswerInline(ReadOnlyInline):
    """What one exam asked and was answered."""

    model = ExamAnswer
    fields = ("position", "gold_question", "result", "correct", "answered_at")
    readonly_fields = fields
    ordering = ("position",)


class ExamRemarkInline(ReadOnlyInline):
    """How an exam comes out without what was recalled."""

    model = ExamRemark
    fields = ("recall", "questions", "right", "score_basis_points", "at")
    readonly_fields = fields
    ordering = ("id",)


@admin.register(Exam)
class ExamAdmin(ReadOnlyAdmin):
    """Attempts at exams."""

    list_display = ("id", "worker", "skill", "state", "score_basis_points", "started_at", "finished_at")
    list_filter = ("state", "skill")
    list_select_related = ("worker", "skill")
    search_fields = ("=id", "=worker__id")
    ordering = ("-started_at", "-id")
    inlines = (ExamAnswerInline, ExamRemarkInline)


@admin.register(Certification)
class CertificationAdmin(DecisionAdmin):
    """Rights to work with a skill: waiting, granted, denied, revoked, expired."""

    list_display = (
        "id",
        "worker",
        "skill",
        "state",
        "requested_at",
        "granted_at",
        "expires_at",
        "decided_by",
        "reason",
    )
    list_filter = ("state", "skill")
    list_select_related = ("worker", "skill")
    search_fields = ("=id", "=worker__id")
    ordering = ("-requested_at", "-id")
    action_form = DecisionForm
    actions = ("grant", "deny", "revoke")

    @admin.action(description="Grant")
    def grant(self, request: HttpRequest, chosen: QuerySet[Certification]) -> None:
        """Grant certifications that wait."""
        self.decide(
            request,
            chosen,
            participle="granted",
            service=lambda row_id, by, reason: grant_certification(certification_id=row_id, by=by),
        )

    @admin.action(description="Deny (needs a reason)")
    def deny(self, request: HttpRequest, chosen: QuerySet[Certification]) -> None:
        """Deny certifications that wait."""
        self.decide(
            request,
            chosen,
            participle="denied",
            service=lambda row_id, by, reason: deny_certification(certification_id=row_id, reason=reason, by=by),
        )

    @admin.action(description="Revoke (needs a reason)")
    def revoke(self, request: HttpRequest, chosen: QuerySet[Certification]) -> None:
        """Take granted certifications away."""
        self.decide(
            request,
            chosen,
            participle="revoked",
            service=lambda row_id, by, reason: revoke_certification(certification_id=row_id, reason=reason, by=by),
        )


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin):
    """Measured quality, one row for each worker and skill."""

    list_display = ("worker", "skill", "correct", "wrong", share("estimate"), share("lower_bound"), "updated_at")
    list_filter = ("skill",)
    list_select_related = ("worker", "skill")
    search_fields = ("=worker__id",)
    ordering = ("-updated_at", "-id")


@admin.register(ScoreEvidence)
class ScoreEvidenceAdmin(ReadOnlyAdmin):
    """Gold answers that moved scores."""

    list_display = ("at", "score", "source", "correct", "subject")
    list_filter = ("source", "correct")
    search_fields = ("=subject", "=score__worker__id")
    list_select_related = ("score",)
    ordering = ("-id",)
