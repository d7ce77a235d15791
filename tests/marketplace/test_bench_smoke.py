"""The benchmark measures what it says: the bare view says the same to the database as Assay, and the command runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import RequestFactory

from marketplace.bench import bare_view
from marketplace.bench.beside import Compared, compare
from marketplace.bench.goals import Goal
from marketplace.bench.overhear import overhear
from marketplace.bench.pgbench import Program, run_pgbench
from marketplace.bench.recording import Recording
from marketplace.bench.script import Script
from marketplace.bench.seeding import Scene, Signed, an_open_job, set_scene
from marketplace.models import Assignment, Job, Task

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.untrue("money comes from settled fundings", "states rebuild from entries alone"),
]


@pytest.fixture
def scene() -> Scene:
    return set_scene(workers=2, tell=lambda sentence: None)


@pytest.fixture
def scripts(scene: Scene) -> tuple[Script, Script]:
    bare_view.scripts.cache_clear()
    return overhear(scene)


def bare_claim(worker: Signed, job: Job) -> tuple[str, list[str]]:
    """A claim through the bare view: the assignment's id, and what was said to the database."""
    request = RequestFactory().post(
        "/", {"job": str(job.pk)}, "application/json", headers={"Authorization": f"Bearer {worker.token}"}
    )
    heard = Recording({})
    with heard.listening():
        answer = bare_view.claim(request)
    return json.loads(answer.content)["id"], [said.sql for said in heard.said]


def bare_submit(worker: Signed, assignment: str) -> list[str]:
    request = RequestFactory().post(
        "/", {"result": []}, "application/json", headers={"Authorization": f"Bearer {worker.token}"}
    )
    heard = Recording({})
    with heard.listening():
        bare_view.submit(request, UUID(assignment))
    return [said.sql for said in heard.said]


def test_the_bare_view_says_what_assay_says_and_does_what_assay_does(
    scene: Scene, scripts: tuple[Script, Script]
) -> None:
    claim, submit = scripts
    job = an_open_job(scene, tasks=3)
    worker = scene.workers[1]
    bare_view.price_id_of(job.pk)  # each process reads it once

    assignment, said_at_claim = bare_claim(worker, job)
    said_at_submit = bare_submit(worker, assignment)

    assert said_at_claim == [statement.sql for statement in claim.statements]
    assert said_at_submit == [statement.sql for statement in submit.statements]
    turn = Assignment.objects.select_related("task", "annotation").get(pk=assignment)
    assert (turn.job_id, turn.worker_id, turn.state) == (job.pk, worker.worker_id, "submitted")
    assert (turn.task.state, turn.annotation.answer_key) == ("resolved", '{"animal":["cat"]}')


def test_pgbench_says_it_too(scene: Scene, scripts: tuple[Script, Script], tmp_path: Path) -> None:
    job = an_open_job(scene, tasks=12)
    program = Program(*scripts, tokens=[worker.token for worker in scene.workers], job_id=job.pk)

    outcome = run_pgbench(program, pairs=8, folder=tmp_path)

    assert outcome.pairs == 8
    assert outcome.pairs_a_second > 0
    assert Task.objects.filter(job=job, state="resolved").count() == 8
    assert {turn.state for turn in Assignment.objects.filter(job=job)} == {"submitted"}


def a_round(rate: float, cpu_ms: float) -> dict[str, object]:
    """Figures of one round, as `bench --json` writes them."""
    kind = {"tasks": 1000, "done_share": 0.0, "workers": 8}
    assay = {"system": "assay", "pairs_a_second": rate, "web_cpu_ms": cpu_ms - 1, "database_cpu_ms": 1}
    return {"windows": [kind | assay, kind | assay | {"system": "bare view", "pairs_a_second": 999.0}]}


def test_another_checkout_is_compared_with_round_by_round() -> None:
    ours, theirs = (
        [a_round(80, 8), a_round(45, 6), a_round(90, 12)],
        [a_round(100, 10), a_round(50, 5), a_round(90, 10)],
    )

    assert compare(ours, theirs) == [
        Compared(tasks=1000, done_share=0.0, workers=8, our_rate=80, their_rate=90, rate_ratio=0.9, cpu_ratio=1.2)
    ]


def test_a_folder_that_is_no_checkout_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not a checkout of Assay that has a benchmark"):
        call_command("bench", "--beside", str(tmp_path))


@pytest.mark.slow
def test_the_command_measures_on_an_installation_of_its_own_and_leaves_nothing(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    options = "--sizes 400 --workers 1,2 --seconds 0.5 --rounds 1 --bulk 500"

    ended = subprocess.run(
        [sys.executable, "manage.py", "bench", *options.split(), "--json", str(figures)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "ASSAY_VAR": str(tmp_path / "var"), "DJANGO_SETTINGS_MODULE": "marketplace.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert {(window["workers"], window["done_share"] > 0, window["system"]) for window in found["windows"]} == {
        (workers, is_done, system)
        for workers in (1, 2)
        for is_done in (False, True)
        for system in ("assay", "bare view", "pgbench")
    }
    assert all(window["pairs_a_second"] > 0 for window in found["windows"])
    assert (found["import"]["tasks"], found["download"]["tasks"]) == (500, 500)
    assert [set(goal) for goal in found["goals"]] == [set(Goal.__dataclass_fields__)] * 8
    assert "Goals" in ended.stdout
    assert list((tmp_path / "var").glob("bench-*")) == []
