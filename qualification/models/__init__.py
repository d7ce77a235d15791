"""Qualification's tables."""

from qualification.models.certification import Certification
from qualification.models.exam import Exam, ExamAnswer
from qualification.models.gold import GoldQuestion
from qualification.models.label_schema import LabelSchema
from qualification.models.recall import ExamRemark, GoldRecall, WithdrawnEvidence
from qualification.models.score import Score, ScoreEvidence, ScoreFall
from qualification.models.skill import Skill

__all__ = [
    "Certification",
    "Exam",
    "ExamAnswer",
    "ExamRemark",
    "GoldQuestion",
    "GoldRecall",
    "LabelSchema",
    "Score",
    "ScoreEvidence",
    "ScoreFall",
    "Skill",
    "WithdrawnEvidence",
]
