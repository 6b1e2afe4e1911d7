"""What must be true before anything starts, each with its own sentence when it is not."""

import errno
import os
import pwd
import shutil
import socket
import uuid
from pathlib import Path

import psutil

from .options import Options, StartError

FOLDERS = ("spool", "incoming", "studies", "quarantine", "documents", "secrets", "logs", "run")
ROOM_TO_START = 100  # MB above the reserve that image reception keeps free


def make_data_folder(data: Path) -> None:
    """The data folder and its parts, readable by nobody else."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_strangers(data)
        data.chmod(0o700)
        for name in FOLDERS:
            (data / name).mkdir(mode=0o700, exist_ok=True)
        trial = data / "run" / f"trial-{uuid.uuid4().hex}"
        trial.write_bytes(b"can this folder be written?")
        trial.unlink()
    except FileExistsError as error:
        raise StartError(
            f"{error.filename} is a file; the data folder of Cedar has to be a folder."
        ) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StartError(f"The disk with the data folder {data} is full.") from error
        raise StartError(
            f"The data folder {data} cannot be written by this user ({error.strerror}). Choose another one "
            "with --data or correct its permissions."
        ) from error


def _refuse_strangers(data: Path) -> None:
    """Never take over a folder that holds something else, nor somebody else's data."""
    owner = data.stat().st_uid
    names = {entry.name for entry in data.iterdir()} - {"lost+found"}
    if names and not names & {"postgres", "secrets", "run"}:
        raise StartError(
            f"The folder {data} holds other files; give Cedar a new or empty folder with --data."
        )
    if owner != os.geteuid():
        raise StartError(
            f"The data folder {data} belongs to the user {_user_name(owner)}; start Cedar as that user."
        )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def check_room(data: Path) -> None:
    reserve = os.environ.get("CEDAR_DISK_RESERVE_MB", "500")
    wanted = (int(reserve) if reserve.isdigit() else 500) + ROOM_TO_START
    free = shutil.disk_usage(data).free // 1024 // 1024
    if free < wanted:
        raise StartError(
            f"The disk with the data folder {data} has {free} MB free; Cedar needs at least {wanted} MB. "
            "Make room or choose another folder with --data."
        )


def check_ports(options: Options) -> None:
    _check_port(options.host, options.port, "web", "--port")
    _check_port(options.host, options.dicom_port, "DICOM", "--dicom-port")
    if options.dicom_tls_port:
        _check_port(options.host, options.dicom_tls_port, "encrypted DICOM", "--dicom-tls-port")


def _check_port(host: str, port: int, purpose: str, option: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
            trial.listen(1)
        except OSError as error:
            raise StartError(_port_problem(error, host, port, purpose, option)) from error


def _port_problem(error: OSError, host: str, port: int, purpose: str, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"The {purpose} port {port} is in use already{_holder(port)}. Stop that program or choose "
            f"another port with {option}."
        )
    if error.errno == errno.EACCES:
        return f"The {purpose} port {port} is open to root only; choose one above 1023 with {option}."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host} is not an address of this machine."
    return f"The {purpose} port {port} on {host} cannot be used: {error.strerror}."


def _holder(port: int) -> str:
    """Who listens there, as far as this user may know."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass
    return ""
