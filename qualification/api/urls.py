"""Qualification's part of `/api/v1/`."""

from django.urls import path

from qualification.api.certifications import (
    CertificationsView,
    CertificationView,
    DenialView,
    GrantView,
    RevocationView,
)
from qualification.api.exams import ExamAnswersView, ExamFinishView, ExamsView, ExamView
from qualification.api.gold_questions import GoldQuestionsView, GoldRetirementView
from qualification.api.label_schemas import LabelSchemaView, SchemaCheckView
from qualification.api.media import OneSkillMediaView, SkillMediaView, SkillMediaWithdrawalView
from qualification.api.scores import OwnScoresView, ScoresView
from qualification.api.skills import ProspectView, SkillsView, SkillView

urlpatterns = [
    path("skills/", SkillsView.as_view()),
    path("skills/<uuid:skill_id>/", SkillView.as_view()),
    path("skills/<uuid:skill_id>/prospect/", ProspectView.as_view()),
    path("skills/<uuid:skill_id>/media/", SkillMediaView.as_view()),
    path("skills/<uuid:skill_id>/media/<uuid:media_id>/", OneSkillMediaView.as_view()),
    path("skills/<uuid:skill_id>/media/<uuid:media_id>/withdraw/", SkillMediaWithdrawalView.as_view()),
    path("label-schemas/check/", SchemaCheckView.as_view()),
    path("label-schemas/<uuid:label_schema_id>/", LabelSchemaView.as_view()),
    path("gold-questions/", GoldQuestionsView.as_view()),
    path("gold-questions/<uuid:gold_question_id>/retire/", GoldRetirementView.as_view()),
    path("exams/", ExamsView.as_view()),
    path("exams/<uuid:exam_id>/", ExamView.as_view()),
    path("exams/<uuid:exam_id>/answers/", ExamAnswersView.as_view()),
    path("exams/<uuid:exam_id>/finish/", ExamFinishView.as_view()),
    path("certifications/", CertificationsView.as_view()),
    path("certifications/<uuid:certification_id>/", CertificationView.as_view()),
    path("certifications/<uuid:certification_id>/grant/", GrantView.as_view()),
    path("certifications/<uuid:certification_id>/deny/", DenialView.as_view()),
    path("certifications/<uuid:certification_id>/revoke/", RevocationView.as_view()),
    path("scores/", ScoresView.as_view()),
    path("scores/me/", OwnScoresView.as_view()),
]
