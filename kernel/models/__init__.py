"""The kernel's tables."""

from kernel.models.access import ApiKey, Challenge, Session
from kernel.models.admin_invitation import AdminInvitation
from kernel.models.admin_role import AdminRole
from kernel.models.audit import AuditCheckpoint, AuditEvent, AuditSeal, AuditSubtree
from kernel.models.email_link import EmailLink
from kernel.models.heartbeat import Heartbeat
from kernel.models.idempotency import IdempotencyRecord
from kernel.models.keys import SubjectKey
from kernel.models.media import Media, MediaAllowance
from kernel.models.outbox import OutboxMessage
from kernel.models.user import User

__all__ = [
    "AdminInvitation",
    "AdminRole",
    "ApiKey",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditSeal",
    "AuditSubtree",
    "Challenge",
    "EmailLink",
    "Heartbeat",
    "IdempotencyRecord",
    "Media",
    "MediaAllowance",
    "OutboxMessage",
    "Session",
    "SubjectKey",
    "User",
]
