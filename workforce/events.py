"""What workforce tells the apps above it, in the past tense."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApplicationSubmitted:
    """A person asked to work here; an admin is to decide."""

    application_id: str


@dataclass(frozen=True, slots=True)
class ApplicationDeclined:
    """An admin declined an application."""

    application_id: str


@dataclass(frozen=True, slots=True)
class WorkerApproved:
    """An admin approved an application: there is a new, active worker."""

    worker_id: str


@dataclass(frozen=True, slots=True)
class WorkerPaused:
    """A worker may claim nothing new until ``until`` (ISO 8601); what they hold they may finish."""

    worker_id: str
    until: str


@dataclass(frozen=True, slots=True)
class WorkerResumed:
    """A pause ended, by time or by a person."""

    worker_id: str


@dataclass(frozen=True, slots=True)
class WorkerSuspended:
    """A person ended a worker's work. What they earned stays theirs."""

    worker_id: str


@dataclass(frozen=True, slots=True)
class WorkerReinstated:
    """A person lifted a suspension."""

    worker_id: str


@dataclass(frozen=True, slots=True)
class WorkerOffboarded:
    """A worker has left for good. What they earned stays theirs."""

    worker_id: str
