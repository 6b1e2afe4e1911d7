"""Is Cedar up, and what a person has to know when it is."""

import http.client
import json
import os
import socket

import psutil

from clinic import first_admin

from .options import WILDCARDS, Options

DEMO_USERS = ("reception", "technician", "radiologist", "admin")
DEMO_PASSWORD = "cedar-demo"  # noqa: S105 - printed at each start of an invented clinic


def health(options: Options) -> dict[str, str]:
    """What ``/healthz`` says; empty while nobody answers."""
    connection = http.client.HTTPConnection(options.local_host, options.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return dict(json.loads(connection.getresponse().read()))
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()


def announcement(options: Options, demo: bool, has_administrator: bool) -> str:
    """The last lines of a start."""
    title = os.environ.get("CEDAR_AE_TITLE", "CEDAR")
    lines = ["", "Cedar is ready.", "", f"  Address   {options.url}"]
    lines += [f"            {address}" for address in _network_addresses(options)]
    if demo:
        lines += [f"  Sign in   {', '.join(DEMO_USERS)}; the password of all is {DEMO_PASSWORD}"]
        lines += ["            (demo data: not for real patients)"]
    lines += [f"  DICOM     AE title {title}, port {options.dicom_port}, address {_dicom_address(options)}"]
    lines += [f"  Data      {options.data}  (logs in {options.data / 'logs'})", ""]
    if not demo and not has_administrator:
        token = first_admin.issue_token(options.data)
        lines += ["There is no administrator yet. Make the first one here, once:"]
        lines += [f"  {options.url}first-administrator/{token}/", ""]
    lines += ["Ctrl-C stops everything."]
    return "\n".join(lines)


def _dicom_address(options: Options) -> str:
    if options.host in WILDCARDS:
        return "every one of this machine"
    if options.local_host in {"127.0.0.1", "::1", "localhost"}:
        return f"{options.host} (this machine only; --host 0.0.0.0 opens Cedar to the network)"
    return options.host


def _network_addresses(options: Options) -> list[str]:
    """Where other machines find the web server when it serves every address of this one."""
    if options.host not in WILDCARDS:
        return []
    found = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
    return [f"http://{address}:{options.port}/" for address in sorted(found)]
