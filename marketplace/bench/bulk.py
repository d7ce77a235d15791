"""What is done to many at once: paying answers, importing tasks over HTTP, downloading results over HTTP."""

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from kernel import clock
from marketplace.bench.processes import children, forget_peak, memory_mb
from marketplace.bench.seeding import Scene, a_draft, an_open_job, finish_some, keep_signed_in
from marketplace.bench.windows import Place, WindowFailed
from marketplace.models import Assignment
from marketplace.services.settlement import REVIEW_CLOCK, SETTLED_TOGETHER, settle_all

SECONDS_TO_ANSWER: Final = 600
CHUNK_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class Settlement:
    """How long it took to accept and pay so many answers, as the sweep does it."""

    answers: int
    seconds: float

    @property
    def answers_a_second(self) -> float:
        """The rate."""
        return self.answers / self.seconds


@dataclass(frozen=True)
class Import:
    """How long so many tasks took from the first byte sent to the answer."""

    tasks: int
    megabytes: float
    seconds: float

    @property
    def tasks_a_second(self) -> float:
        """The rate."""
        return self.tasks / self.seconds


@dataclass(frozen=True)
class Download:
    """What a download of so many tasks' results took; ``grown_mb`` is the peak above the memory before, at most."""

    tasks: int
    megabytes: float
    seconds: float
    grown_mb: float

    @property
    def tasks_a_second(self) -> float:
        """The rate."""
        return self.tasks / self.seconds


def measure_settlement(*, answers: int) -> Settlement:
    """Accept and pay answers that claims and submits have left, a batch at a time as the sweep does."""
    due = Assignment.objects.filter(state=Assignment.State.SUBMITTED, review_due_at__lte=clock.now())
    rows = list(due.order_by("job_id", "review_due_at").values_list("job_id", "pk")[:answers])
    began = time.perf_counter()
    settled = 0
    for _, of_one_job in groupby(rows, key=lambda row: row[0]):
        ids = [pk for _, pk in of_one_job]
        for start in range(0, len(ids), SETTLED_TOGETHER):
            settled += settle_all(ids=ids[start : start + SETTLED_TOGETHER], by=REVIEW_CLOCK, due_at=clock.now())
    return Settlement(settled, time.perf_counter() - began)


def measure_import(place: Place, scene: Scene, *, tasks: int) -> Import:
    """Upload JSON Lines into a draft. Raises WindowFailed."""
    keep_signed_in()
    job = a_draft(scene)
    lines = "".join(
        json.dumps({"external_id": f"text-{n}", "item": {"text": f"It meows {n} times a day."}}) + "\n"
        for n in range(tasks)
    )
    body = lines.encode()
    began = time.perf_counter()
    status, answer = _exchange(place, scene, "POST", f"/api/v1/jobs/{job.pk}/tasks/", body)
    seconds = time.perf_counter() - began
    content = b"".join(answer)
    if status != http.HTTPStatus.CREATED or json.loads(content)["tasks"] != tasks:
        raise WindowFailed(f"The import answered {status}: {content.decode()[:1000]}")
    return Import(tasks, len(body) / 1e6, seconds)


def a_finished_job(scene: Scene, *, tasks: int) -> UUID:
    """A job with every task answered, resolved and accepted."""
    job = an_open_job(scene, tasks=tasks)
    finish_some(job, worker_ids=scene.worker_ids, share=1.1)
    return job.pk


def measure_download(place: Place, scene: Scene, *, job_id: UUID, tasks: int) -> Download:
    """Download the results, and watch the web server's memory meanwhile. Raises WindowFailed."""
    keep_signed_in()
    servers = children(place.web_pid)
    before = {}
    for pid in servers:
        forget_peak(pid)
        before[pid] = memory_mb(pid)
    began = time.perf_counter()
    status, pieces = _exchange(place, scene, "GET", f"/api/v1/jobs/{job_id}/results/")
    lines = size = 0
    for piece in pieces:
        lines += piece.count(b"\n")
        size += len(piece)
    seconds = time.perf_counter() - began
    if status != http.HTTPStatus.OK or lines != tasks:
        raise WindowFailed(f"The download answered {status} with {lines} lines for {tasks} tasks; see the web log.")
    grown = max(memory_mb(pid, peak=True) - before[pid] for pid in servers)
    return Download(tasks, size / 1e6, seconds, grown)


def _exchange(
    place: Place, scene: Scene, method: str, path: str, body: bytes | None = None
) -> tuple[int, Iterator[bytes]]:
    address = urlsplit(place.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=SECONDS_TO_ANSWER)
    headers = {"Authorization": f"Bearer {scene.owner_token}", "Host": "localhost"}
    if body is not None:
        headers["Content-Type"] = "application/x-ndjson"
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    return response.status, iter(lambda: response.read(CHUNK_BYTES), b"")
