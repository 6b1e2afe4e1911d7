"""Studies in the archive for tests of Query/Retrieve: received through the spool, as from a modality."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage

from dicomserver.models import RemoteAE, RemoteAEState
from imaging.models import Instance, Study
from patients.models import Patient
from tests.dicomserver.peers import EXPLICIT, IMPLICIT
from tests.factories import make_order
from tests.imaging.sender import identity_for, receive, slices


def make_study(patient: Patient | None = None, count: int = 2, **attributes: Any) -> Study:
    """A linked study of small CT slices."""
    order = make_order(patient, status="scheduled")
    return receive(*slices(identity_for(order), count, **attributes))


def make_node(ae_title: str, port: int | None = None, **fields: Any) -> RemoteAE:
    values = {"host": "127.0.0.1", "state": RemoteAEState.ACCEPTED} | fields
    return RemoteAE.objects.create(ae_title=ae_title, port=port, **values)


def keys(level: str, **values: str) -> list[str]:
    """As DCMTK's tools want them: ``-k level -k Keyword=value``."""
    pairs = {"QueryRetrieveLevel": level, **values}
    return [word for name, value in pairs.items() for word in ("-k", f"{name}={value}")]


def read_all(folder: Path) -> list[Dataset]:
    found = [pydicom.dcmread(path, force=True) for path in sorted(folder.iterdir()) if path.is_file()]
    return sorted(found, key=lambda dataset: str(dataset.SOPInstanceUID))


def uids_of(study: Study) -> list[str]:
    found = Instance.objects.filter(series__study=study)
    return sorted(found.values_list("sop_instance_uid", flat=True))


def folders_of_images(tmp_path: Path, settings: pytest.FixtureRequest) -> None:
    for name, folder in {"STUDIES_DIR": "studies", "QUARANTINE_DIR": "quarantine"}.items():
        (tmp_path / folder).mkdir(mode=0o700)
        setattr(settings, name, tmp_path / folder)


class Receiver:
    """A storage SCP that remembers what it got, and what it was told about the move."""

    def __init__(self, *syntaxes: str, status: int = 0x0000) -> None:
        self.node: RemoteAE
        self.received: list[Dataset] = []
        self.originators: set[str] = set()
        self.status = status
        self.seconds = 0.0
        self.hang_up_after: int | None = None
        ae = AE(ae_title="RECEIVER")
        ae.add_supported_context(CTImageStorage, list(syntaxes))
        self._server = ae.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, self._take)]
        )
        self.port = self._server.server_address[1]

    def _take(self, event: evt.Event) -> int:
        time.sleep(self.seconds)
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        if len(self.received) == self.hang_up_after:
            event.assoc.abort()
            return 0xA700
        self.received.append(dataset)
        self.originators.add(event.request.MoveOriginatorApplicationEntityTitle)
        return self.status

    def stop(self) -> None:
        self._server.shutdown()


@contextmanager
def receiver(*syntaxes: str, status: int = 0x0000) -> Iterator[Receiver]:
    there = Receiver(*(syntaxes or (EXPLICIT, IMPLICIT)), status=status)
    there.node = make_node("RECEIVER", there.port)
    try:
        yield there
    finally:
        there.stop()
