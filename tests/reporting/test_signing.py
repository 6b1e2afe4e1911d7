"""Signing: once, by the right person, frozen with a hash, and never changed by anything afterwards."""

import hashlib
import json
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django_q.models import OrmQ

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.models import ClinicProfile
from clinic.permissions import Role
from reporting import services
from reporting.models import ReportVersion
from reporting.services.signing import Unconfirmed
from tests.factories import make_order, make_patient, make_user
from tests.reporting.factories import PASSWORD, make_key_image, make_reader, make_report, make_signed_report
from tests.reporting.test_drafts import at_once

WRITTEN = {"findings": "<p>Clear lungs.</p>", "impression": "<p>Normal chest.</p>"}


# --- who and when -----------------------------------------------------------------------------------
@pytest.mark.django_db
def test_signing_makes_the_report_final_and_the_order_reported() -> None:
    report = make_report(content=WRITTEN)

    version = services.sign_report(report, by=report.order.reader, password=PASSWORD)

    report.refresh_from_db()
    report.order.refresh_from_db()
    assert (report.status, report.signed_by, report.order.status) == ("final", version.signed_by, "reported")
    assert [job.task["func"] for job in OrmQ.objects.all()] == ["reporting.tasks.render_report_pdf"]
    assert Entry.objects.filter(action="report.signed", patient_id=report.order.patient_id).count() == 1


@pytest.mark.django_db
def test_wrong_password_signs_nothing_and_is_on_record() -> None:
    report = make_report(content=WRITTEN)

    with pytest.raises(InvalidInput) as refusal:
        services.sign_report(report, by=report.order.reader, password="guess")

    report.refresh_from_db()
    assert (
        refusal.value.message == "The password is wrong; nothing was signed. It is the one you sign in with."
    )
    assert report.status == "draft"
    assert Entry.objects.filter(action="report.sign_refused").count() == 1


@pytest.mark.django_db
def test_password_is_not_guessed_by_trying() -> None:
    report = make_report(content=WRITTEN)
    for _guess in range(5):
        with pytest.raises(InvalidInput):
            services.sign_report(report, by=report.order.reader, password="guess")

    with pytest.raises(NotAllowed) as refusal:
        services.sign_report(report, by=report.order.reader, password=PASSWORD)

    assert refusal.value.message == (
        "The password was wrong too often. Try again in 15 minutes; your text is saved."
    )


@pytest.mark.django_db
def test_only_who_may_sign_signs() -> None:
    report = make_report(content=WRITTEN)

    with pytest.raises(NotAllowed):
        services.sign_report(report, by=make_user(Role.ADMINISTRATOR), password=PASSWORD)


@pytest.mark.django_db
def test_another_radiologist_does_not_sign_the_readers_report() -> None:
    report = make_report(content=WRITTEN)

    with pytest.raises(Conflict):
        services.sign_report(report, by=make_reader(), password=PASSWORD)

    assert ReportVersion.objects.count() == 0


@pytest.mark.django_db
def test_text_that_the_signer_has_not_seen_is_not_signed() -> None:
    report = make_report(content=WRITTEN)

    with pytest.raises(Conflict) as refusal:
        services.sign_report(report, by=report.order.reader, password=PASSWORD, revision=0)

    assert refusal.value.message == "The text was changed meanwhile. Look at it again before you sign."


@pytest.mark.django_db
def test_report_without_findings_and_impression_is_not_signed() -> None:
    report = make_report(content={"technique": "<p>PA.</p>", "findings": "<p> &nbsp; </p>"})

    with pytest.raises(InvalidInput) as refusal:
        services.sign_report(report, by=report.order.reader, password=PASSWORD, despite_warnings=True)

    assert refusal.value.message == "Write the findings or the impression before you sign."


@pytest.mark.django_db
def test_warnings_have_to_be_confirmed() -> None:
    report = make_report(content={"findings": "<p>Clear lungs.</p>"})
    reader = report.order.reader

    with pytest.raises(Unconfirmed) as refusal:
        services.sign_report(report, by=reader, password=PASSWORD)
    version = services.sign_report(report, by=reader, password=PASSWORD, despite_warnings=True)

    assert [warning.code for warning in refusal.value.warnings] == ["no_impression"]
    assert version.number == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_signatures_at_once_one_counts() -> None:
    report = make_report(content=WRITTEN)
    reader = report.order.reader

    results = at_once(6, lambda _place: services.sign_report(report, by=reader, password=PASSWORD))

    assert len([result for result in results if isinstance(result, Conflict)]) == 5
    assert ReportVersion.objects.count() == 1
    assert OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_saves_that_race_with_the_signature_change_nothing_signed() -> None:
    report = make_report(content=WRITTEN)
    reader = report.order.reader

    def work(place: int) -> object:
        if place == 0:
            return services.sign_report(report, by=reader, password=PASSWORD)
        return services.save_draft(report, by=reader, revision=1, content={"findings": f"<p>{place}</p>"})

    at_once(8, work)

    report.refresh_from_db()
    texts = [report.content["findings"], *(text.content["findings"] for text in report.set_aside.all())]
    version = ReportVersion.objects.filter(report=report).first()
    assert {f"<p>{place}</p>" for place in range(1, 8)} <= set(texts) | {WRITTEN["findings"]}
    if version is not None:
        signed = {section["key"]: section["html"] for section in version.content["sections"]}
        assert signed["findings"] == report.content["findings"]


# --- what is frozen ---------------------------------------------------------------------------------
@pytest.mark.django_db
def test_version_holds_everything_the_paper_shows() -> None:
    ClinicProfile.get()
    ClinicProfile.objects.update(name="Cedar Village", time_zone="Europe/Athens")
    reader = make_reader(full_name="Dr Amara Okafor", title="Radiologist")
    order = make_order(make_patient(mrn="CVC-7"), status="reading", reader=reader)
    report = make_report(order, content=WRITTEN)
    services.insert_image(report, by=reader, key_image=make_key_image(order, caption="Apex"))

    content = services.sign_report(report, by=reader, password=PASSWORD).content

    picture = Path(settings.DOCUMENTS_DIR) / content["images"][0]["file"]
    assert content["clinic"]["name"] == "Cedar Village"
    assert content["patient"]["mrn"] == "CVC-7"
    assert content["order"]["accession_number"] == order.accession_number
    assert content["signer"] == {"name": "Dr Amara Okafor", "title": "Radiologist"}
    assert [section["key"] for section in content["sections"]] == ["findings", "impression"]
    assert content["images"][0]["caption"] == "Apex"
    assert hashlib.sha256(picture.read_bytes()).hexdigest() == content["images"][0]["sha256"]


@pytest.mark.django_db
def test_hash_is_over_the_canonical_content_as_the_database_keeps_it() -> None:
    version = make_signed_report()
    version.refresh_from_db()

    canonical = json.dumps(version.content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert version.content_sha256 == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.django_db
def test_addendum_is_a_version_of_its_own_and_leaves_the_report() -> None:
    version = make_signed_report()
    report, signer = version.report, version.signed_by

    addendum = services.add_addendum(report, by=signer, text="<p>Also a nodule.</p>", password=PASSWORD)

    version.refresh_from_db()
    assert (addendum.number, addendum.kind) == (2, "addendum")
    assert addendum.content["amends"] == [{"number": 1, "sha256": version.content_sha256}]
    assert addendum.content["sections"][0]["html"] == "<p>Also a nodule.</p>"
    assert [section["key"] for section in version.content["sections"]] == ["findings", "impression"]


@pytest.mark.django_db
def test_draft_takes_no_addendum() -> None:
    report = make_report(content=WRITTEN)

    with pytest.raises(Conflict):
        services.add_addendum(report, by=report.order.reader, text="<p>x</p>", password=PASSWORD)


# --- plain SQL --------------------------------------------------------------------------------------
FORBIDDEN = [
    "UPDATE reporting_reportversion SET content = '{}'",
    "UPDATE reporting_reportversion SET content_sha256 = 'x'",
    "UPDATE reporting_reportversion SET signed_by_id = signed_by_id + 1",
    "UPDATE reporting_reportversion SET signed_at = now()",
    "UPDATE reporting_reportversion SET pdf = 'x', pdf_sha256 = 'x', content = '{}'",
    "DELETE FROM reporting_reportversion",
    "UPDATE reporting_report SET content = '{}'",
    "UPDATE reporting_report SET status = 'draft'",
    "UPDATE reporting_report SET signed_by_id = author_id, signed_at = now()",
    "DELETE FROM reporting_report",
    "UPDATE reporting_reportimage SET caption = 'x'",
    "DELETE FROM reporting_reportimage",
    "INSERT INTO reporting_reportimage (report_id, key_image_id, position, caption)"
    " SELECT report_id, key_image_id, 9, 'x' FROM reporting_reportimage",
]


@pytest.mark.django_db
@pytest.mark.parametrize("statement", FORBIDDEN)
def test_plain_sql_changes_nothing_signed(statement: str) -> None:
    report = make_report(content=WRITTEN)
    services.insert_image(report, by=report.order.reader, key_image=make_key_image(report.order))
    services.sign_report(report, by=report.order.reader, password=PASSWORD)

    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert str(refusal.value).splitlines()[0] == "A signed report cannot be changed."


@pytest.mark.django_db
def test_truncate_is_refused_outside_tests() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE reporting_reportversion ENABLE TRIGGER reporting_version_no_truncate")

        with pytest.raises(DatabaseError) as refusal, transaction.atomic():
            cursor.execute("TRUNCATE reporting_report CASCADE")

    assert str(refusal.value).splitlines()[0] == "A signed report cannot be changed."


@pytest.mark.django_db
def test_pdf_is_written_once() -> None:
    version = make_signed_report()
    version.pdf, version.pdf_sha256 = "reports/a.pdf", "0" * 64
    version.save(update_fields=["pdf", "pdf_sha256"])

    with pytest.raises(DatabaseError), transaction.atomic():
        ReportVersion.objects.filter(pk=version.pk).update(pdf="reports/b.pdf")

    version.refresh_from_db()
    assert version.pdf == "reports/a.pdf"


@pytest.mark.django_db
def test_an_image_that_went_to_another_patient_is_not_signed() -> None:
    report = make_report(content={"findings": "<p>Clear.</p>", "impression": "<p>Normal.</p>"})
    key_image = make_key_image(report.order)
    services.insert_image(report, by=report.order.reader, key_image=key_image)
    key_image.study.patient = make_patient()
    key_image.study.save()

    with pytest.raises(InvalidInput, match="no longer of this patient"):
        services.sign_report(report, by=report.order.reader, password=PASSWORD)

    report.refresh_from_db()
    assert report.status == "draft"
