"""The one way out: requests to other people's servers, by a checked address, within limits, and never by a redirect.

Nothing else may import an HTTP client; ruff and import-linter hold that (ADR 0014). A name is looked up once, every
answer is checked, and the connection is made to an address that was checked: what the name means a moment later does
not matter. The certificate is checked against the name. No cookies, proxies or compression; one request a connection,
unless a way out is given a place where connections are kept.
"""

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connections
from django.http.request import validate_host
from django.utils.datastructures import CaseInsensitiveMapping

from kernel.destinations import Destination, Origin, Unreadable, destination_of, is_public
from kernel.errors import Refused
from kernel.kept_connections import KeptConnections

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_ADDRESSES_TRIED: Final = 4
NAMES_INSIDE: Final = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa")
WRAPPING_BYTES: Final = 64 * 1024  # what chunks may add to a body besides as much again

_Check = Callable[[int, Mapping[str, str]], None]


class OutboundRefused(Refused):
    """What was asked of another server did not come about. One of the three below says why."""

    code: ClassVar[str] = "outbound_refused"


class AddressRefused(OutboundRefused):
    """The address is none that is asked: unreadable, of another scheme or port, or not on the public internet."""

    code = "address_refused"


class NoAnswer(OutboundRefused):
    """The other server could not be reached, could not be trusted, or did not answer in time."""

    code = "no_answer"


class AnswerRefused(OutboundRefused):
    """The other server's answer is not taken: a redirect, an error, too large, or of another type."""

    code = "answer_refused"


@dataclass(frozen=True)
class Limits:
    """How long, and how much. ``body_bytes`` bounds the body, ``header_bytes`` all that stands before it."""

    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    total_seconds: float = 30.0
    header_bytes: int = 32 * 1024
    body_bytes: int = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What another server answered; ``media_type`` is its Content-Type in lower case, without parameters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """What it says that the body is."""
        return _media_type(self.headers)


@dataclass(frozen=True)
class _Question:
    """What is sent, and to whom."""

    method: str
    destination: Destination
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Network(Protocol):
    """The two things that are asked of a network. Tests bring one of their own, with real servers."""

    def resolve(self, host: str, port: int) -> list[str]:
        """Every IP address that the name has now. Raises OSError."""

    def connect(self, address: str, port: int, *, timeout_seconds: float) -> socket.socket:
        """A connection to exactly this IP address. Raises OSError."""


class Internet:
    """The network that this machine is on."""

    def resolve(self, host: str, port: int) -> list[str]:
        """Every IP address that the system's resolver gives."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        return list(dict.fromkeys(str(address[4][0]) for address in found))

    def connect(self, address: str, port: int, *, timeout_seconds: float) -> socket.socket:
        """A TCP connection."""
        return socket.create_connection((address, port), timeout=timeout_seconds)


@dataclass(frozen=True)
class Outbound:
    """A way out. Without more it leads to any public host by https on its own port, and nowhere else.

    ``internal`` are origins that may also be reached by http, on other ports and inside; ``only``, if given, are all
    that may be reached. ``own_hosts`` (patterns as of ALLOWED_HOSTS) are ours and not asked. ``authorities`` is a file
    of certificates to trust instead of the system's. Connections that are ``kept`` are used again; a request whose
    connection breaks has no answer then as ever, and is not sent again: whoever asks knows whether it may be.
    """

    internal: frozenset[Origin] = frozenset()
    only: frozenset[Origin] | None = None
    own_hosts: tuple[str, ...] = ()
    authorities: Path | None = None
    network: Network = field(default_factory=Internet)
    kept: KeptConnections | None = None

    def fetch(self, *, url: str, media_types: Collection[str], limits: Limits = Limits()) -> Answer:
        """GET what is at the URL: a 200 with a body of one of these media types. Raises OutboundRefused."""

        def check(status: int, headers: Mapping[str, str]) -> None:
            if 300 <= status < 400:
                raise AnswerRefused("The other server redirects, which is not followed. Give the final address.")
            if status != http.HTTPStatus.OK:
                raise AnswerRefused(f"The other server answered with status {status} instead of the file.")
            if _media_type(headers) not in media_types:
                raise AnswerRefused(f"The other server did not send one of: {', '.join(sorted(media_types))}.")

        return self._exchange(_Question("GET", self.check(url)), limits, check)

    def ask(
        self,
        *,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limits: Limits = Limits(),
    ) -> Answer:
        """Send one request and take whatever is answered, a redirect as it stands. Raises OutboundRefused."""
        question = _Question(method, self.check(url), headers or {}, body)
        return self._exchange(question, limits, lambda status, headers: None)

    def check(self, url: str) -> Destination:
        """Where the URL leads, if it may be asked at all; no name is looked up. Raises AddressRefused."""
        try:
            destination = destination_of(url)
        except Unreadable as fault:
            raise AddressRefused(fault.message) from None
        origin = destination.origin
        if self.only is not None and origin not in self.only:
            raise AddressRefused(f"{origin} is not among what is asked from here.")
        if origin in self.internal:
            return destination
        if (origin.scheme, origin.port) != ("https", 443):
            raise AddressRefused("Only https:// on its own port is asked.")
        if _is_inside(origin):
            raise AddressRefused("This host is not on the public internet.")
        if validate_host(origin.host, [pattern for pattern in self.own_hosts if pattern != "*"]):
            raise AddressRefused("This is our own address; it is not asked from here.")
        return destination

    def _exchange(self, question: _Question, limits: Limits, check: _Check) -> Answer:
        assert not transaction_is_open(), "Nobody is asked inside a transaction: a rollback could not take it back."
        deadline = _Deadline(limits.total_seconds)
        try:
            return self._exchanged(question, limits, deadline, check)
        except TimeoutError as fault:
            raise NoAnswer("The other server did not answer in time.") from fault
        except ssl.SSLCertVerificationError as fault:
            raise NoAnswer(f"The other server's certificate is not trusted: {fault.verify_message}.") from fault
        except OSError as fault:
            raise NoAnswer("The other server could not be reached, or broke the connection.") from fault
        except http.client.HTTPException as fault:
            raise AnswerRefused("The other server's answer is no whole answer of HTTP.") from fault

    def _exchanged(self, question: _Question, limits: Limits, deadline: "_Deadline", check: _Check) -> Answer:
        origin = question.destination.origin
        connection = self.kept.take(origin) if self.kept else None
        connection = connection or self._connected(origin, limits, deadline)
        goes_on = False
        try:
            speech = "keep-alive" if self.kept else "close"
            answer, goes_on = _spoken(_Line(connection, limits, deadline), question, limits, check, speech)
            return answer
        finally:
            if self.kept and goes_on:
                self.kept.keep(origin, connection)
            else:
                connection.close()

    def _connected(self, origin: Origin, limits: Limits, deadline: "_Deadline") -> socket.socket:
        """A connection to an address that was checked; with https, to one that has proved the name."""
        addresses = self._addresses(origin, deadline)
        for number, address in enumerate(addresses, start=1):
            try:
                seconds = deadline.left(limits.connect_seconds)
                plain = self.network.connect(address, origin.port, timeout_seconds=seconds)
                break
            except OSError:
                if number == len(addresses):
                    raise
        if origin.scheme == "http":
            return plain
        try:
            plain.settimeout(deadline.left(limits.connect_seconds))
            return _trusting(self.authorities).wrap_socket(plain, server_hostname=origin.host)
        except BaseException:
            plain.close()
            raise

    def _addresses(self, origin: Origin, deadline: "_Deadline") -> list[str]:
        """What the origin's name means now. One address inside refuses them all: who mixes them is up to no good."""
        if origin.literal is not None:
            return [origin.literal]
        addresses = _in_time(lambda: self.network.resolve(origin.host, origin.port), deadline)
        if not addresses:
            raise OSError("The name has no address.")
        if origin not in self.internal and not all(is_public(address) for address in addresses):
            raise AddressRefused("This host is not on the public internet.")
        return addresses[:MOST_ADDRESSES_TRIED]


def outbound() -> Outbound:
    """The way out that the settings give: the public internet, and what ASSAY_EGRESS_ALLOW names."""
    content_host = urlsplit(settings.CONTENT_ORIGIN).hostname or ""
    return Outbound(internal=settings.EGRESS_ALLOW, own_hosts=(*settings.ALLOWED_HOSTS, content_host))


def transaction_is_open() -> bool:
    """Whether this thread is inside a transaction; Django's TestCase marks the one that it wraps around each test."""
    blocks = (block for connection in connections.all(initialized_only=True) for block in connection.atomic_blocks)
    return any(not getattr(block, "_from_testcase", False) for block in blocks)


def _is_inside(origin: Origin) -> bool:
    """Whether that is told without asking anybody: by the address, or by a name that the internet does not know."""
    if origin.literal is not None:
        return not is_public(origin.literal)
    return "." not in origin.host or origin.host.endswith(NAMES_INSIDE)


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


@lru_cache(maxsize=4)
def _trusting(authorities: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authorities)
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Deadline:
    """The moment at which everything about one request must be over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, at_most: float = float("inf")) -> float:
        """Seconds that the next step may take. Raises TimeoutError when there are none."""
        seconds = min(at_most, self._end - time.monotonic())
        if seconds <= 0:
            raise TimeoutError
        return seconds


def _in_time(resolve: Callable[[], list[str]], deadline: _Deadline) -> list[str]:
    """What the resolver says, unless it takes too long: it knows no time-out, so it is left behind in its thread."""
    said: list[list[str]] = []
    fault: list[Exception] = []

    def look_up() -> None:
        try:
            said.append(resolve())
        except (OSError, UnicodeError) as error:
            fault.append(error)

    thread = threading.Thread(target=look_up, name="resolver", daemon=True)
    thread.start()
    thread.join(deadline.left())
    if fault:
        raise OSError("The name cannot be looked up.") from fault[0]
    if not said:
        raise TimeoutError
    return said[0]


class _Wire(io.RawIOBase):
    """What comes in: each read waits so long and no longer, and all together are no more than ``allowance`` bytes."""

    def __init__(self, connection: socket.socket, limits: Limits, deadline: _Deadline) -> None:
        self.allowance = limits.header_bytes
        self._connection, self._limits, self._deadline = connection, limits, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if self.allowance <= 0:
            raise AnswerRefused("The other server's answer is too large.")
        self._connection.settimeout(self._deadline.left(self._limits.read_seconds))
        count = self._connection.recv_into(memoryview(buffer)[: self.allowance])
        self.allowance -= count
        return count


class _Line:
    """A connected socket, as far as http.client needs one. Closing it is left to whoever opened it."""

    def __init__(self, connection: socket.socket, limits: Limits, deadline: _Deadline) -> None:
        self.wire = _Wire(connection, limits, deadline)
        self._connection, self._deadline = connection, deadline

    def sendall(self, sent: bytes) -> None:
        self._connection.settimeout(self._deadline.left())
        self._connection.sendall(sent)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self.wire)

    def close(self) -> None:
        pass


def _spoken(line: _Line, question: _Question, limits: Limits, check: _Check, connection: str) -> tuple[Answer, bool]:
    """One request and its answer, checked before its body is read; and whether another may follow it."""
    destination = question.destination
    speaker = http.client.HTTPConnection(destination.origin.host, destination.origin.port)
    speaker.auto_open = 0
    speaker.sock = line
    own = {"Host": destination.origin.authority, "Connection": connection, "Accept-Encoding": "identity"}
    headers = {"User-Agent": "Assay", **question.headers, **own}
    speaker.request(question.method, destination.target, body=question.body or None, headers=headers)
    answer = speaker.getresponse()
    said = CaseInsensitiveMapping(dict(answer.headers.items()))
    check(answer.status, said)
    if said.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise AnswerRefused("The other server compressed its answer, although it was asked not to.")
    if (answer.length or 0) > limits.body_bytes:
        raise AnswerRefused("The other server's answer is too large.")
    line.wire.allowance = 2 * limits.body_bytes + WRAPPING_BYTES
    content = answer.read(limits.body_bytes + 1)
    if len(content) > limits.body_bytes:
        raise AnswerRefused("The other server's answer is too large.")
    if answer.length:
        raise http.client.IncompleteRead(content, answer.length)
    return Answer(status=answer.status, headers=said, body=content), answer.isclosed() and not answer.will_close
