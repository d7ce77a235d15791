"""How an API request is answered: the key, faults on order, idempotency, checks, and then the operation itself."""

import hashlib
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from billing.demo.stripe_double import parameters
from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.faults import Fault, FaultBoard, FaultKind, conflict, rate_limited, server_error
from billing.demo.stripe_double.operation import Call
from billing.demo.stripe_double.routes import find_route
from billing.demo.stripe_double.store import SavedAnswer
from billing.demo.stripe_double.world import World, new_id

LONGEST_KEY = 255
KEY_SECONDS = 24 * 60 * 60
REQUESTS_REMEMBERED = 1_000


@dataclass(frozen=True)
class Request:
    """An API request as it came over the wire."""

    method: str
    target: str
    form: str
    api_key: str
    account: str
    idempotency_key: str

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.method} {self.path}\n{self.form}".encode()).hexdigest()


@dataclass(frozen=True)
class Response:
    """What goes back: JSON, or a page that has no business here (``html``)."""

    status: int
    body: Json = field(default_factory=dict)
    html: str = ""
    replayed: bool = False


class Api:
    """Answers API requests. None as an answer means: the connection breaks."""

    def __init__(self, world: World, faults: FaultBoard) -> None:
        self._world = world
        self._faults = faults
        self._hurrying = threading.Event()
        self._keys_lock = threading.Lock()
        self._keys_in_use: set[tuple[str, str]] = set()
        self.requests: deque[Json] = deque(maxlen=REQUESTS_REMEMBERED)

    def answer(self, request: Request) -> Response | None:
        response = self._answer(request)
        self.requests.append(
            {
                "method": request.method,
                "path": request.path,
                "account": request.account,
                "idempotency_key": request.idempotency_key,
                "status": response.status if response else None,
                "replayed": response.replayed if response else False,
            }
        )
        return response

    def _answer(self, request: Request) -> Response | None:
        try:
            _check_headers(request, self._world)
            fault = self._faults.take(f"{request.method} {request.path}", now=self._world.now())
            kind = fault.kind if fault else None
            if kind in (FaultKind.DROP_BEFORE, FaultKind.DOWN):
                return None
            if kind is FaultKind.HTML_BEFORE:
                return bad_gateway()
            if kind is FaultKind.RATE_LIMITED:
                raise rate_limited()
            if kind is FaultKind.CONFLICT:
                raise conflict()
            with self._key_in_use(request):
                self._wait(fault, FaultKind.SLOW_BEFORE)
                response = self._saved_or_new(request, kind)
                self._wait(fault, FaultKind.SLOW_AFTER)
        except Refusal as refusal:
            return Response(refusal.status, refusal.body)
        if kind is FaultKind.DROP_AFTER:
            return None
        return bad_gateway() if kind is FaultKind.HTML_AFTER else response

    def hurry(self) -> None:
        """Make no request wait any longer: the double is about to stop."""
        self._hurrying.set()

    def _wait(self, fault: Fault | None, kind: FaultKind) -> None:
        if fault is not None and fault.kind is kind:
            self._hurrying.wait(fault.seconds)

    @contextmanager
    def _key_in_use(self, request: Request) -> Iterator[None]:
        """A second request under a key while the first still runs is a conflict."""
        scoped = (request.account, request.idempotency_key)
        if not request.idempotency_key:
            yield
            return
        with self._keys_lock:
            if scoped in self._keys_in_use:
                raise conflict()
            self._keys_in_use.add(scoped)
        try:
            yield
        finally:
            with self._keys_lock:
                self._keys_in_use.discard(scoped)

    def _saved_or_new(self, request: Request, fault: FaultKind | None) -> Response:
        store = self._world.store
        forgotten = self._world.now() - KEY_SECONDS
        with store.transaction():
            saved = store.answer(request.account, request.idempotency_key, saved_after=forgotten)
            if saved is None:
                return self._new(request, fault)
        if saved.fingerprint != request.fingerprint:
            raise Refusal(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try"
                f" using a key other than '{request.idempotency_key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return Response(saved.status, saved.body, replayed=True)

    def _new(self, request: Request, fault: FaultKind | None) -> Response:
        """Run the operation and save its answer, whatever it is; parameters that fail their check save nothing."""
        route, ids = find_route(request.method, request.path)
        given = parameters.check(parameters.decode(request.form), route.shape)
        expanded = given.pop("expand", [])
        if not {*expanded} <= {*route.expands}:
            possible = ", ".join(route.expands) or "no property"
            raise Refusal(f"Here this double of Stripe expands {possible}, not {', '.join(expanded)}.", param="expand")
        call = Call(request.account, request.path, ids, given)
        try:
            if fault is FaultKind.SERVER_ERROR_BEFORE:
                raise server_error()
            with self._world.store.transaction():
                response = Response(200, _with(self._world, route.run(self._world, call), expanded))
            if fault is FaultKind.SERVER_ERROR_AFTER:
                raise server_error()
        except Refusal as refusal:
            response = Response(refusal.status, refusal.body)
        if request.idempotency_key:
            answer = SavedAnswer(request.fingerprint, response.status, response.body)
            now = self._world.now()
            self._world.store.save_answer(request.account, request.idempotency_key, answer, at=now)
        return response


def _with(world: World, answered: Json, expanded: list[str]) -> Json:
    """What is answered, with these references as the objects that they refer to."""
    for name in expanded:
        *of_a_list, field_name = name.split(".")
        for row in answered["data"] if of_a_list else [answered]:
            row[field_name] = world.store.find(row[field_name] or "")
    return answered


def _check_headers(request: Request, world: World) -> None:
    if not request.api_key.startswith(("sk_test_", "rk_test_")):
        raise Refusal(
            f"Invalid API Key provided: {request.api_key[:8]}***. This double takes test keys only.", status=401
        )
    if len(request.idempotency_key) > LONGEST_KEY:
        raise Refusal(f"Idempotency keys are at most {LONGEST_KEY} characters long.")
    if request.account and world.store.find(request.account) is None:
        raise Refusal(
            f"The provided key does not have access to account '{request.account}' (or that account does not exist).",
            status=403,
            code="account_invalid",
        )


def bad_gateway() -> Response:
    return Response(502, html="<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>")


def request_id() -> str:
    return new_id("req")
