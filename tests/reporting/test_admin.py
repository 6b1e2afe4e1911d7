"""Report templates in the settings."""

import pytest
from django.test import Client
from django.urls import reverse

from clinic.errors import NotAllowed
from clinic.permissions import Role
from reporting.models import ReportTemplate
from reporting.report_templates import revise_template
from tests.factories import make_user
from tests.reporting.factories import make_reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator_client(client: Client) -> Client:
    client.force_login(make_user(Role.ADMINISTRATOR), backend="django.contrib.auth.backends.ModelBackend")
    return client


def chest() -> ReportTemplate:
    return ReportTemplate.objects.offered().get(code="xray-chest")


def fields_of(template: ReportTemplate, **changes: str) -> dict[str, str]:
    """What the form of ``template`` sends when ``changes`` are made in it."""
    fields = {
        "name": template.name, "modality": template.modality, "body_part": template.body_part,
        "source": template.source, "is_active": "on",
    }  # fmt: skip
    for section in template.sections:
        for part in ("title", "initial", "normal"):
            fields[f"{section['key']}_{part}"] = section[part]
    return fields | changes


def test_every_template_can_be_opened(administrator_client: Client) -> None:
    for template in ReportTemplate.objects.all():
        page = administrator_client.get(reverse("admin:reporting_reporttemplate_change", args=[template.pk]))

        assert page.status_code == 200
    assert f'nonce="{page.wsgi_request.csp_nonce}"' in page.content.decode()


def test_change_is_saved_as_the_next_version(administrator_client: Client) -> None:
    template = chest()
    url = reverse("admin:reporting_reporttemplate_change", args=[template.pk])

    administrator_client.post(
        url, fields_of(template, findings_normal="<p>Clear<script>x</script></p>", comparison_title="")
    )

    revised = chest()
    template.refresh_from_db()
    assert (revised.version, template.is_active) == (2, False)
    assert "comparison" not in [section["key"] for section in revised.sections]
    assert [s["normal"] for s in revised.sections if s["key"] == "findings"] == ["<p>Clear</p>"]


def test_withdrawn_template_is_not_offered(administrator_client: Client) -> None:
    template = chest()
    fields = fields_of(template)
    del fields["is_active"]

    administrator_client.post(reverse("admin:reporting_reporttemplate_change", args=[template.pk]), fields)

    assert not ReportTemplate.objects.offered().filter(code="xray-chest").exists()


def test_new_template_begins_at_version_one(administrator_client: Client) -> None:
    fields = fields_of(chest(), code="tb-screening", name="TB screening")

    administrator_client.post(reverse("admin:reporting_reporttemplate_add"), fields)

    assert ReportTemplate.objects.get(code="tb-screening").version == 1


def test_code_in_use_is_refused_with_words(administrator_client: Client) -> None:
    page = administrator_client.post(
        reverse("admin:reporting_reporttemplate_add"), fields_of(chest(), code="us-abdomen")
    )

    assert "There is a template with this code already." in page.content.decode()


def test_old_version_is_read_only_and_can_be_offered_again(administrator_client: Client) -> None:
    template = chest()
    url = reverse("admin:reporting_reporttemplate_change", args=[template.pk])
    administrator_client.post(url, fields_of(template, name="Second"))

    refused = administrator_client.post(url, fields_of(template, name="Third"))
    administrator_client.post(
        reverse("admin:reporting_reporttemplate_changelist"),
        {"action": "offer", "_selected_action": [template.pk]},
    )

    assert refused.status_code == 403
    assert chest() == template


def test_only_the_administrator_changes_templates() -> None:
    with pytest.raises(NotAllowed):
        revise_template(chest(), by=make_reader(), sections=chest().sections)
