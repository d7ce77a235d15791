"""Refused attempts that somebody may have meant ill: told of in the audit trail, but not as often as they are made."""

import logging
from collections.abc import Mapping
from typing import Final

from django.core.cache import cache
from django.db import models, transaction

from kernel.services.audit import Actor, record

logger = logging.getLogger(__name__)

TOLD_EVERY_SECONDS: Final = 60


def note_attempt(*, action: str, subject: models.Model, by: Actor, details: Mapping[str, object] | None = None) -> None:
    """Leave an audit event of what was refused, in a transaction of its own: the one that was refused is undone.

    At most one a minute for each action and actor, so that nobody fills the trail by trying.
    """
    if _is_first(f"attempt:{action}:{by}"):
        with transaction.atomic():
            record(action=action, subject=subject, by=by, details=details)


def _is_first(key: str) -> bool:
    try:
        return bool(cache.add(key, 1, timeout=TOLD_EVERY_SECONDS))
    except Exception as error:  # whatever the cache's client raises: what was tried is told of all the same
        logger.warning("The cache does not answer (%s), so attempts are told of each time.", type(error).__name__)
        return True
