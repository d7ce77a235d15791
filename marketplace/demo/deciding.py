"""What the demo's admin decides about whatever waits for a person: a decision for each kind of escalation there is."""

from collections.abc import Mapping
from typing import Any, Final, assert_never

from marketplace.demo.task_shape import result_of
from marketplace.models import Escalation

Kind = Escalation.Kind

HOPELESS_BELOW: Final = 0.5
"""A lower bound of the score under which the admin revokes; above, the certification is kept."""


def decision_on(kind: Escalation.Kind, matter: Any, *, truth: Mapping[str, int]) -> dict[str, object]:
    """What the API is told of an escalation whose ``matter`` it has shown; ``truth`` is what each picture shows.

    A kind that is missing here is found when types are checked, not in the middle of a demo.
    """
    match kind:
        case Kind.NO_CONSENSUS | Kind.INSPECTION:
            said: dict[str, object] = {"result": _read(matter, truth), "note": "Read again by an expert."}
        case Kind.DECERTIFICATION:
            said = _on_score(matter)
        case Kind.GOLD_REVIEW:
            said = _on_gold(matter, truth)
        case Kind.APPEAL:
            said = _on_appeal(matter, truth)
        case Kind.REJECTION_BREAKER:
            said = _on_rejections(matter)
        case Kind.SIGNAL:
            said = {"decision": "dismiss", "note": "Looked into: people differ."}
        case Kind.FAILED_PAYOUT | Kind.DISPUTE | Kind.PAY_FLOOR | Kind.AUTOMATION_STOPPED | Kind.RECALL_UNPAID:
            said = {"decision": "noted", "note": "Looked into."}
        case _:
            assert_never(kind)
    return said


def _read(matter: Any, truth: Mapping[str, int]) -> list[dict[str, object]]:
    return result_of(truth[matter["item"]["image"]])


def _on_score(matter: Any) -> dict[str, object]:
    if matter["score"]["lower_bound"] < HOPELESS_BELOW:
        return {"decision": "revoke", "note": "Too many known answers were missed."}
    return {"decision": "keep", "note": "A few misses on hard pictures; the certification stands."}


def _on_gold(matter: Any, truth: Mapping[str, int]) -> dict[str, object]:
    if matter["result"] == _read(matter, truth):
        return {"decision": "keep", "note": "Read again by an expert: hard to read, and right."}
    return {"decision": "recall", "note": "Read again by an expert: what was held to be right is not."}


def _on_appeal(matter: Any, truth: Mapping[str, int]) -> dict[str, object]:
    if matter["answer"] == _read(matter, truth):
        return {"decision": "reverse", "note": "Read again by an expert: the answer is right."}
    return {"decision": "uphold", "note": "Read again by an expert: the picture shows another digit."}


def _on_rejections(matter: Any) -> dict[str, object]:
    if any(rejection["contradicts"] for rejection in matter["rejections"]):
        return {"decision": "reverse", "note": "Answers were rejected that are right."}
    return {"decision": "reset", "note": "They were many, and none of them was right."}
