"""Many at once: threads that start together, each on a database connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

Outcome = TypeVar("Outcome")


def at_once(calls: Sequence[Callable[[], Outcome]]) -> list[Outcome | Exception]:
    """Run ``calls`` from as many threads, let go together; what each returned or raised, in their order."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Outcome]) -> Outcome | Exception:
        try:
            start.wait()
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(calls)) as threads:
        return list(threads.map(run, calls))
