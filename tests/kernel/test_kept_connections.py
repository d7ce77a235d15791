"""Connections that wait to be used again: which are given out, and which are closed."""

import os
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kernel.destinations import origin_of
from kernel.kept_connections import MOST, KeptConnections
from tests.kernel.internet import Authority

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


def test_what_came_unasked_is_seen_where_it_was_decrypted_with_the_answer(tmp_path: Path, pair: Pair) -> None:
    authority, kept = Authority.in_folder(tmp_path), KeptConnections()
    trusting = ssl.create_default_context(cafile=authority.file)
    with ThreadPoolExecutor() as other_side:
        serving = other_side.submit(authority.context("stripe.test").wrap_socket, pair[1], server_side=True)
        ours = trusting.wrap_socket(pair[0], server_hostname="stripe.test")
        theirs = serving.result()
    with ours, theirs:
        theirs.sendall(b"an answer, and one to nobody's question")  # one record
        assert ours.recv(9) == b"an answer"

        kept.keep(STRIPE, ours)

        assert (kept.take(STRIPE), is_closed(ours)) == (None, True)


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
