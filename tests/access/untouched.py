"""What every table of ours holds, as one short text each: equal before and after what must change nothing."""

from typing import Final

from django.db import connection

from tests.architecture.project import own_models

NOTED_BY_EVERY_REQUEST: Final = {"Session", "ApiKey", "Heartbeat", "EmptyClaim"}
"""When they were last seen, used or found nothing is written down for whoever asks, also when they are refused."""


def contents(*, besides: str = "") -> dict[str, str]:
    """By table, a digest of all its rows; empty for an empty one. The model ``besides`` is left out."""
    left_out = {*NOTED_BY_EVERY_REQUEST, besides}
    tables = [model._meta.db_table for model in own_models() if model.__name__ not in left_out]
    digest = "(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(map(digest.format, tables))}")
        return dict(zip(tables, (found or "" for found in cursor.fetchone()), strict=True))
