"""A creating request that is sent again has one effect and one answer.

The key's row and the effect commit in one transaction. A second request with the same key waits on the unique index for
the first to end, and then finds its answer, or, when the first was refused or broke, takes the key itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from kernel import clock
from kernel.errors import Refused
from kernel.models import IdempotencyRecord

KEPT_FOR: Final = timedelta(days=7)


class IdempotencyKeyReused(Refused):
    """This Idempotency-Key was used for another request: another address or another body."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered: an HTTP status and a JSON body."""

    status: int
    body: object
    replayed: bool = False


def answer_once(
    *,
    user_id: UUID,
    key: str,
    path: str,
    body_sha256: str,
    effect: Callable[[], Answer],
    kept: Callable[[object], object] = lambda body: body,
) -> Answer:
    """Run ``effect`` and keep its answer under ``key``, or give the answer that is kept there already.

    An effect that raises, or answers 400 or more, is undone and leaves nothing kept: it may be tried again with the
    same key. A Refused that ``keeps_facts`` commits what was written before it, and keeps no answer either. ``kept``
    takes out of the body what must not be stored, such as a secret shown once. Raises IdempotencyKeyReused.
    """
    refusal: Refused | None = None
    body_hmac = _hmac_of(user_id, path, body_sha256)
    with transaction.atomic():
        record_id = _take_key(user_id=user_id, key=key, path=path, body_hmac=body_hmac)
        if record_id is None:
            return _kept_answer(user_id=user_id, key=key, path=path, body_hmac=body_hmac)
        mine = IdempotencyRecord.objects.filter(pk=record_id)
        try:
            answer = effect()
        except Refused as error:
            if not error.keeps_facts:
                raise
            refusal = error
            mine.delete()
        else:
            if answer.status >= 400:
                transaction.set_rollback(True)
                return answer
            mine.update(status=answer.status, answer={"body": kept(answer.body)})
    if refusal is not None:
        raise refusal
    return answer


def forget_old_answers() -> int:
    """Delete answers older than ``KEPT_FOR``; how many there were."""
    deleted, _ = IdempotencyRecord.objects.filter(created_at__lt=clock.now() - KEPT_FOR).delete()
    return deleted


def _hmac_of(user_id: UUID, path: str, body_sha256: str) -> str:
    """What is kept of a body: a bare hash would let whoever reads the row try what a short body said."""
    sent = f"{user_id} {path} {body_sha256}"
    return salted_hmac("kernel.idempotency", sent, algorithm="sha256").hexdigest()


def _take_key(*, user_id: UUID, key: str, path: str, body_hmac: str) -> int | None:
    # The insert waits while another transaction holds the same key, and returns nothing once that one has committed.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_idempotencyrecord (user_id, key, path, body_hmac, status, answer, created_at)"
            " VALUES (%s, %s, %s, %s, 0, '{}', %s) ON CONFLICT (user_id, key) DO NOTHING RETURNING id",
            [user_id, key, path, body_hmac, clock.now()],
        )
        row: tuple[int] | None = cursor.fetchone()
    return row[0] if row else None


def _kept_answer(*, user_id: UUID, key: str, path: str, body_hmac: str) -> Answer:
    record = IdempotencyRecord.objects.get(user_id=user_id, key=key)
    if (record.path, record.body_hmac) != (path, body_hmac):
        raise IdempotencyKeyReused(
            f"The Idempotency-Key {key} was used for {record.path} with another body or address. "
            "Send the same request again, or take a new key."
        )
    return Answer(status=record.status, body=record.answer["body"], replayed=True)
