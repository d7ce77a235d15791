"""The embedded broker: messages outlive its death, and it is shared and stopped like the database."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kombu import Connection

from kernel.embedded.broker import SOCKET, EmbeddedBroker
from kernel.embedded.lifecycle import process_lives

MakeBroker = Callable[[], EmbeddedBroker]


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[MakeBroker]:
    """Makes brokers over one folder, and stops them at the end."""
    made = []

    def make() -> EmbeddedBroker:
        made.append(EmbeddedBroker(folder=tmp_path / "broker", log=tmp_path / "broker.log"))
        return made[-1]

    yield make
    for broker in reversed(made):
        broker.release()


def put(broker: EmbeddedBroker, *messages: str) -> None:
    """Send messages as Celery does, through kombu."""
    with Connection(broker.url()) as connection, connection.SimpleQueue("letters") as queue:
        for message in messages:
            queue.put(message)


def take(broker: EmbeddedBroker, count: int) -> list[str]:
    """Receive and acknowledge messages."""
    taken = []
    with Connection(broker.url()) as connection, connection.SimpleQueue("letters") as queue:
        for _ in range(count):
            message = queue.get(timeout=10)
            taken.append(message.payload)
            message.ack()
    return taken


def kill(broker: EmbeddedBroker) -> int:
    """End the server as hard as a crash would."""
    pid = broker.process_id()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    if broker.child is not None:
        broker.child.wait()
    return pid


def test_it_carries_messages_and_leaves_nothing_running(make_broker: MakeBroker) -> None:
    broker = make_broker()
    broker.ensure_running()
    pid = broker.process_id()
    assert pid is not None

    put(broker, "first", "second")

    assert take(broker, 2) == ["first", "second"]
    broker.release()
    assert not process_lives(pid)
    assert not broker.alive()


def test_only_its_owner_reaches_it(make_broker: MakeBroker) -> None:
    broker = make_broker()

    broker.ensure_running()

    assert (broker.folder / SOCKET).stat().st_mode & 0o777 == 0o700
    assert broker.folder.stat().st_mode & 0o777 == 0o700


def test_messages_outlive_a_stop_and_a_start(make_broker: MakeBroker) -> None:
    broker = make_broker()
    broker.ensure_running()
    put(broker, "kept")
    broker.release()

    again = make_broker()
    again.ensure_running()

    assert take(again, 1) == ["kept"]


def test_a_killed_broker_leaves_a_stale_socket_and_comes_back_with_its_messages(make_broker: MakeBroker) -> None:
    broker = make_broker()
    broker.ensure_running()
    put(broker, *map(str, range(200)))
    take(broker, 1)  # a round trip of our own after the last put: what was sent is written
    killed = kill(broker)
    assert (broker.folder / SOCKET).exists()
    assert not broker.alive()

    broker.ensure_running()

    assert broker.process_id() != killed
    assert take(broker, 199) == [str(number) for number in range(1, 200)]


def test_a_socket_that_nobody_listens_on_is_no_obstacle(make_broker: MakeBroker) -> None:
    broker = make_broker()
    broker.folder.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(broker.folder / SOCKET))

    broker.ensure_running()

    assert broker.answers()


def test_two_users_share_it_and_the_last_one_stops_it(make_broker: MakeBroker) -> None:
    first, second = make_broker(), make_broker()
    first.ensure_running()
    second.ensure_running()
    assert first.process_id() == second.process_id()

    second.release()
    assert first.answers()

    first.release()
    assert not first.answers()


def test_a_broker_whose_starter_was_killed_is_used_again(make_broker: MakeBroker) -> None:
    abandoned, broker = make_broker(), make_broker()
    abandoned.ensure_running()
    put(abandoned, "kept")

    broker.ensure_running()

    assert broker.child is None
    assert take(broker, 1) == ["kept"]
