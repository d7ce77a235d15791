"""Imports at the same moment as others: one file is in once, or not at all."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from io import BytesIO

import pytest

from kernel.flow import WrongState
from kernel.services.audit import Actor
from marketplace.models import Job, Slot, Task
from marketplace.services.checks import check_invariants
from marketplace.services.import_faults import InvalidImport
from marketplace.services.importing import ImportReport, import_tasks
from marketplace.services.posting import launch_job
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import a_draft, owner_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

ROWS = "\n".join(json.dumps({"item": {"text": f"Text {n}"}, "external_id": f"new-{n}"}) for n in range(500))


def import_rows(job: Job) -> ImportReport:
    return import_tasks(job_id=job.pk, stream=BytesIO(ROWS.encode()), format="jsonl", by=Actor.system("test"))


def test_of_eight_imports_of_one_file_one_is_made() -> None:  # [B053]
    job = a_draft(tasks=0)

    outcomes = at_once([partial(import_rows, job)] * 8)

    assert Counter(type(outcome) for outcome in outcomes) == {ImportReport: 1, InvalidImport: 7}
    assert Task.objects.filter(job=job).count() == 500


def test_an_import_at_the_launch_is_in_the_job_with_its_turns_and_its_money_or_is_refused() -> None:
    for _ in range(5):
        job = a_draft(tasks=1)

        calls: list[Callable[[], object]] = [
            partial(import_rows, job),
            partial(launch_job, job_id=job.pk, by=owner_of(job.client)),
        ]
        imported, launched = at_once(calls)

        assert isinstance(launched, Job)
        expected = 501 if isinstance(imported, ImportReport) else 1
        assert isinstance(imported, ImportReport | WrongState)
        assert Task.objects.filter(job=job).count() == expected
        assert Slot.objects.filter(job=job).count() == expected * job.overlap_min
    assert check_invariants() == []
