"""The load: workers who claim and submit without pause, each over one connection that stays open.

A program of its own on the standard library alone: it reads what to do as JSON from standard input and writes what it
saw as JSON. Plain sockets and a minimum of parsing keep its share of the machine small; the share is reported.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field


@dataclass
class Order:
    """What to do: claim in ``job`` and submit ``result``, at ``prefix``, until the time or the pairs are used up.

    The first ``warm_seconds`` do not count. ``most_pairs`` keeps a small job from running dry.
    """

    host: str
    port: int
    prefix: str
    job: str
    tokens: list[str]
    result: list[object]
    warm_seconds: float
    seconds: float
    most_pairs: int


@dataclass
class Sight:
    """What was seen: latencies in milliseconds of what counted, how long that took, and all pairs, counted or not."""

    claims_ms: list[float] = field(default_factory=list)
    submits_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    pairs: int = 0
    failures: list[str] = field(default_factory=list)


class Refused(Exception):
    """The server answered with something else than success."""


class Worker:
    """One worker at one connection."""

    def __init__(self, order: Order, token: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._head = (
            f"Host: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json\r\nContent-Length: "
        )
        self._prefix = order.prefix
        self._claim = json.dumps({"job": order.job})
        self._submit = json.dumps({"result": order.result})

    async def claim(self) -> str:
        """The id of a new assignment."""
        answer = await self._post(self._prefix, self._claim)
        assignment: str = json.loads(answer)["id"]
        return assignment

    async def submit(self, assignment: str) -> None:
        """Answer it."""
        await self._post(f"{self._prefix}{assignment}/submit/", self._submit)

    async def _post(self, path: str, body: str) -> bytes:
        self._writer.write(f"POST {path} HTTP/1.1\r\n{self._head}{len(body)}\r\n\r\n{body}".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        answer = await self._reader.readexactly(length)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            raise Refused(f"POST {path}: {head[:20]!r} {answer[:500]!r}")
        return answer


class Window:
    """The workers' common stretch of time."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._sight = Sight()

    async def measure(self) -> Sight:
        """Let all workers work; what was seen once it was warm."""
        order = self._order
        workers = [
            Worker(order, token, *await asyncio.open_connection(order.host, order.port)) for token in order.tokens
        ]
        self._begins = time.perf_counter() + order.warm_seconds
        self._ends = self._begins + order.seconds
        ended = await asyncio.gather(*(self._work(worker) for worker in workers), return_exceptions=True)
        self._sight.seconds = min(time.perf_counter(), self._ends) - self._begins
        self._sight.cpu_seconds = time.process_time()
        self._sight.failures += [f"{type(error).__name__}: {error}" for error in ended if error is not None]
        return self._sight

    async def _work(self, worker: Worker) -> None:
        while time.perf_counter() < self._ends and self._sight.pairs < self._order.most_pairs:
            self._sight.pairs += 1
            began = time.perf_counter()
            assignment = await worker.claim()
            claimed = time.perf_counter()
            await worker.submit(assignment)
            submitted = time.perf_counter()
            if self._begins <= submitted <= self._ends:
                self._sight.claims_ms.append(1000 * (claimed - began))
                self._sight.submits_ms.append(1000 * (submitted - claimed))


def main() -> None:
    """Do what standard input says."""
    order = Order(**json.load(sys.stdin))
    json.dump(asdict(asyncio.run(Window(order).measure())), sys.stdout)


if __name__ == "__main__":
    main()
