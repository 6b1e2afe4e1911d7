"""Studies in the archive for tests of Query/Retrieve: received through the spool, as from a modality."""

from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import Dataset

from dicomserver.models import RemoteAE, RemoteAEState
from imaging.models import Instance, Study
from patients.models import Patient
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
