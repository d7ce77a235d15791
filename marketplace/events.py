"""What the marketplace announces: facts in the past tense, ids as strings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InvitationGiven:
    """Somebody is asked to act for a client or to look after a job, and is owed the mail that tells them."""

    invitation_id: str


@dataclass(frozen=True, slots=True)
class JobFinished:
    """A job was completed or cancelled."""

    job_id: str
    state: str
