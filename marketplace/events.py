"""What the marketplace announces: facts in the past tense, ids as strings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobFinished:
    """A job was completed or cancelled."""

    job_id: str
    state: str
