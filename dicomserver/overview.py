"""What the page of devices shows."""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Any

import psutil
from django.conf import settings

from scheduling.models import Station

from .certificates import own_certificate
from .listeners import tls_state
from .models import Association, Outcome, RemoteAE, RemoteAEState, ServerSettings
from .words import explain

_CALLS_SHOWN = 50
# What keeps a device out although it is accepted.
_TROUBLES = {Outcome.WRONG_TITLE, Outcome.WRONG_ADDRESS, Outcome.TOO_MANY}
_ORDER = [RemoteAEState.WANTS_TO_CONNECT, RemoteAEState.ACCEPTED, RemoteAEState.REFUSED]


@dataclass(frozen=True)
class NodeRow:
    node: RemoteAE
    station: str
    # Why its newest call was rejected; empty when it was not.
    trouble: str

    @property
    def may_be_asked(self) -> bool:
        """An echo needs an address and a port."""
        return bool(self.node.port and (self.node.host or self.node.last_address))


def overview() -> dict[str, Any]:
    """Context of the page: our own address, the nodes, the newest calls."""
    stations = dict(Station.objects.filter(is_active=True).values_list("ae_title", "name"))
    nodes = sorted(
        RemoteAE.objects.all(), key=lambda node: (_ORDER.index(RemoteAEState(node.state)), node.ae_title)
    )
    calls_of_each = Association.objects.order_by("calling_ae_title", "-at", "-pk").distinct(
        "calling_ae_title"
    )
    newest = {call.calling_ae_title: call for call in calls_of_each}
    called = {node.ae_title for node in nodes}
    calls = list(Association.objects.order_by("-at", "-pk")[:_CALLS_SHOWN])
    return {
        "own": own_facts(),
        "nodes": [_row(node, stations, newest.get(node.ae_title)) for node in nodes],
        "silent_stations": [(title, name) for title, name in stations.items() if title not in called],
        "private_classes": ServerSettings.get().private_classes,
        "calls": [(call, explain(call)) for call in calls],
    }


def own_facts() -> dict[str, Any]:
    """What is to be entered in a device to reach us."""
    return {
        "ae_title": settings.DICOM_AE_TITLE,
        "port": settings.DICOM_PORT,
        "addresses": own_addresses(),
        **tls_state(),
        "certificate": own_certificate(),
        "asks_for_certificates": bool(settings.DICOM_TLS_CLIENT_CA),
    }


def own_addresses() -> list[str]:
    """Where the DICOM server can be reached from other machines; empty when only from this one."""
    try:
        listening = ipaddress.ip_address(socket.gethostbyname(settings.DICOM_HOST))
    except (OSError, ValueError):
        return [settings.DICOM_HOST]
    if listening.is_loopback:
        return []
    if not listening.is_unspecified:
        return [str(listening)]
    every = [entry for entries in psutil.net_if_addrs().values() for entry in entries]
    addresses = [entry.address for entry in every if entry.family == socket.AF_INET]
    return [address for address in addresses if not ipaddress.ip_address(address).is_loopback]


def _row(node: RemoteAE, stations: dict[str, str], newest: Association | None) -> NodeRow:
    is_accepted = node.state == RemoteAEState.ACCEPTED
    trouble = explain(newest) if newest is not None and is_accepted and newest.outcome in _TROUBLES else ""
    return NodeRow(node=node, station=stations.get(node.ae_title, ""), trouble=trouble)
