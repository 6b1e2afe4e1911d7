"""A spool without room: refused with A700, taken again as soon as there is room, nothing lost in between."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imaging.ingest import ingest_spool
from tests.dicomserver.conftest import NO_DATABASE
from tests.dicomserver.small_disk import OnSmallDisk
from tests.faults.accounting import Ledger, differences
from tests.faults.pushing import AE_TITLE, Modality, small_images

pytestmark = pytest.mark.django_db(transaction=True)
OUT_OF_RESOURCES = 0xA700


@pytest.fixture
def folders(tmp_path: Path, settings: Any) -> Path:
    for name in ("run", "spool", "studies", "quarantine"):
        (tmp_path / name).mkdir(mode=0o700)
    known = {AE_TITLE: {"is_accepted": True, "addresses": [], "character_set": "ISO_IR 192"}}
    (tmp_path / "run" / "dicom-nodes.json").write_text(json.dumps(known))
    settings.STUDIES_DIR, settings.QUARANTINE_DIR = tmp_path / "studies", tmp_path / "quarantine"
    return tmp_path


@pytest.fixture(params=["0", "1"], ids=["to the last byte", "down to the reserve"])
def server(request: pytest.FixtureRequest, folders: Path, settings: Any) -> Iterator[OnSmallDisk]:
    started = OnSmallDisk(folders, DATABASE_URL=NO_DATABASE, CEDAR_DISK_RESERVE_MB=request.param)
    settings.SPOOL_DIR = started.spool
    yield started
    started.kill()


def test_a_full_spool_refuses_and_takes_images_again_by_itself(
    server: OnSmallDisk, folders: Path, settings: Any
) -> None:
    images, ledger = small_images(1, 60, size=256), Ledger()
    left = images

    for _ in range(10):
        Modality(server.port, ledger).push(left)
        ingest_spool()
        left = [one for one in images if not ledger.stored[one.key]]
        if not left:
            break

    assert left == []
    assert set(ledger.refused) == {OUT_OF_RESOURCES}
    assert ledger.stored.total() == len(images)
    assert list(server.spool.iterdir()) == []
    assert differences(folders, settings.DATABASE_CONNINFO, ledger) == []
    assert server.process.poll() is None
