"""Shipped templates, the choice among them, and their versions."""

import json

import pytest

from clinic.errors import InvalidInput
from reporting import report_templates
from reporting.models import ReportTemplate
from reporting.report_templates import (
    SECTION_KEYS,
    SHIPPED,
    choose_template,
    clean_fields,
    clean_sections,
    revise_template,
    ship_templates,
)
from reporting.richtext import clean_html, plain_text
from tests.factories import make_everyone, make_order, make_procedure
from tests.reporting.factories import make_report

FILES = sorted(SHIPPED.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_template_is_whole_and_clean(path) -> None:
    template = json.loads(path.read_text(encoding="utf-8"))

    assert template["code"] == path.stem
    assert template["source"].endswith("Text by Cedar.")
    assert [section["key"] for section in template["sections"]] == SECTION_KEYS
    for section in template["sections"]:
        assert section["title"]
        assert clean_html(section["initial"]) == section["initial"]
        assert clean_html(section["normal"]) == section["normal"]
        assert clean_fields(section.get("fields", "")) == section.get("fields", "")
    normal = {section["key"]: plain_text(section["normal"]) for section in template["sections"]}
    assert normal["findings"]
    assert normal["impression"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("procedure", "code"),
    [
        ({"modality": "DX", "body_part": "CHEST"}, "xray-chest"),
        ({"modality": "CR", "body_part": "chest"}, "xray-chest"),
        ({"modality": "DX", "body_part": "KNEE"}, "xray-bone"),
        ({"modality": "DX", "body_part": "ABDOMEN"}, "general"),
        ({"modality": "DX", "body_part": ""}, "general"),
        ({"modality": "US", "body_part": "ABDOMEN"}, "us-abdomen"),
        ({"modality": "US", "body_part": "NECK"}, "us-general"),
        ({"modality": "CT", "body_part": "CHEST"}, "ct-chest"),
        ({"modality": "CT", "body_part": "ABDOMEN"}, "ct-abdomen"),
        ({"modality": "CT", "body_part": "HEAD"}, "ct-head"),
        ({"modality": "CT", "body_part": "FOOT"}, "ct-general"),
        ({"modality": "MR", "body_part": "KNEE"}, "mr-knee"),
        ({"modality": "MR", "body_part": "LSPINE"}, "mr-spine"),
        ({"modality": "MR", "body_part": "FOOT"}, "general"),
        ({"modality": "MG", "body_part": "BREAST"}, "mg-breast"),
        ({"modality": "US", "body_part": "BREAST"}, "us-breast"),
        ({"modality": "US", "body_part": "PREGNANCY"}, "us-ob-growth"),
        ({"modality": "DX", "body_part": "CHEST", "report_template_code": "us-abdomen"}, "us-abdomen"),
        ({"modality": "DX", "body_part": "CHEST", "report_template_code": "no-such"}, "xray-chest"),
    ],
)
def test_template_is_chosen_by_code_then_body_part_then_modality(procedure: dict, code: str) -> None:
    order = make_order(procedure=make_procedure(**procedure))

    assert choose_template(order).code == code


@pytest.mark.django_db
def test_shipping_again_changes_nothing() -> None:
    before = list(ReportTemplate.objects.values_list("pk", "version"))

    shipped = ship_templates()

    assert shipped == []
    assert list(ReportTemplate.objects.values_list("pk", "version")) == before


def ship_changed(tmp_path, monkeypatch) -> None:
    """Ship a chest template with another name, as a new release of Cedar would."""
    template = json.loads((SHIPPED / "xray-chest.json").read_text(encoding="utf-8"))
    (tmp_path / "xray-chest.json").write_text(json.dumps(template | {"name": "Chest, new"}), encoding="utf-8")
    monkeypatch.setattr(report_templates, "SHIPPED", tmp_path)
    ship_templates()


@pytest.mark.django_db
def test_new_release_replaces_the_shipped_version(tmp_path, monkeypatch) -> None:
    ship_changed(tmp_path, monkeypatch)

    offered = ReportTemplate.objects.offered().get(code="xray-chest")
    assert (offered.name, offered.version) == ("Chest, new", 2)


@pytest.mark.django_db
def test_new_release_leaves_what_the_clinic_wrote(tmp_path, monkeypatch) -> None:
    template = ReportTemplate.objects.offered().get(code="xray-chest")
    revise_template(template, by=make_everyone(), sections=template.sections, name="Our chest")

    ship_changed(tmp_path, monkeypatch)

    offered = ReportTemplate.objects.offered().get(code="xray-chest")
    assert (offered.name, offered.version) == ("Our chest", 2)
    assert ReportTemplate.objects.filter(code="xray-chest").count() == 3


@pytest.mark.django_db
def test_changed_template_is_a_new_version_and_old_reports_keep_theirs() -> None:
    report = make_report()
    template = report.template
    sections = [{"key": "findings", "title": "What we saw", "normal": "<p>Nothing<script>x</script></p>"}]

    revised = revise_template(template, by=make_everyone(), sections=sections)

    report.refresh_from_db()
    assert report.template == template
    assert revised.version == template.version + 1
    assert revised.sections == [
        {"key": "findings", "title": "What we saw", "initial": "", "normal": "<p>Nothing</p>", "fields": ""}
    ]
    assert choose_template(report.order) == revised


@pytest.mark.parametrize(
    "sections",
    [
        [],
        [{"key": "summary"}],
        [{"key": "findings"}, {"key": "findings"}],
        [{"key": "technique"}],
    ],
)
def test_sections_that_make_no_report_are_refused(sections: list) -> None:
    with pytest.raises(InvalidInput):
        clean_sections(sections)
