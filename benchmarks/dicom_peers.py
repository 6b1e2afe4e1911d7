"""The servers that are measured, each started on loopback in a folder that is thrown away."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from clinic.postgres import Cluster, RunningCluster, default_url

REPOSITORY = Path(__file__).resolve().parents[1]
CALLING = "BENCH"
ACCEPT_SENDER = f"""
from dicomserver.models import RemoteAE
RemoteAE.objects.create(ae_title="{CALLING}", state="accepted")
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_echo(called: str, port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    command = ["echoscu", "-to", "2", "-aet", CALLING, "-aec", called, "127.0.0.1", str(port)]
    while subprocess.run(command, capture_output=True, check=False).returncode != 0:
        if time.monotonic() > end:
            raise RuntimeError(f"{called} does not answer on port {port}")
        time.sleep(0.2)


@contextmanager
def running(command: list[str], log: Path, **options: object) -> Iterator[subprocess.Popen]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def orthanc(folder: Path, **more: object) -> Iterator[tuple[str, int]]:
    """Debian's Orthanc with its defaults (SQLite index), but on loopback, and ``more`` settings.

    Yields (AE title, port).
    """
    folder.mkdir()
    port = free_port()
    settings = {
        "Name": "peer",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "HttpPort": free_port(),
        "HttpServerEnabled": False,
        "RemoteAccessAllowed": False,
        "Plugins": [],
    } | more
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with running(["Orthanc", str(folder / "orthanc.json")], folder / "orthanc.log"):
        wait_for_echo("ORTHANC", port)
        yield "ORTHANC", port


@contextmanager
def storescp(folder: Path) -> Iterator[tuple[str, int]]:
    """DCMTK's storescp: no index, no flush to the disk. Yields (AE title, port)."""
    (folder / "received").mkdir(parents=True)
    port = free_port()
    command = ["storescp", "--fork", "+B", "+xa", "-pdu", "131072", "-od", str(folder / "received")]
    command += ["-aet", "STORESCP", str(port)]
    with running(command, folder / "storescp.log"):
        wait_for_echo("STORESCP", port)
        yield "STORESCP", port


def cedar_environment(folder: Path, port: int) -> dict[str, str]:
    """What a part of a Cedar in ``folder`` needs to know."""
    return {
        **os.environ,
        "CEDAR_DATA": str(folder),
        "DATABASE_URL": default_url(folder),
        "CEDAR_DICOM_PORT": str(port),
        "CEDAR_DICOM_TLS_PORT": "0",
    }


@contextmanager
def cedar(folder: Path) -> Iterator[tuple[str, int]]:
    """Cedar's own server with its worker and its database, everything durable. Yields (AE title, port)."""
    folder.mkdir()
    port = free_port()
    environment = cedar_environment(folder, port)
    with ExitStack() as stack:
        stack.enter_context(RunningCluster(Cluster(folder), folder / "postgres.log")).make_database()
        for words in (
            ["migrate", "-v0"],
            [
                "shell",
                "-v0",
                "-c",
                ACCEPT_SENDER,
            ],
        ):
            subprocess.run([sys.executable, "manage.py", *words], cwd=REPOSITORY, env=environment, check=True)
        for part in ("qcluster", "runscp"):
            command = [sys.executable, "manage.py", part]
            stack.enter_context(running(command, folder / f"{part}.log", cwd=REPOSITORY, env=environment))
        wait_for_echo("CEDAR", port)
        yield "CEDAR", port
