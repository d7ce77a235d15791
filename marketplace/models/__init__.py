"""The marketplace's tables."""

from marketplace.models.appeal import Appeal
from marketplace.models.assignment import Annotation, Assignment, Heartbeat, Rejection
from marketplace.models.bonus import Bonus
from marketplace.models.breaker import Breaker
from marketplace.models.certificate import Certificate, CertificateOrder, Inspection
from marketplace.models.client import Client, ClientUserObjectPermission, JobUserObjectPermission, Membership
from marketplace.models.escalation import Escalation
from marketplace.models.fee_schedule import FeeSchedule, FeeTier
from marketplace.models.fit import Fit, FittedWorker, SecondLook
from marketplace.models.interruption import Interruption
from marketplace.models.invitation import Invitation
from marketplace.models.invoice import Invoice
from marketplace.models.job import EmptyClaim, Job, JobVersion, Participation, Requirement
from marketplace.models.labeling_function import LabelingFunction
from marketplace.models.pay_floor import Lift, PayFloor
from marketplace.models.prediction import AutoAcceptance, Prediction, PredictionCheck, Predictor
from marketplace.models.price import Band, Price
from marketplace.models.reweighing import MovedScore, Reweighing
from marketplace.models.signal import Signal, SignalLook
from marketplace.models.soft_rejection import SoftRejection
from marketplace.models.task import Slot, Task
from marketplace.models.waiting_gold import WaitingGold

__all__ = [
    "Annotation",
    "Appeal",
    "Assignment",
    "AutoAcceptance",
    "Band",
    "Bonus",
    "Breaker",
    "Certificate",
    "CertificateOrder",
    "Client",
    "ClientUserObjectPermission",
    "EmptyClaim",
    "Escalation",
    "FeeSchedule",
    "FeeTier",
    "Fit",
    "FittedWorker",
    "Heartbeat",
    "Inspection",
    "Interruption",
    "Invitation",
    "Invoice",
    "Job",
    "JobUserObjectPermission",
    "JobVersion",
    "LabelingFunction",
    "Lift",
    "Membership",
    "MovedScore",
    "Participation",
    "PayFloor",
    "Prediction",
    "PredictionCheck",
    "Predictor",
    "Price",
    "Rejection",
    "Requirement",
    "Reweighing",
    "SecondLook",
    "Signal",
    "SignalLook",
    "Slot",
    "SoftRejection",
    "Task",
    "WaitingGold",
]
