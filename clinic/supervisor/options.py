"""What ``up`` was asked for, from the command line and the environment."""

import argparse
import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class StartError(Exception):
    """Cedar cannot start; the text says why and what to do, in a sentence or two."""


@dataclass(frozen=True)
class Options:
    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    dicom_port: int = 11112
    dicom_tls_port: int | None = None  # None: not asked for, the default if it is free; 0: none
    demo: bool = False

    @property
    def local_host(self) -> str:
        """The address at which this machine itself reaches the web server."""
        return WILDCARDS.get(self.host, self.host)

    @property
    def url(self) -> str:
        host = f"[{self.local_host}]" if ":" in self.local_host else self.local_host
        return f"http://{host}:{self.port}/"


def parse(arguments: Sequence[str]) -> Options:
    """The options; exits with a usage line on words it does not know."""
    parser = argparse.ArgumentParser(
        prog="manage.py up", description="Runs the clinic: database, web, worker and DICOM server."
    )
    parser.add_argument("--demo", action="store_true", help="fill a new data folder with an invented clinic")
    parser.add_argument(
        "--host", type=_address, default=os.environ.get("CEDAR_HOST", "127.0.0.1"), help="address to serve on"
    )
    parser.add_argument("--port", type=_port, default=os.environ.get("CEDAR_PORT", "8000"), help="web port")
    parser.add_argument(
        "--dicom-port", type=_port, default=os.environ.get("CEDAR_DICOM_PORT", "11112"), help="DICOM port"
    )
    parser.add_argument(
        "--dicom-tls-port",
        type=_port_or_none,
        default=os.environ.get("CEDAR_DICOM_TLS_PORT"),
        help="DICOM port for encrypted connections (2762); 0: none",
    )
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("CEDAR_DATA") or ROOT / "var"), help="data folder"
    )
    found = parser.parse_args(arguments)
    if found.port == found.dicom_port:
        parser.error(f"--port and --dicom-port are both {found.port}; two different ports are needed")
    if found.dicom_tls_port in (found.port, found.dicom_port):
        parser.error(f"--dicom-tls-port {found.dicom_tls_port} is used for something else already")
    return Options(
        data=found.data.expanduser().resolve(),
        host=found.host,
        port=found.port,
        dicom_port=found.dicom_port,
        dicom_tls_port=found.dicom_tls_port,
        demo=found.demo,
    )


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; a whole number from 1 to 65535 is accepted")
    return int(text)


def _port_or_none(text: str) -> int:
    return 0 if text == "0" else _port(text)


def _address(text: str) -> str:
    """The numeric address: what the web and the DICOM server listen on."""
    try:
        return str(ipaddress.ip_address(text or "0.0.0.0"))  # noqa: S104
    except ValueError:
        pass
    try:
        return socket.gethostbyname(text)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no address that this machine knows") from error
