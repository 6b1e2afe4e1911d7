"""The checker itself: it finds nothing where all is well, and names each thing that is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imaging import spool
from imaging.ingest import ingest_spool
from imaging.models import Instance, Quarantined
from tests.faults.accounting import Ledger, differences
from tests.faults.pushing import AE_TITLE, small_images

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folders(tmp_path: Path, settings: Any) -> Path:
    for name, setting in {
        "spool": "SPOOL_DIR",
        "studies": "STUDIES_DIR",
        "quarantine": "QUARANTINE_DIR",
    }.items():
        (tmp_path / name).mkdir(mode=0o700)
        setattr(settings, setting, tmp_path / name)
    return tmp_path


@pytest.fixture
def ledger(folders: Path) -> Ledger:
    """Three images were stored, one of them twice, and one that goes to quarantine."""
    ledger = Ledger()
    images = small_images(1, 3)
    for one in [*images, images[0], *small_images(1, 1, filler=1)]:
        meta = spool.file_meta(
            sop_class_uid=one.sop_class,
            sop_instance_uid=one.uid,
            transfer_syntax_uid=one.syntax,
            calling_ae_title=AE_TITLE,
            called_ae_title="CEDAR",
            address="127.0.0.1",
        )
        with spool.SpoolFile(meta) as file:
            file.write(one.data)
            file.commit()
        ledger.note(one.key, 0)
    ingest_spool()
    return ledger


def lose_a_file(_folders: Path, image: Instance) -> None:
    image.path.unlink()


def change_a_byte(_folders: Path, image: Instance) -> None:
    content = bytearray(image.path.read_bytes())
    content[-1] ^= 1
    image.path.write_bytes(content)


def lose_a_row(_folders: Path, image: Instance) -> None:
    Instance.objects.filter(pk=image.pk).delete()


def count_twice(_folders: Path, image: Instance) -> None:
    Instance.objects.filter(pk=image.pk).update(times_received=2)


def leave_a_file(folders: Path, _image: Instance) -> None:
    (folders / "studies" / "stray.dcm").write_bytes(b"")


def lose_the_quarantined(folders: Path, _image: Instance) -> None:
    (folders / "quarantine" / Quarantined.objects.get().file).unlink()


def leave_it_in_the_spool(folders: Path, _image: Instance) -> None:
    (folders / "spool" / "1.dcm").write_bytes(b"")


HARM = {
    lose_a_file: "an image without its file",
    change_a_byte: "an image whose file is another one",
    lose_a_row: "answered 1 times, kept 0 times",
    count_twice: "answered 1 times, kept 2 times",
    leave_a_file: "a file without a row: studies/stray.dcm",
    lose_the_quarantined: "quarantined without its file",
    leave_it_in_the_spool: "still in the spool: 1.dcm",
}


def test_all_is_well(folders: Path, ledger: Ledger, settings: Any) -> None:
    assert differences(folders, settings.DATABASE_CONNINFO, ledger) == []


@pytest.mark.parametrize(("harm", "words"), HARM.items(), ids=[harm.__name__ for harm in HARM])
def test_each_harm_is_named(
    folders: Path, ledger: Ledger, settings: Any, harm: Callable[[Path, Instance], None], words: str
) -> None:
    harm(folders, Instance.objects.order_by("pk").last())

    found = differences(folders, settings.DATABASE_CONNINFO, ledger)

    assert any(words in line for line in found), found
