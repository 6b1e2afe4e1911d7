"""Fields of a report: named by a template's lines, entered, calculated, signed."""

import datetime as dt

import pytest

from clinic.errors import InvalidInput
from reporting import services
from reporting.fields import calculated, field_lines, parse_fields, problems
from reporting.models import Report, ReportTemplate
from reporting.pdf.sheet import build_sheet
from tests.reporting.factories import PASSWORD, make_report

EARLY = """crl | Crown–rump length | number | mm | 5–84
heart | Heartbeat | choice | Seen; Not seen
lmp | Last period | date
note | Seen by | text
ga | Gestational age | calculated | gestational_age_crl(crl)
edd | Due date | calculated | due_date_crl(crl)"""
SECTIONS = [{"key": "findings", "title": "Findings", "initial": "", "normal": "", "fields": EARLY}]
DAY = dt.date(2026, 3, 1)


@pytest.fixture
def report(db) -> Report:
    report = make_report()
    report.template = ReportTemplate.objects.create(code="early", name="Early", sections=SECTIONS)
    report.content = {}
    report.save(update_fields=["template", "content"])
    return report


def save(report: Report, content: dict[str, str]) -> Report:
    return services.save_draft(report, by=report.author, revision=report.revision, content=content)


def test_lines_become_fields() -> None:
    crl, heart, *_others, ga, _edd = parse_fields(EARLY)

    assert (crl.key, crl.label, crl.kind, crl.unit, crl.low, crl.high) == (
        "crl",
        "Crown–rump length",
        "number",
        "mm",
        5,
        84,
    )
    assert heart.choices == (("Seen", 0.0), ("Not seen", 0.0))
    assert (ga.formula, ga.inputs) == ("gestational_age_crl", ("crl",))


def test_points_of_a_choice_stand_in_brackets() -> None:
    field = parse_fields("margin | Margin | choice | Smooth (0); Lobulated or irregular (2)")[0]

    assert field.choices == (("Smooth", 0.0), ("Lobulated or irregular", 2.0))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("crl", "name | label | kind"),
        ("Crl | Length | number", "small letters"),
        ("crl | | number", "label is missing"),
        ("crl | Length | lenght", "“lenght”"),
        ("crl | Length | number | mm | five", "“five”"),
        ("side | Side | choice | left", "at least two answers"),
        ("ga | Age | calculated | gestational_age_crl(crl)", "named above it"),
        ("ga | Age | calculated | 2+2", "“2+2”"),
    ],
)
def test_a_line_that_is_not_understood_is_named(line: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_fields(f"ok | Fine | text\n{line}")

    assert refused.value.message.startswith("Line 2 of the fields")
    assert says in refused.value.message


def test_what_is_entered_is_calculated_with() -> None:
    found = calculated(SECTIONS, {"findings.crl": "45"}, DAY)

    assert found == {"findings.ga": "11 w 2 d", "findings.edd": "18 September 2026"}


@pytest.mark.parametrize(
    ("entered", "shown"),
    [
        ("", ""),
        ("45,0", "11 w 2 d"),
        ("forty", ""),
        ("200", "cannot be calculated: 5–84 mm is what the table covers"),
    ],
)
def test_a_missing_or_impossible_length_gives_no_age(entered: str, shown: str) -> None:
    assert calculated(SECTIONS, {"findings.crl": entered}, DAY)["findings.ga"] == shown


def test_lines_for_the_report_name_what_is_unusual() -> None:
    content = {"findings.crl": "90", "findings.heart": "Seen", "findings.lmp": "2026-01-01"}

    lines = field_lines(SECTIONS[0], content, DAY)

    assert [(line["label"], line["value"], line["range"], line["is_unusual"]) for line in lines[:3]] == [
        ("Crown–rump length", "90 mm", "5–84 mm", True),
        ("Heartbeat", "Seen", "", False),
        ("Last period", "1 January 2026", "", False),
    ]


def test_what_is_entered_is_saved_with_the_text(report: Report) -> None:
    saved = save(
        report, {"findings": "<p>One embryo.</p>", "findings.crl": " 45 ", "findings.note": "a\x00b"}
    )

    assert saved.content == {"findings": "<p>One embryo.</p>", "findings.crl": "45", "findings.note": "a b"}


def test_a_slip_is_kept_and_stops_the_signature(report: Report) -> None:
    saved = save(report, {"findings": "<p>One embryo.</p>", "findings.crl": "4S"})

    with pytest.raises(InvalidInput) as refused:
        services.sign_report(saved, by=report.author, password=PASSWORD, despite_warnings=True)

    saved.refresh_from_db()
    assert saved.content["findings.crl"] == "4S"
    assert saved.status == "draft"
    assert refused.value.message == "Crown–rump length was read as “4S”; accepted is a number such as 12.5."
    assert problems(SECTIONS, saved.content) == {"findings.crl": refused.value.message}


def test_a_choice_that_is_not_offered_is_refused_at_signing(report: Report) -> None:
    saved = save(report, {"findings.heart": "Perhaps"})

    with pytest.raises(InvalidInput, match="Seen; Not seen"):
        services.sign_report(saved, by=report.author, password=PASSWORD, despite_warnings=True)


def test_the_signed_version_keeps_values_and_results(report: Report) -> None:
    saved = save(report, {"findings.crl": "45"})

    version = services.sign_report(saved, by=report.author, password=PASSWORD, despite_warnings=True)

    lines = version.content["sections"][0]["fields"]
    assert [(line["label"], line["value"]) for line in lines][:2] == [
        ("Crown–rump length", "45 mm"),
        ("Gestational age", "11 w 2 d"),
    ]
    assert build_sheet(version)["sections"][0]["fields"] == lines


def test_another_template_sets_the_entries_aside(report: Report) -> None:
    saved = save(report, {"findings": "<p>One embryo.</p>", "findings.crl": "45"})
    other = ReportTemplate.objects.create(
        code="late", name="Late", sections=[{"key": "findings", "title": "Findings"}]
    )

    changed = services.change_template(saved, by=report.author, template=other)

    assert changed.content == {"findings": "<p>One embryo.</p>"}
    assert [aside.content for aside in changed.set_aside.all()] == [
        {"findings": "<p>One embryo.</p>", "findings.crl": "45"}
    ]
