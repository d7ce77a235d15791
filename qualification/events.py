"""What qualification announces: facts in the past tense, ids as strings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CertificationGranted:
    """A worker may work with a skill from now on."""

    certification_id: str
    worker_id: str
    skill_id: str


@dataclass(frozen=True, slots=True)
class CertificationExpired:
    """A worker's certification ran out, and no newer one has taken its place."""

    certification_id: str
    worker_id: str
    skill_id: str


@dataclass(frozen=True, slots=True)
class CertificationRevoked:
    """An admin took a worker's certification away."""

    certification_id: str
    worker_id: str
    skill_id: str


@dataclass(frozen=True, slots=True)
class ScoreFellBelowFloor:
    """The lower bound of a worker's score fell below the floor of some job. ``subject`` names the answer that did it.

    Announced once for each fall below each floor; again only after the bound has risen to that floor in between.
    """

    worker_id: str
    skill_id: str
    lower_bound: float
    floor: float
    subject: str
