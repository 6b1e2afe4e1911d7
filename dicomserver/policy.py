"""Who may call: the nodes of the database, kept in memory and in a small file.

The server decides about every call from memory. The file lets it decide also when it was started while the
database is away, so that the clinic's modalities can go on storing.
"""

import ipaddress
import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from scheduling.models import Station

from .character_sets import DEFAULT
from .models import Outcome, RemoteAE, RemoteAEState, ServerSettings

log = logging.getLogger(__name__)

HEALTH_AE_TITLE = "CEDAR-HEALTH"


@dataclass(frozen=True)
class Node:
    is_accepted: bool
    addresses: tuple[str, ...] = ()
    character_set: str = DEFAULT


class Policy:
    def __init__(self) -> None:
        self._file = Path(settings.CEDAR_DATA) / "run" / "dicom-nodes.json"
        self._nodes: dict[str, Node] = self._read_file()
        self._private_file = self._file.with_name("dicom-private-classes")
        self.takes_private_classes = self._private_file.exists()

    def refresh(self) -> None:
        """Take what the database says now. Raises its error when it is away; what is known then stays."""
        nodes = {
            title: Node(is_accepted=True)
            for title in Station.objects.filter(is_active=True).values_list("ae_title", flat=True)
        }
        for node in RemoteAE.objects.all():
            if node.state == RemoteAEState.WANTS_TO_CONNECT:
                continue
            nodes[node.ae_title] = Node(
                is_accepted=node.state == RemoteAEState.ACCEPTED,
                addresses=tuple(node.allowed_addresses),
                character_set=node.character_set,
            )
        if nodes != self._nodes:
            self._nodes = nodes
            self._write_file(nodes)
        self._note_private_classes(ServerSettings.get().private_classes)

    def judge(self, calling: str, called: str, address: str) -> Outcome | None:
        """Why the call is rejected; None when it is welcome."""
        node = self._nodes.get(calling)
        if self.is_health_check(calling, address):
            return None
        if node is None:
            return Outcome.UNKNOWN_CALLER
        if not node.is_accepted:
            return Outcome.REFUSED_CALLER
        if called != settings.DICOM_AE_TITLE:
            return Outcome.WRONG_TITLE
        if node.addresses and not _is_within(address, node.addresses):
            return Outcome.WRONG_ADDRESS
        return None

    def is_health_check(self, calling: str, address: str) -> bool:
        """Cedar's own look whether the server answers."""
        return calling == HEALTH_AE_TITLE and ipaddress.ip_address(address).is_loopback

    def character_set_of(self, calling: str) -> str:
        return self._nodes.get(calling, Node(is_accepted=False)).character_set

    def _note_private_classes(self, taken: bool) -> None:
        if taken == self.takes_private_classes:
            return
        self.takes_private_classes = taken
        try:
            self._private_file.touch(mode=0o600) if taken else self._private_file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("DICOM nodes: %s cannot be written (%s)", self._private_file.name, error)

    def _read_file(self) -> dict[str, Node]:
        try:
            content = json.loads(self._file.read_text())
            return {
                title: Node(bool(node["is_accepted"]), tuple(node["addresses"]), str(node["character_set"]))
                for title, node in content.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("DICOM nodes: %s cannot be read (%s)", self._file.name, error)
            return {}

    def _write_file(self, nodes: dict[str, Node]) -> None:
        draft = self._file.with_suffix(".new")
        try:
            draft.touch(mode=0o600)
            draft.write_text(json.dumps({title: asdict(node) for title, node in nodes.items()}))
            os.replace(draft, self._file)
        except OSError as error:
            log.warning("DICOM nodes: %s cannot be written (%s)", self._file.name, error)


def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    caller = ipaddress.ip_address(address)
    for text in networks:
        try:
            if caller in ipaddress.ip_network(text, strict=False):
                return True
        except ValueError:
            log.warning("DICOM nodes: %r is no IP address or network", text)
    return False
