"""Connections that wait to be used again: which are given out, and which are closed."""

import os
import socket
from collections.abc import Iterator

import pytest

from kernel.destinations import origin_of
from kernel.kept_connections import MOST, KeptConnections

STRIPE = origin_of("https://api.stripe.com")
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Our end of a connection, and the other side's."""
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def is_closed(connection: socket.socket) -> bool:
    return connection.fileno() == -1


def test_a_connection_is_given_out_once(pair: Pair) -> None:
    kept = KeptConnections()

    kept.keep(STRIPE, pair[0])

    assert (kept.take(STRIPE), kept.take(STRIPE)) == (pair[0], None)


def test_one_that_the_other_side_has_ended_is_closed(pair: Pair) -> None:
    kept = KeptConnections()
    kept.keep(STRIPE, pair[0])
    pair[1].close()

    assert (kept.take(STRIPE), is_closed(pair[0])) == (None, True)


def test_one_on_which_something_came_unasked_is_closed(pair: Pair) -> None:
    kept = KeptConnections()
    kept.keep(STRIPE, pair[0])
    pair[1].sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")

    assert (kept.take(STRIPE), is_closed(pair[0])) == (None, True)


def test_one_that_has_waited_too_long_is_closed(pair: Pair) -> None:
    kept = KeptConnections(idle_seconds=0)
    kept.keep(STRIPE, pair[0])

    assert (kept.take(STRIPE), is_closed(pair[0])) == (None, True)


def test_one_to_somebody_else_is_not_given_out(pair: Pair) -> None:
    kept = KeptConnections()
    kept.keep(origin_of("https://example.org"), pair[0])

    assert kept.take(STRIPE) is None


def test_one_that_was_opened_before_a_fork_is_its_parents(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptConnections()
    kept.keep(STRIPE, pair[0])
    monkeypatch.setattr(os, "getpid", lambda: -1)

    assert kept.take(STRIPE) is None


def test_only_so_many_wait() -> None:
    kept = KeptConnections()
    pairs = [socket.socketpair() for _ in range(MOST + 1)]
    for ours, theirs in pairs:
        kept.keep(STRIPE, ours)
        theirs.close()

    assert [is_closed(ours) for ours, _ in pairs] == [False] * MOST + [True]
    kept.close()
    assert all(is_closed(ours) for ours, _ in pairs)
