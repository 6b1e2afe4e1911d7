import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from clinic import postgres
from clinic.postgres import Cluster, PostgresError, RunningCluster


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def run(data: Path) -> RunningCluster:
    return RunningCluster(Cluster(data, {"fsync": "off"}), data / "postgres.log")


def test_default_url_names_the_socket_folder_of_the_data() -> None:
    url = postgres.default_url("/srv/cedar data")

    assert url == "postgresql://cedar@/cedar?host=%2Fsrv%2Fcedar%20data%2Frun"


def test_a_long_data_path_gets_a_short_socket_folder(tmp_path: Path) -> None:
    long_path = tmp_path / ("a-very-long-folder-name" * 6)

    folder = postgres.socket_folder(long_path)

    assert folder.parent == Path("/tmp")
    assert folder == postgres.socket_folder(long_path)
    assert folder != postgres.socket_folder(long_path / "other")


def test_a_cluster_with_a_long_data_path_runs(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 30)
    data.mkdir(mode=0o700)

    with run(data) as cluster, psycopg.connect(cluster.url, dbname="postgres") as connection:
        answer = connection.execute("SELECT 1").fetchone()

    assert answer == (1,)
    cluster.sockets.rmdir()


def test_a_short_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 30)
    data.mkdir(mode=0o700)
    trap = postgres.socket_folder(data)
    trap.symlink_to(tmp_path)

    with pytest.raises(PostgresError, match="belongs to somebody else"):
        Cluster(data).create()

    trap.unlink()


def test_a_new_cluster_is_private_checksummed_and_speaks_utf8(data: Path) -> None:
    with run(data) as cluster, psycopg.connect(cluster.url, dbname="postgres") as connection:
        cluster.make_database()
        settings = [
            connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("data_checksums", "server_encoding", "listen_addresses")
        ]
        upper = connection.execute("SELECT upper('łódź')").fetchone()

    assert settings == ["on", "UTF8", ""]
    assert upper == ("ŁÓDŹ",)
    assert cluster.folder.stat().st_mode & 0o777 == 0o700
    assert cluster.folder.stat().st_uid == os.geteuid()
    assert cluster.sockets.stat().st_mode & 0o777 == 0o700


def test_data_is_still_there_at_the_next_start(data: Path) -> None:
    with run(data) as cluster, psycopg.connect(cluster.url, dbname="postgres") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    with run(data) as cluster, psycopg.connect(cluster.url, dbname="postgres") as connection:
        row = connection.execute("SELECT answer FROM kept").fetchone()

    assert row == (42,)


def test_an_interrupted_creation_is_repeated(data: Path) -> None:
    half = data / "postgres.new-abcd"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    made = Cluster(data).create()

    assert made
    assert list(data.glob("postgres.new-*")) == []
    assert (data / "postgres" / "global" / "pg_control").exists()


def test_a_cluster_starts_again_after_kill_9(data: Path) -> None:
    started = run(data)
    with started as cluster:
        with psycopg.connect(cluster.url, dbname="postgres", autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        started.server.kill()
        started.server.wait()

    with run(data) as cluster, psycopg.connect(cluster.url, dbname="postgres") as connection:
        row = connection.execute("SELECT answer FROM kept").fetchone()

    assert row == (42,)


def test_a_stale_pid_that_now_belongs_to_another_program_does_not_hinder(data: Path) -> None:
    Cluster(data).create()
    other = subprocess.Popen(["sleep", "600"])
    (data / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n{data}/postgres\n0\n5432\n")

    with run(data) as cluster:
        ready = cluster.is_ready()

    assert ready
    assert other.poll() is None
    other.kill()
    other.wait()


def test_leftovers_of_a_living_server_are_not_touched(data: Path) -> None:
    with run(data) as cluster:
        with pytest.raises(PostgresError, match=r"Another PostgreSQL \(process \d+\) already runs"):
            Cluster(data).clear_leftovers()

        assert cluster.is_ready()


def test_orphans_of_a_killed_server_are_ended(data: Path) -> None:
    started = run(data)
    with started as cluster:
        connection = psycopg.connect(cluster.url, dbname="postgres")
        orphan = connection.info.backend_pid
        os.kill(orphan, signal.SIGSTOP)
        started.server.kill()
        started.server.wait()

        Cluster(data).clear_leftovers(wait=0.5)

    assert not Path(f"/proc/{orphan}").exists() or "Z" in state_of(orphan)
    assert not (data / "postgres" / "postmaster.pid").exists()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_data_of_another_version_is_refused(data: Path) -> None:
    Cluster(data).create()
    (data / "postgres" / "PG_VERSION").write_text("16\n")

    with pytest.raises(
        PostgresError, match=r"was written by PostgreSQL 16, but the programs here are version"
    ):
        Cluster(data).create()


def test_a_folder_with_foreign_files_is_refused(data: Path) -> None:
    (data / "postgres").mkdir()
    (data / "postgres" / "notes.txt").write_text("mine")

    with pytest.raises(PostgresError, match="holds files but no database"):
        Cluster(data).create()


def test_binaries_named_wrongly_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CEDAR_PG_BIN", str(tmp_path))

    with pytest.raises(PostgresError, match="no program postgres in that folder"):
        postgres.find_binaries()


def test_old_binaries_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path) -> None:
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.9 (Debian 15.9-1)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("CEDAR_PG_BIN", str(tmp_path))

    with pytest.raises(PostgresError, match=r"is PostgreSQL 15\.9; Cedar needs version 17 or newer"):
        Cluster(data).create()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs the way round")
def test_root_without_unshare_gets_a_plain_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(
        PostgresError, match="PostgreSQL does not run as root, and the way round it is closed"
    ):
        postgres.prefix_for_root()


def test_a_server_that_stops_at_once_says_why(data: Path) -> None:
    broken = RunningCluster(Cluster(data, {"shared_buffers": "nonsense"}), data / "postgres.log")

    with pytest.raises(PostgresError, match=r"The database stopped at once: .*shared_buffers"):
        broken.__enter__()


def test_the_server_dies_with_the_program_that_started_it(data: Path) -> None:
    code = (
        "import os, sys\n"
        "from clinic.postgres import Cluster, RunningCluster\n"
        "from pathlib import Path\n"
        "data = Path(sys.argv[1])\n"
        "RunningCluster(Cluster(data), data / 'log').__enter__()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    root = Path(postgres.__file__).parent.parent
    subprocess.run([sys.executable, "-c", code, str(data)], cwd=root, check=False)

    deadline = time.monotonic() + 30
    while postgres._servers_in(data / "postgres") and time.monotonic() < deadline:
        time.sleep(0.1)

    assert postgres._servers_in(data / "postgres") == []
    with pytest.raises(OSError, match=r"refused|No such file"):
        socket.socket(socket.AF_UNIX).connect(str(data / "run" / postgres.SOCKET_NAME))
