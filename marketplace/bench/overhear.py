"""What Assay says to the database at a claim and at a submit, overheard from two real requests of each."""

import json
import pickle
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.test import Client

from marketplace.bench.bare_view import SCRIPTS_FILE, price_id_of
from marketplace.bench.recording import Recording, explained
from marketplace.bench.script import Script
from marketplace.bench.seeding import Scene, Signed, an_open_job, answer_of, keep_signed_in

TASKS = 20


class PairFailed(Exception):
    """A claim or a submit did not succeed; the message is the server's answer."""


def overhear(scene: Scene) -> tuple[Script, Script]:
    """The scripts of a claim and of a submit; the bare view finds them too."""
    keep_signed_in()
    (claim_one, submit_one), (claim_two, submit_two) = (_pair(scene, scene.workers[place]) for place in (0, 1))
    while [each.sql for each in claim_two.said] != [each.sql for each in claim_one.said]:
        # One claim in ten looks among unsure tasks first (ADR 0047).
        (claim_one, submit_one), (claim_two, submit_two) = (_pair(scene, scene.workers[place]) for place in (0, 1))
    claim, submit = explained(claim_one, claim_two), explained(submit_one, submit_two)
    SCRIPTS_FILE.write_bytes(pickle.dumps({"claim": claim, "submit": submit}))
    return claim, submit


def _pair(scene: Scene, worker: Signed) -> tuple[Recording, Recording]:
    job = an_open_job(scene, tasks=TASKS)
    who = {"token_sha256": sha256(worker.token.encode()).hexdigest()}
    _submit(worker, _claim(worker, job.pk))  # what a process reads only once is read by now
    claim = Recording({**who, "job_id": job.pk, "price_id": price_id_of(job.pk)})
    with claim.listening():
        claim.answer = _claim(worker, job.pk)
    submit = Recording({**who, "assignment_id": UUID(claim.answer)})
    with submit.listening():
        submit.answer = _submit(worker, claim.answer)
    return claim, submit


def _claim(worker: Signed, job_id: UUID) -> str:
    return _post("/api/v1/assignments/", worker, {"job": str(job_id)})


def _submit(worker: Signed, assignment: str) -> str:
    return _post(f"/api/v1/assignments/{assignment}/submit/", worker, {"result": answer_of("cat")})


def _post(path: str, worker: Signed, body: dict[str, Any]) -> str:
    client = Client(SERVER_NAME="localhost")
    headers = {"Authorization": f"Bearer {worker.token}"}
    answer = client.post(path, json.dumps(body), content_type="application/json", headers=headers)
    if answer.status_code not in (200, 201):
        raise PairFailed(f"POST {path}: {answer.status_code} {answer.content.decode()[:1000]}")
    found: str = answer.json()["id"]
    return found
