"""A claim reads a few pages, however long the queue is and however much of the job is done."""

import json
from typing import Any

import pytest
from django.db import connection

from kernel.rows import MANY
from marketplace.bench.seeding import finish_some
from marketplace.models import Assignment, Slot
from marketplace.services.allocation import claim_task
from marketplace.services.slots import WORK_LOOKED_AT, take_statement
from tests.marketplace.builders import a_worker, an_open_job, free_turns

TASKS = 6_000
MOST_PAGES = 60

pytestmark = pytest.mark.django_db


def plan_of(statement: str, values: dict[str, Any]) -> dict[str, Any]:
    """What PostgreSQL does for the statement, and with how many pages; it is done, as EXPLAIN ANALYZE does it."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF, FORMAT JSON) {statement}", values)
        (found,) = cursor.fetchone()
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


def pages_of(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.parametrize("start", [0.0, 0.37, 1.0], ids=["from the first", "from the middle", "around the end"])
@pytest.mark.parametrize(
    "how", [{}, {"unsure_first": True}, {"waits": True}], ids=["skipping", "unsure first", "waiting"]
)
def test_a_claim_finds_its_slot_by_index_with_a_third_of_the_job_done(start: float, how: dict[str, bool]) -> None:
    job = an_open_job(tasks=TASKS, overlap_min=1, overlap_max=1)
    worker = a_worker(job)
    finish_some(job, worker_ids=[worker.pk, a_worker(job).pk], share=1 / 3, waiting=0.5)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE marketplace_slot, marketplace_task, marketplace_assignment")
    free = free_turns(job)
    assert TASKS // 2 < free == TASKS - Assignment.objects.filter(job=job).count() < TASKS * 3 // 4

    where = {"job": job.pk, "lane": int(Slot.Lane.WORK), "worker": worker.pk, "start": start}
    plan = plan_of(take_statement(**how), where)

    read = [node for node in nodes(plan) if "Relation Name" in node]
    assert {node["Node Type"] for node in read} == {"Index Scan", "Index Only Scan", "ModifyTable"}
    assert "slot_queue" in {node.get("Index Name") for node in read if node["Node Type"] == "Index Scan"}
    assert max(node["Actual Rows"] for node in nodes(plan)) == 1
    assert pages_of(plan) <= MOST_PAGES
    assert free_turns(job) == free - 1


@pytest.mark.parametrize("unsure_first", [True, False], ids=["among unsure tasks", "among first turns"])
def test_a_claim_does_not_read_through_all_the_tasks_that_its_worker_had(*, unsure_first: bool) -> None:
    job = an_open_job(tasks=TASKS, overlap_min=1, overlap_max=2)
    worker = a_worker(job)
    finish_some(job, worker_ids=[worker.pk], share=1 / 2, waiting=0.5)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO marketplace_slot (job_id, task_id, lane, priority, r, ordinal)
            SELECT job_id, task_id, 0, 5, %s + random(), 2 FROM marketplace_assignment
            """,
            [int(unsure_first)],
        )
        # So that the other part of the queue is where there is something left.
        cursor.execute("UPDATE marketplace_slot SET r = r + %s WHERE ordinal = 1", [int(not unsure_first)])
        cursor.execute("ANALYZE marketplace_slot, marketplace_task, marketplace_assignment")
    where = {"job": job.pk, "worker": worker.pk, "start": 0.4}
    left = Slot.objects.filter(job=job, ordinal=1)
    had, free = Assignment.objects.filter(job=job).count(), left.count()
    assert had > TASKS // 3

    plan = plan_of(take_statement(unsure_first=unsure_first), where)

    assert max(node["Actual Rows"] for node in nodes(plan)) <= WORK_LOOKED_AT
    assert pages_of(plan) <= 10 * MOST_PAGES
    assert left.count() == free - 1


def test_a_large_launch_lets_plans_that_were_made_for_a_small_table_be_made_again() -> None:
    def known() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'marketplace_slot'::regclass")
            (rows,) = cursor.fetchone()
        return int(rows)

    small = an_open_job(tasks=8, overlap_min=1, overlap_max=1)
    worker = a_worker(small)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE marketplace_slot")
    before = known()

    large = an_open_job(tasks=MANY, overlap_min=1, overlap_max=1)

    assert before == 8
    assert known() == Slot.objects.count() == MANY + 8
    assert claim_task(worker=worker, job_id=small.pk).job_id == small.pk
    assert claim_task(worker=a_worker(large), job_id=large.pk).job_id == large.pk
