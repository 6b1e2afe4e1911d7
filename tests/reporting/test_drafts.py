"""Writing a report: opened from its template, saved, and what happens when two texts meet."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from clinic.errors import Conflict, DomainError, InvalidInput, NotAllowed
from clinic.permissions import Role
from reporting import services
from reporting.models import Report, SetAside
from scheduling.orders import claim_order, hand_back_order
from tests.factories import make_order, make_patient, make_procedure, make_user
from tests.reporting.factories import make_key_image, make_reader, make_report, make_signed_report


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """``work(0)`` … ``work(count - 1)``, each in a thread of its own; what they returned or refused."""
    results: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(place: int) -> None:
        start.wait()
        try:
            results[place] = work(place)
        except DomainError as refusal:
            results[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# --- opening ----------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_report_begins_with_its_template_and_the_reason_for_the_examination() -> None:
    reader = make_reader()
    order = make_order(indication="Cough & fever <3 days>", status="reading", reader=reader)

    report = services.open_report(order, by=reader)

    assert report.template.code == "xray-chest"
    assert report.content["clinical_information"] == "<p>Cough &amp; fever &lt;3 days&gt;</p>"
    assert report.author == reader


@pytest.mark.django_db
def test_latest_earlier_examination_of_the_modality_is_offered_for_comparison() -> None:
    reader = make_reader()
    patient = make_patient()
    make_order(patient, procedure=make_procedure(name="Chest 2024"), status="acquired")
    make_order(patient, procedure=make_procedure(name="Abdomen", modality="US"), status="acquired")
    order = make_order(patient, status="reading", reader=reader)

    report = services.open_report(order, by=reader)

    assert report.content["comparison"].startswith("<p>Chest 2024, ")


@pytest.mark.django_db
def test_only_the_reader_opens_a_report() -> None:
    order = make_order(status="reading", reader=make_reader(full_name="Dr First"))

    with pytest.raises(Conflict) as refusal:
        services.open_report(order, by=make_reader())

    assert refusal.value.message == "Dr First is reading this study. You can only look on."


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.RECEPTIONIST, Role.TECHNICIAN, Role.ADMINISTRATOR])
def test_other_roles_write_no_report(role: str) -> None:
    order = make_order(status="reading")

    with pytest.raises(NotAllowed):
        services.open_report(order, by=make_user(role))


@pytest.mark.django_db(transaction=True)
def test_many_windows_that_open_at_once_begin_one_report() -> None:
    reader = make_reader()
    order = make_order(status="reading", reader=reader)

    reports = at_once(8, lambda _place: services.open_report(order, by=reader))

    assert len({report.pk for report in reports}) == 1


# --- saving -----------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_saving_counts_revisions_and_keeps_clean_text() -> None:
    report = make_report()

    saved = services.save_draft(
        report,
        by=report.order.reader,
        revision=0,
        content={
            "findings": '<p onclick="x()">Clear<script>alert(1)</script> <b>lungs</b></p>',
            "impression": "",
        },
    )

    assert saved.revision == 1
    assert saved.content == {"findings": "<p>Clear lungs</p>"}


@pytest.mark.django_db
def test_same_text_sent_twice_is_saved_once() -> None:
    report = make_report()
    reader = report.order.reader
    services.save_draft(report, by=reader, revision=0, content={"findings": "<p>A</p>"})

    again = services.save_draft(report, by=reader, revision=0, content={"findings": "<p>A</p>"})

    assert again.revision == 1
    assert SetAside.objects.count() == 0


@pytest.mark.django_db
def test_text_of_an_older_revision_is_refused_and_set_aside() -> None:
    report = make_report()
    reader = report.order.reader
    services.save_draft(report, by=reader, revision=0, content={"findings": "<p>First</p>"})

    with pytest.raises(Conflict):
        services.save_draft(report, by=reader, revision=0, content={"findings": "<p>Second</p>"})

    report.refresh_from_db()
    assert report.content == {"findings": "<p>First</p>"}
    assert [text.content for text in report.set_aside.all()] == [{"findings": "<p>Second</p>"}]


@pytest.mark.django_db
def test_text_replaced_on_purpose_is_set_aside() -> None:
    report = make_report(content={"findings": "<p>Theirs</p>"})

    services.save_draft(
        report,
        by=report.order.reader,
        revision=1,
        content={"findings": "<p>Mine</p>"},
        replaces_deliberately=True,
    )

    assert report.set_aside.get().content == {"findings": "<p>Theirs</p>"}


@pytest.mark.django_db
def test_text_of_a_reader_who_handed_back_is_set_aside() -> None:
    first, second = make_reader(), make_reader(full_name="Dr Second")
    report = make_report(reader=first)
    hand_back_order(report.order, by=first, reason="Off duty")
    claim_order(report.order, by=second)

    with pytest.raises(Conflict) as refusal:
        services.save_draft(report, by=first, revision=0, content={"findings": "<p>Late</p>"})

    assert refusal.value.message == "Dr Second is reading this study. You can only look on."
    assert report.set_aside.get().content == {"findings": "<p>Late</p>"}


@pytest.mark.django_db
def test_text_that_comes_after_signing_is_set_aside() -> None:
    version = make_signed_report()
    signer = version.signed_by

    with pytest.raises(Conflict) as refusal:
        services.save_draft(version.report, by=signer, revision=1, content={"findings": "<p>Late</p>"})

    assert refusal.value.message[:24] == "This report is signed an"
    assert version.report.set_aside.get().content == {"findings": "<p>Late</p>"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"conclusion": "<p>x</p>"},
            "There is no section “conclusion” in this report; there are: ",
        ),
        ({"findings": 3}, "The text of a report is one text for each section."),
        (
            {"findings": "x" * 60_001},
            "This text has 60001 characters with its formatting; at most 60000",
        ),
        (
            {"findings": "<ul><li>" * 5000},
            "This text is nested 10000 levels deep; at most 60 are",
        ),
    ],
)
def test_bad_text_is_refused_with_what_was_read(content: dict, message: str) -> None:
    report = make_report()

    with pytest.raises(InvalidInput) as refusal:
        services.save_draft(report, by=report.order.reader, revision=0, content=content)

    assert refusal.value.message[: len(message)] == message


@pytest.mark.django_db
def test_characters_that_no_database_keeps_are_left_out() -> None:
    report = make_report()

    saved = services.save_draft(
        report, by=report.order.reader, revision=0, content={"findings": "<p>a\x00b\ud800c</p>"}
    )

    assert saved.content == {"findings": "<p>abc</p>"}


@pytest.mark.django_db(transaction=True)
def test_racing_saves_of_two_windows_lose_no_text() -> None:
    """24 texts at once from two windows that both saw revision 0: one is saved, the others are kept."""
    report = make_report()
    reader = report.order.reader
    texts = [{"findings": f"<p>Window {place % 2}, text {place}</p>"} for place in range(24)]

    results = at_once(
        24, lambda place: services.save_draft(report, by=reader, revision=0, content=texts[place])
    )

    refused = [result for result in results if isinstance(result, Conflict)]
    report.refresh_from_db()
    kept = [report.content, *(text.content for text in report.set_aside.all())]
    assert len(refused) == 23
    assert sorted(text["findings"] for text in kept) == sorted(text["findings"] for text in texts)


# --- templates and images ---------------------------------------------------------------------------
@pytest.mark.django_db
def test_another_template_keeps_what_was_written() -> None:
    report = make_report(content={"findings": "<p>Clear</p>", "recommendation": "<p>None</p>"})
    template = report.template
    template.pk, template.code, template.sections = None, "short", [{"key": "findings", "title": "Findings"}]
    template.save()

    changed = services.change_template(report, by=report.order.reader, template=template)

    assert changed.content == {"findings": "<p>Clear</p>"}
    assert report.set_aside.get().content == {"findings": "<p>Clear</p>", "recommendation": "<p>None</p>"}


@pytest.mark.django_db
def test_image_goes_in_once_at_the_end_and_can_be_moved() -> None:
    report = make_report()
    reader = report.order.reader
    key_images = [make_key_image(report.order, caption=f"Image {number}") for number in range(3)]
    images = [
        services.insert_image(report, by=reader, key_image=each) for each in [*key_images, key_images[0]]
    ]

    services.move_image(images[2], by=reader, steps=-5)

    assert [image.caption for image in report.images.all()] == ["Image 2", "Image 0", "Image 1"]


@pytest.mark.django_db
def test_image_of_another_patient_is_refused() -> None:
    report = make_report()
    other = make_key_image(make_order(status="acquired"))

    with pytest.raises(InvalidInput) as refusal:
        services.insert_image(report, by=report.order.reader, key_image=other)

    assert refusal.value.message == "This image is of another patient and cannot go into this report."
    assert report.images.count() == 0


@pytest.mark.django_db
def test_signed_report_takes_no_image() -> None:
    version = make_signed_report()
    key_image = make_key_image(version.report.order)

    with pytest.raises(Conflict):
        services.insert_image(version.report, by=version.signed_by, key_image=key_image)


@pytest.mark.django_db
def test_report_is_found_again_by_the_next_reader() -> None:
    first, second = make_reader(), make_reader()
    report = make_report(reader=first, content={"findings": "<p>Begun</p>"})
    hand_back_order(report.order, by=first, reason="Needs a second look")
    claim_order(report.order, by=second)

    found = services.open_report(report.order, by=second)

    assert found.content == {"findings": "<p>Begun</p>"}
    assert Report.objects.count() == 1
