"""The PDF of a signed report, read back with pdftotext."""

import socket
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from django.conf import settings

from clinic.errors import InvalidInput
from clinic.models import ClinicProfile
from reporting import services
from reporting.models import ReportVersion
from reporting.pdf.render import FONTS, RenderProblem, render_pdf
from reporting.pdf.sheet import build_sheet, engine_for
from tests.factories import make_order, make_patient, make_procedure
from tests.reporting.factories import PASSWORD, make_key_image, make_reader, make_report, make_signed_report

pytestmark = [pytest.mark.django_db, pytest.mark.needs_tool("pdftotext", package="poppler-utils")]


def read_back(data: bytes, folder: Path) -> str:
    """The text of a PDF in reading order, letters in their plain form."""
    path = folder / "report.pdf"
    path.write_bytes(data)
    done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True, text=True)
    return unicodedata.normalize("NFKC", done.stdout)


def make_version(content: dict[str, str], *, name: str = "Ólafsdóttir", **clinic: str) -> ReportVersion:
    """A signed version of a report about a patient called ``name``, in a clinic with a letterhead."""
    ClinicProfile.get()
    ClinicProfile.objects.update(
        name="Cedar Village", address="12 Cedar Street", time_zone="Europe/Athens", **clinic
    )
    reader = make_reader(full_name="Dr Nguyễn Thị Hồng Ánh", title="Radiologist")
    patient = make_patient(family_name=name, given_name="", mrn="CVC-0042")
    procedure = make_procedure(name="Chest X-ray")
    return make_signed_report(
        make_order(patient, procedure=procedure, status="reading", reader=reader), content=content
    )


def paper(version: ReportVersion, folder: Path) -> str:
    return read_back(render_pdf(build_sheet(version)), folder)


def test_report_says_who_what_and_by_whom(tmp_path: Path) -> None:
    version = make_version(
        {"findings": "<p>Clear <strong>lungs</strong>.</p>", "impression": "<p>Normal.</p>"}
    )

    text = paper(version, tmp_path)

    words = [
        "Cedar Village", "12 Cedar Street", "Ólafsdóttir", "CVC-0042", "17 May 1980", "Female", "Chest X-ray",
        version.report.order.accession_number, "Clear lungs.", "Normal.",
        "Dr Nguyễn Thị Hồng Ánh, Radiologist",
        "(Europe/Athens)", "Page 1 of 1", version.content_sha256,
    ]  # fmt: skip
    assert [word for word in words if word not in text] == []


def test_images_and_captions_are_on_the_paper(tmp_path: Path) -> None:
    report = make_report(content={"findings": "<p>Nodule.</p>"})
    reader = report.order.reader
    for number in range(1, 4):
        key_image = make_key_image(report.order, caption=f"Nodule, view {number}")
        services.insert_image(report, by=reader, key_image=key_image)
    version = services.sign_report(report, by=reader, password=PASSWORD, despite_warnings=True)

    data = render_pdf(build_sheet(version))

    text = read_back(data, tmp_path)
    assert "3. Nodule, view 3" in text
    assert len(pictures(tmp_path)) == 3


def pictures(folder: Path) -> list[str]:
    """The lines of ``pdfimages`` for the report that was read back."""
    done = subprocess.run(
        ["pdfimages", "-list", folder / "report.pdf"], capture_output=True, check=True, text=True
    )
    return done.stdout.splitlines()[2:]


@pytest.mark.parametrize(
    ("name", "text", "engine"),
    [
        ("Nguyễn Thị Ánh", "Phổi hai bên sáng, không tràn dịch.", "xhtml2pdf"),
        ("Лёгких", "Лёгкие без очаговых изменений.", "xhtml2pdf"),
        ("Παπαδοπούλου", "Χωρίς παθολογικά ευρήματα από τους πνεύμονες.", "xhtml2pdf"),
        ("Güneş Åström", "Çözünürlük ≤ 5 mm", "typst"),
        ("محمد الحسيني", "لا توجد علامات لكسر في العظم", "typst"),
        ("שרה כהן", "אין ממצאים חריגים", "typst"),
        ("प्रिया शर्मा", "दोनों फेफड़े सामान्य हैं", "typst"),
        ("สมชาย ใจดี", "ปอดปกติ", "typst"),
        ("王小明", "双肺未见异常", "typst"),
        ("山田花子", "異常を認めません", "typst"),
        ("김철수", "양측 폐야에 활동성 병변은 없습니다", "typst"),
    ],
)
def test_every_script_can_be_read_back(name: str, text: str, engine: str, tmp_path: Path) -> None:
    version = make_version({"findings": f"<p>{text}</p>", "impression": "<p>Normal.</p>"}, name=name)

    sheet = build_sheet(version)
    written = read_back(render_pdf(sheet), tmp_path)

    assert engine_for(sheet) == engine
    # pdftotext sees a space where a vowel sign stands back over its letter.
    squeezed = "".join(written.split())
    words = unicodedata.normalize("NFKC", f"{name} {text}").split()
    assert [word for word in words if word not in squeezed] == []


def test_long_chinese_text_stays_on_the_page(tmp_path: Path) -> None:
    version = make_version({"findings": "<p>" + "双肺纹理清晰未见明显实质性病变" * 40 + "</p>"})

    text = paper(version, tmp_path)

    assert "".join(text.split()).count("双肺纹理清晰未见明显实质性病变") == 40


def test_report_of_many_pages_counts_them(tmp_path: Path) -> None:
    version = make_version({"findings": "<p>Line of a long report.</p>" * 400})

    text = paper(version, tmp_path)

    pages = text.count("\f")
    assert pages > 5
    assert f"Page {pages} of {pages}" in text
    assert text.count("Line of a long report.") == 400


@pytest.mark.parametrize("extra", ["", " 王"], ids=["xhtml2pdf", "typst"])
def test_addendum_is_printed_below_what_it_amends(extra: str, tmp_path: Path) -> None:
    version = make_version({"findings": f"<p>Clear lungs{extra}.</p>"})
    addendum = services.add_addendum(
        version.report, by=version.signed_by, text="<p>There is a nodule.</p>", password=PASSWORD
    )

    text = paper(addendum, tmp_path)

    assert text.index("Clear lungs") < text.index("ADDENDUM 1") < text.index("There is a nodule.")
    assert text.count("Signed electronically on") == 2


# --- hostile text -----------------------------------------------------------------------------------
@pytest.mark.parametrize("extra", ["", " 王"], ids=["xhtml2pdf", "typst"])
def test_markup_in_names_and_text_is_text(extra: str, tmp_path: Path) -> None:
    version = make_version(
        {"findings": f"<p>&lt;b&gt;bold&lt;/b&gt; #image(x) $x$ *y* @z \\n{extra}</p>"},
        name="<script>alert(1)</script>",
    )

    text = paper(version, tmp_path)

    assert "<script>alert(1)</script>" in text
    assert "<b>bold</b> #image(x) $x$ *y* @z \\n" in text


HOSTILE = [
    '<img src="file:///etc/passwd">',
    '<img src="/etc/hostname">',
    '<link rel="stylesheet" href="http://127.0.0.1:{port}/a.css">',
    "<style>@import url(http://127.0.0.1:{port}/b.css);</style>",
    "<style>@font-face {{ font-family: X; src: url(file:///etc/passwd) }}</style>",
    '<p style="background-image: url(http://127.0.0.1:{port}/c.png)">styled</p>',
    '<object data="http://127.0.0.1:{port}/d"></object><iframe src="http://127.0.0.1:{port}/e"></iframe>',
    '<pdf:include src="/etc/passwd"/><pdf:nexttemplate name="http://127.0.0.1:{port}/f"/>',
    '<svg><image href="http://127.0.0.1:{port}/g"/></svg>',
]


@pytest.mark.parametrize("attack", HOSTILE)
def test_child_reads_and_fetches_nothing_that_a_text_names(attack: str, tmp_path: Path) -> None:
    """Past the sanitiser on purpose: the engine itself must refuse, too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        (tmp_path / "report.html").write_text(
            f"<html><body><p>before</p>{attack.format(port=server.getsockname()[1])}<p>after</p></body></html>"
        )

        done = subprocess.run(
            [sys.executable, "-m", "reporting.pdf.child", "xhtml2pdf", tmp_path, FONTS],
            cwd=settings.BASE_DIR,
            capture_output=True,
            timeout=90,
            check=False,
        )

        with pytest.raises(TimeoutError):
            server.accept()
    # An attack that makes the engine give up leaves no PDF to read.
    text = read_back((tmp_path / "report.pdf").read_bytes(), tmp_path) if done.returncode == 0 else ""
    assert "root:" not in text
    assert socket.gethostname() not in text


@pytest.mark.parametrize("attack", HOSTILE)
def test_report_with_hostile_text_is_made_without_it(attack: str, tmp_path: Path) -> None:
    version = make_version({"findings": f"<p>Clear lungs.</p>{attack}"})

    text = paper(version, tmp_path)

    assert "Clear lungs." in text
    assert "root:" not in text


def test_ten_thousand_nested_tables_end_with_a_clear_refusal() -> None:
    report = make_report()

    with pytest.raises(InvalidInput) as refusal:
        services.save_draft(
            report, by=report.order.reader, revision=0, content={"findings": "<table>" * 7500}
        )

    assert refusal.value.message[:40] == "This text is nested 7500 levels deep; at"


def test_child_gives_up_a_document_that_is_nested_too_deeply(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<html><body>" + "<table><tr><td>" * 10_000 + "</body></html>")

    done = subprocess.run(
        [sys.executable, "-m", "reporting.pdf.child", "xhtml2pdf", tmp_path, FONTS],
        cwd=settings.BASE_DIR,
        capture_output=True,
        timeout=90,
        check=False,
        text=True,
    )

    assert done.returncode != 0
    assert done.stderr.strip() == "the document is nested 30002 levels deep; at most 150 are rendered"


def test_picture_that_is_gone_is_a_problem_in_words(tmp_path: Path) -> None:
    report = make_report(content={"findings": "<p>Nodule.</p>"})
    services.insert_image(report, by=report.order.reader, key_image=make_key_image(report.order))
    version = services.sign_report(report, by=report.order.reader, password=PASSWORD, despite_warnings=True)
    name = version.content["images"][0]["file"]
    Path(settings.DOCUMENTS_DIR, name).unlink()

    with pytest.raises(RenderProblem) as problem:
        render_pdf(build_sheet(version))

    assert str(problem.value) == f"the picture {name} cannot be read: No such file or directory"
