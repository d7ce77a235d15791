"""Gold that is doubted: asked no more until a person has kept or recalled it."""

from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.services.audit import Actor, record
from qualification.services.gold import lock_question


@transaction.atomic
def doubt(*, gold_question_id: UUID, why: str, by: Actor) -> bool:
    """Ask a question no more until a person has decided; whether it was neither doubted nor retired before."""
    question = lock_question(gold_question_id)
    if question.doubted_at is not None or question.retired_at is not None:
        return False
    question.doubted_at = clock.now()
    question.save(update_fields=["doubted_at"])
    record(action="gold.doubted", subject=question, by=by, why=why)
    return True


@transaction.atomic
def keep(*, gold_question_id: UUID, why: str, by: Actor) -> None:
    """Let a doubted question be asked again; what was answered until now is no reason to doubt it once more."""
    question = lock_question(gold_question_id)
    question.doubted_at, question.kept_at = None, clock.now()
    question.save(update_fields=["doubted_at", "kept_at"])
    record(action="gold.kept", subject=question, by=by, why=why)
