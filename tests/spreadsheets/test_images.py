"""Images of a log go into the archive by its normal way, in the right patient's name."""

from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from PIL import Image
from pypdf import PdfWriter

from clinic.models import User
from clinic.spreadsheets.columns import find_layout
from clinic.spreadsheets.fields import IMAGE_FIELDS
from clinic.spreadsheets.images import ImageImport
from clinic.spreadsheets.importing import Result
from clinic.spreadsheets.models import ImportedFile
from clinic.spreadsheets.refused import RefusedRows, refused_path
from clinic.spreadsheets.tables import open_table
from imaging import spool
from imaging.ingest import ingest_spool
from imaging.models import Instance, Quarantined, Study
from scheduling.models import Order
from tests.factories import make_patient
from tests.imaging.sender import identity_of, slices

from .conftest import Take, row

pytestmark = pytest.mark.django_db(transaction=True)
DAY = "2024-05-03"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings: Any) -> None:
    for name in ("SPOOL_DIR", "STUDIES_DIR", "QUARANTINE_DIR"):
        folder = tmp_path / name.lower()
        folder.mkdir(mode=0o700)
        setattr(settings, name, folder)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with one file of each kind."""
    folder = tmp_path / "album"
    (folder / "scans").mkdir(parents=True)
    Image.linear_gradient("L").convert("RGB").save(folder / "scans" / "chest.jpg", quality=90)
    Image.linear_gradient("L").save(folder / "knee.png")
    pdf = PdfWriter()
    pdf.add_blank_page(200, 300)
    pdf.write(folder / "letter.pdf")
    (folder / "notes.doc").write_bytes(b"no picture")
    (tmp_path / "secret.png").write_bytes((folder / "knee.png").read_bytes())
    return folder


def take_log(album: Path, admin: User, *rows: list[Any], dry: bool = False) -> tuple[Result, Path | None]:
    book = Workbook()
    book.active.append(["Patient ID", "File Location", "Date", "Notes"])
    for cells in rows:
        book.active.append(cells)
    path = album / "images.xlsx"
    book.save(path)
    table = open_table(path)
    layout = find_layout(table, IMAGE_FIELDS)
    refused = RefusedRows(refused_path(path), layout)
    return ImageImport(table, layout, album, by=admin, dry=dry, refused=refused).run()


def test_pictures_and_a_document_join_the_examination_of_their_day(
    take: Take, admin: User, album: Path
) -> None:
    take([row()])

    result, refused = take_log(
        album,
        admin,
        ["P-1", "scans\\chest.jpg", DAY, "Chest PA"],
        ["P-1", "knee.png", DAY, ""],
        ["P-1", "letter.pdf", DAY, "Letter"],
    )
    ingest_spool()

    study = Study.objects.select_related("order").get()
    assert (result.files, refused, Quarantined.objects.count()) == (3, None, 0)
    assert (study.state, study.order) == ("linked", Order.objects.get())
    assert study.instance_count == 3
    pictures = Instance.objects.exclude(sop_class_uid="1.2.840.10008.5.1.4.1.1.104.1")
    assert {(each.frames, each.display_problem) for each in pictures} == {(1, "")}


def test_a_second_time_changes_nothing(take: Take, admin: User, album: Path) -> None:
    take([row()])
    rows = (["P-1", "knee.png", DAY, ""], ["P-1", "scans/chest.jpg", DAY, ""])
    take_log(album, admin, *rows)
    ingest_spool()

    result, _refused = take_log(album, admin, *rows)
    ingest_spool()

    assert (result.files, result.here) == (0, 2)
    assert list(Instance.objects.values_list("times_received", flat=True)) == [1, 1]


def test_a_dry_run_stores_nothing(take: Take, admin: User, album: Path) -> None:
    take([row()])

    result, _refused = take_log(album, admin, ["P-1", "knee.png", DAY, ""], dry=True)

    assert result.files == 1
    assert spool.is_empty()
    assert ImportedFile.objects.count() == 0


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["P-9", "knee.png", DAY, ""], "Nobody has the patient ID"),
        (["", "knee.png", DAY, ""], "patient ID is missing"),
        (["P-1", "", DAY, ""], "location is missing"),
        (["P-1", "gone.png", DAY, ""], "There is no file"),
        (["P-1", "../secret.png", DAY, ""], "outside the folder"),
        (["P-1", "C:\\scans\\chest.jpg", DAY, ""], "outside the folder"),
        (["P-1", "/etc/hostname", DAY, ""], "outside the folder"),
        (["P-1", "notes.doc", DAY, ""], "neither DICOM nor JPEG"),
        (["P-1", "knee.png", "", ""], "date of the visit is missing"),
    ],
)
def test_what_cannot_be_taken_is_refused(
    take: Take, admin: User, album: Path, cells: list[str], words: str
) -> None:
    take([row()])

    result, _refused = take_log(album, admin, cells)

    assert result.refused == 1
    assert words in result.problems[0]["reason"]
    assert spool.is_empty()


def test_a_link_out_of_the_folder_is_not_followed(take: Take, admin: User, album: Path) -> None:
    take([row()])
    (album / "link.png").symlink_to(album.parent / "secret.png")

    result, _refused = take_log(album, admin, ["P-1", "link.png", DAY, ""])

    assert "outside the folder" in result.problems[0]["reason"]


def test_dicom_files_go_in_byte_for_byte_and_only_under_their_own_name(
    take: Take, admin: User, album: Path
) -> None:
    jane = make_patient(mrn="P-1", family_name="Roe", given_name="Jane")
    other = make_patient(mrn="P-2", family_name="Poe", given_name="Ann")
    for name, patient in (("jane.dcm", jane), ("ann.dcm", other)):
        (image,) = slices(identity_of(patient), 1)
        image.save_as(album / name, enforce_file_format=True)

    result, _refused = take_log(album, admin, ["P-1", "jane.dcm", DAY, ""], ["P-1", "ann.dcm", DAY, ""])
    ingest_spool()

    assert (result.files, result.refused) == (1, 1)
    assert "names Jane Roe" not in result.problems[0]["reason"]
    assert "names Ann Poe (P-2), the log Jane Roe (P-1)" in result.problems[0]["reason"]
    assert Study.objects.get().patient == jane
