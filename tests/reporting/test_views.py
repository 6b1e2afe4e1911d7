"""The pages of the reading room and of the results."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from clinic.models import User
from clinic.permissions import Role
from reporting import services, tasks
from reporting.models import Release, Report, Subspecialty
from scheduling.models import Order
from scheduling.services import claim_order
from tests.factories import make_order, make_patient, make_procedure, make_user
from tests.reporting.factories import PASSWORD, make_key_image, make_reader, make_report, make_signed_report

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(client: Client, url: str, **headers: str) -> str:
    answer = client.get(url, **headers)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


@pytest.fixture
def reader() -> User:
    return make_reader(full_name="Dr Reader")


# --- reading list -----------------------------------------------------------------------------------
def test_list_is_ordered_by_priority_then_age(reader: User) -> None:
    orders = [
        make_order(status="acquired", priority=priority)
        for priority in ("routine", "urgent", "stat", "routine", "stat")
    ]

    text = page(as_user(reader), reverse("reporting:reading_list"))

    places = [text.index(f'id="order-{orders[place].pk}"') for place in (2, 4, 1, 0, 3)]
    assert places == sorted(places)


def test_list_holds_what_is_to_be_read_and_says_by_whom(reader: User) -> None:
    other = make_reader(full_name="Dr Other")
    make_order(status="reading", reader=other)
    for status in ("scheduled", "reported", "released", "cancelled"):
        make_order(status=status)

    text = page(as_user(reader), reverse("reporting:reading_list"))

    assert text.count('id="order-') == 1
    assert '<span class="chip" data-status="reading">Dr Other</span>' in text


def test_mine_shows_only_what_i_have_claimed(reader: User) -> None:
    mine = make_order(status="reading", reader=reader)
    make_order(status="acquired")

    text = page(as_user(reader), reverse("reporting:reading_list") + "?whose=mine")

    assert text.count('id="order-') == 1
    assert f'id="order-{mine.pk}"' in text


def test_my_subspecialty_is_of_my_modalities_or_my_body_parts(reader: User) -> None:
    by_modality = make_order(status="acquired", procedure=make_procedure(modality="CT", body_part="HEAD"))
    by_part = make_order(status="acquired", procedure=make_procedure(modality="US", body_part="KNEE"))
    make_order(status="acquired", procedure=make_procedure(modality="US", body_part="ABDOMEN"))
    client = as_user(reader)

    kept = client.post(reverse("reporting:subspecialty_choose"), {"modality": ["CT"], "body_part": ["KNEE"]})
    text = page(client, kept.url)

    assert re.findall(r'<tr id="order-(\d+)"', text) == [str(by_modality.pk), str(by_part.pk)]
    assert re.findall(r'id="whose-(\w+)"[^>]*>[^<]*<b class="num">(\d+)', text) == [
        ("all", "3"),
        ("subspecialty", "2"),
        ("mine", "0"),
    ]
    assert Entry.objects.get(action="subspecialty.chosen").changes == {"subspecialty": ["", "CT, KNEE"]}


def test_whoever_has_chosen_no_subspecialty_sees_everything(reader: User) -> None:
    order = make_order(status="acquired")

    text = page(as_user(reader), reverse("reporting:reading_list") + "?whose=subspecialty")

    assert f'id="order-{order.pk}"' in text


def test_a_subspecialty_that_is_not_in_the_catalogue_is_refused(reader: User) -> None:
    make_procedure(modality="CT", body_part="HEAD")

    answer = as_user(reader).post(reverse("reporting:subspecialty_choose"), {"body_part": ["TAIL"]})

    assert answer.status_code == 400
    assert "Not in the catalogue: TAIL." in answer.content.decode()
    assert not Subspecialty.objects.exists()


def test_next_of_my_subspecialty_leaves_the_others_to_others(reader: User) -> None:
    make_order(status="acquired", priority="stat", procedure=make_procedure(modality="US"))
    mine = make_order(status="acquired", procedure=make_procedure(modality="CT"))
    Subspecialty.objects.create(reader=reader, modalities=["CT"])

    answer = as_user(reader).post(reverse("reporting:reading_next"), {"whose": "subspecialty"})

    assert answer.url == reverse("reporting:read", args=[mine.pk])


def test_a_claim_that_comes_too_late_says_who_has_it_and_leaves_the_list(reader: User) -> None:
    order = make_order(status="acquired")
    claim_order(order, by=make_reader(full_name="Dr Quick"))

    answer = as_user(reader).post(
        reverse("reporting:order_claim", args=[order.pk]), headers={"HX-Request": "true"}
    )

    assert (answer.status_code, answer["HX-Retarget"]) == (409, "#messages")
    assert "Dr Quick is reading this study already. Choose another one." in answer.content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_list_asks_the_database_the_same_number_of_questions(
    count: int, reader: User, django_assert_num_queries: Any
) -> None:
    for _number in range(count):
        order = make_order(status="reading", reader=make_reader())
        make_key_image(order)
        services.open_report(order, by=order.reader)
    client = as_user(reader)
    client.get(reverse("reporting:reading_list"))

    with django_assert_num_queries(9):
        client.get(reverse("reporting:reading_list"))


def test_next_opens_the_most_urgent_and_claims_it(reader: User) -> None:
    make_order(status="acquired")
    stat = make_order(status="acquired", priority="stat")

    answer = as_user(reader).post(reverse("reporting:reading_next"))

    stat.refresh_from_db()
    assert answer.url == reverse("reporting:read", args=[stat.pk])
    assert stat.reader == reader


def test_next_leaves_out_what_others_read_and_what_one_comes_from(reader: User) -> None:
    make_order(status="reading", reader=make_reader(), priority="stat")
    here = make_order(status="reading", reader=reader, priority="urgent")
    free = make_order(status="acquired")

    answer = as_user(reader).post(reverse("reporting:reading_next"), {"skip": here.pk})

    assert answer.url == reverse("reporting:read", args=[free.pk])


def test_next_without_work_says_so(reader: User) -> None:
    answer = as_user(reader).post(reverse("reporting:reading_next"), follow=True)

    assert "No study waits for a reader now." in answer.content.decode()


# --- desk -------------------------------------------------------------------------------------------
def test_desk_shows_who_and_why_beside_the_editor(reader: User) -> None:
    patient = make_patient(family_name="<b>Ólafsdóttir</b>", mrn="CVC-9", alerts="Iodine allergy")
    order = make_order(patient, status="reading", reader=reader, indication="Fever & <cough>")

    text = page(as_user(reader), reverse("reporting:read", args=[order.pk]))

    for shown in [
        "&lt;b&gt;Ólafsdóttir&lt;/b&gt;",
        "CVC-9",
        "Iodine allergy",
        "Fever &amp; &lt;cough&gt;",
        'data-section="findings"',
    ]:
        assert shown in text
    assert Report.objects.get(order=order).author == reader


def test_desk_is_for_looking_on_until_the_study_is_claimed(reader: User) -> None:
    order = make_order(status="acquired")
    client = as_user(reader)

    before = page(client, reverse("reporting:read", args=[order.pk]))
    answer = client.post(reverse("reporting:order_claim", args=[order.pk]), follow=True)

    assert "Nobody reads this study yet." in before
    assert 'data-section="findings"' not in before
    assert 'data-section="findings"' in answer.content.decode()


def test_desk_of_another_reader_says_who_and_shows_the_text(reader: User) -> None:
    report = make_report(
        reader=make_reader(full_name="Dr Other"), content={"findings": "<p>Half a sentence</p>"}
    )

    text = page(as_user(reader), reverse("reporting:read", args=[report.order_id]))

    assert "Dr Other is reading this study. You can look on." in text
    assert "<p>Half a sentence</p>" in text
    assert "report-form" not in text


def test_claim_of_two_readers_is_refused_with_words(reader: User) -> None:
    order = make_order(status="reading", reader=make_reader(full_name="Dr Other"))

    answer = as_user(reader).post(reverse("reporting:order_claim", args=[order.pk]))

    assert answer.status_code == 409
    assert "Dr Other is reading this study already." in answer.content.decode()


def test_study_is_handed_back_with_a_reason(reader: User) -> None:
    report = make_report(reader=reader, content={"findings": "<p>Begun</p>"})

    as_user(reader).post(
        reverse("reporting:order_hand_back", args=[report.order_id]), {"reason": "Second opinion"}
    )

    report.order.refresh_from_db()
    report.refresh_from_db()
    assert (report.order.status, report.order.reader) == ("acquired", None)
    assert report.content == {"findings": "<p>Begun</p>"}
    assert Entry.objects.get(action="order.handed_back").reason == "Second opinion"


def test_signed_report_is_not_opened_for_writing(reader: User) -> None:
    version = make_signed_report()

    answer = as_user(reader).get(reverse("reporting:read", args=[version.report.order_id]))

    assert answer.url == reverse("reporting:report_view", args=[version.report_id])


@pytest.mark.parametrize("count", [1, 3])
def test_desk_asks_the_same_number_of_questions(
    count: int, reader: User, django_assert_num_queries: Any
) -> None:
    patient = make_patient()
    for _number in range(count):
        make_signed_report(make_order(patient, status="reading", reader=reader))
    order = make_order(patient, status="reading", reader=reader)
    report = make_report(order)
    for _number in range(count):
        services.insert_image(report, by=reader, key_image=make_key_image(order))
    client = as_user(reader)
    client.get(reverse("reporting:read", args=[order.pk]))

    with django_assert_num_queries(23):
        client.get(reverse("reporting:read", args=[order.pk]))


# --- saving -----------------------------------------------------------------------------------------
def save(client: Client, report: Report, body: object) -> Any:
    return client.post(
        reverse("reporting:report_save", args=[report.pk]),
        body if isinstance(body, str) else json.dumps(body),
        content_type="application/json",
    )


def test_save_answers_with_the_next_revision(reader: User) -> None:
    report = make_report(reader=reader)

    answer = save(as_user(reader), report, {"revision": 0, "content": {"findings": "<p>A</p>"}})

    assert answer.json()["revision"] == 1


def test_conflict_answers_with_the_saved_text(reader: User) -> None:
    report = make_report(reader=reader, content={"findings": "<p>Saved</p>"})

    answer = save(as_user(reader), report, {"revision": 0, "content": {"findings": "<p>Late</p>"}})

    assert answer.status_code == 409
    assert answer.json()["content"] == {"findings": "<p>Saved</p>"}
    assert answer.json()["writable"] is True
    assert report.set_aside.get().content == {"findings": "<p>Late</p>"}


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{", '"x"', {"revision": "1"}, {"revision": 0, "content": []}, {"revision": 0, "content": 5}],
)
def test_what_is_no_report_is_refused_as_json(body: object, reader: User) -> None:
    answer = save(as_user(reader), make_report(reader=reader), body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_autosave_of_somebody_else_is_a_conflict_not_an_overwrite(reader: User) -> None:
    report = make_report(content={"findings": "<p>Mine</p>"})

    answer = save(as_user(reader), report, {"revision": 1, "content": {"findings": "<p>Not yours</p>"}})

    report.refresh_from_db()
    assert (answer.status_code, answer.json()["writable"]) == (409, False)
    assert report.content == {"findings": "<p>Mine</p>"}


# --- key images -------------------------------------------------------------------------------------
def test_key_image_is_inserted_captioned_and_taken_out(reader: User) -> None:
    report = make_report(reader=reader)
    key_image = make_key_image(report.order, caption="Apex")
    client = as_user(reader)

    client.post(reverse("reporting:report_image_insert", args=[report.pk]), {"key_image": key_image.pk})
    image = report.images.get()
    change = reverse("reporting:report_image_change", args=[image.pk])
    client.post(change, {"do": "caption", "caption": "<i>Left</i> apex"})
    shown = client.post(change, {"do": "later"}).content.decode()
    client.post(change, {"do": "remove"})

    assert 'value="&lt;i&gt;Left&lt;/i&gt; apex"' in shown
    assert report.images.count() == 0


def test_image_that_does_not_exist_is_not_found(reader: User) -> None:
    report = make_report(reader=reader)

    answer = as_user(reader).post(
        reverse("reporting:report_image_insert", args=[report.pk]), {"key_image": "9999"}
    )

    assert answer.status_code == 404


# --- signing ----------------------------------------------------------------------------------------
def test_sign_dialog_shows_warnings_before_the_password(reader: User) -> None:
    report = make_report(reader=reader, content={"findings": "<p>Clear.</p>"})

    text = page(as_user(reader), reverse("reporting:report_sign", args=[report.pk]), **HTMX)

    assert "The impression is empty." in text
    assert "Sign anyway" in text
    assert "<html" not in text


def test_signing_leads_to_the_signed_report(reader: User) -> None:
    report = make_report(reader=reader, content={"impression": "<p>Normal.</p>"})

    answer = as_user(reader).post(
        reverse("reporting:report_sign", args=[report.pk]),
        {"password": PASSWORD, "revision": 1, "then": "view"},
        **HTMX,
    )

    assert answer["HX-Redirect"] == reverse("reporting:report_view", args=[report.pk])


def test_sign_and_next_opens_the_next_study(reader: User) -> None:
    report = make_report(reader=reader, content={"impression": "<p>Normal.</p>"})
    following = make_order(status="acquired")

    answer = as_user(reader).post(
        reverse("reporting:report_sign", args=[report.pk]),
        {"password": PASSWORD, "revision": 1, "then": "next"},
        **HTMX,
    )

    assert answer["HX-Redirect"] == reverse("reporting:read", args=[following.pk])


def test_wrong_password_stays_in_the_dialog(reader: User) -> None:
    report = make_report(reader=reader, content={"impression": "<p>Normal.</p>"})

    answer = as_user(reader).post(
        reverse("reporting:report_sign", args=[report.pk]), {"password": "no", "revision": 1}, **HTMX
    )

    assert "The password is wrong; nothing was signed." in answer.content.decode()


def test_addendum_with_a_wrong_password_leaves_the_page_alone(reader: User) -> None:
    version = make_signed_report(reader=reader)

    answer = as_user(reader).post(
        reverse("reporting:report_addendum", args=[version.report_id]),
        {"text": "More", "password": "no"},
        **HTMX,
    )

    assert answer["HX-Retarget"] == "#messages"
    assert version.report.versions.count() == 1


# --- signed reports ---------------------------------------------------------------------------------
def test_signed_report_is_shown_with_its_versions(reader: User) -> None:
    version = make_signed_report(reader=reader)
    services.add_addendum(version.report, by=reader, text="<p>Also a nodule.</p>", password=PASSWORD)

    text = page(as_user(reader), reverse("reporting:report_view", args=[version.report_id]))

    for shown in [
        "Clear lungs.",
        "Also a nodule.",
        "Addendum 1",
        version.content_sha256,
        "The PDF is being made",
    ]:
        assert shown in text
    assert Entry.objects.filter(action="report.viewed").count() == 1


def test_looking_again_by_the_page_itself_is_no_second_view(reader: User) -> None:
    version = make_signed_report(reader=reader)

    as_user(reader).get(
        reverse("reporting:report_view", args=[version.report_id]), HTTP_X_CEDAR_BACKGROUND="1", **HTMX
    )

    assert Entry.objects.filter(action="report.viewed").count() == 0


@pytest.mark.parametrize(
    ("query", "how", "action"),
    [("", "inline", "report.printed"), ("?download", "attachment", "report.downloaded")],
)
def test_pdf_is_given_out_and_on_record(query: str, how: str, action: str, reader: User) -> None:
    version = make_signed_report(reader=reader)
    tasks.render_report_pdf(version.pk)

    answer = as_user(reader).get(reverse("reporting:report_pdf", args=[version.pk]) + query)

    assert answer.content.startswith(b"%PDF-")
    assert answer["Content-Disposition"].startswith(how)
    assert Entry.objects.filter(action=action, patient_id=version.report.order.patient_id).count() == 1


def test_pdf_that_is_not_there_yet_is_a_conflict_in_words(reader: User) -> None:
    version = make_signed_report(reader=reader)

    answer = as_user(reader).get(reverse("reporting:report_pdf", args=[version.pk]))

    assert answer.status_code == 409
    assert "still being made" in answer.content.decode()


def test_picture_comes_from_the_frozen_copy(reader: User) -> None:
    report = make_report(reader=reader, content={"impression": "<p>Normal.</p>"})
    services.insert_image(report, by=reader, key_image=make_key_image(report.order))
    version = services.sign_report(report, by=reader, password=PASSWORD)
    client = as_user(reader)

    there = client.get(reverse("reporting:report_picture", args=[version.pk, 1]))
    not_there = client.get(reverse("reporting:report_picture", args=[version.pk, 2]))

    assert there.content.startswith(b"\xff\xd8")
    assert not_there.status_code == 404


# --- results ----------------------------------------------------------------------------------------
def receptionist() -> Client:
    return as_user(make_user(Role.RECEPTIONIST))


def test_results_list_is_oldest_first_and_without_report_text(reader: User) -> None:
    versions = [make_signed_report(reader=reader) for _number in range(3)]

    text = page(receptionist(), reverse("reporting:release_list"))

    places = [text.index(f'id="result-{version.report_id}"') for version in versions]
    assert places == sorted(places)
    assert "Clear lungs" not in text
    assert "Normal chest" not in text


@pytest.mark.parametrize("count", [1, 3])
def test_results_list_asks_the_same_number_of_questions(
    count: int, reader: User, django_assert_num_queries: Any
) -> None:
    for _number in range(count):
        version = make_signed_report(reader=reader)
        tasks.render_report_pdf(version.pk)
    client = receptionist()
    client.get(reverse("reporting:release_list"))

    with django_assert_num_queries(8):
        client.get(reverse("reporting:release_list"))


@pytest.mark.parametrize("method", ["print", "download"])
def test_receptionist_hands_out_a_result(method: str, reader: User) -> None:
    version = make_signed_report(reader=reader)
    tasks.render_report_pdf(version.pk)
    client = receptionist()

    answer = client.post(
        reverse("reporting:report_release", args=[version.pk]),
        {"recipient": "Dr Fraser", "method": method},
        follow=True,
    )

    assert answer.content.startswith(b"%PDF-")
    assert Order.objects.get(pk=version.report.order_id).status == "released"
    assert (Release.objects.get().recipient, Release.objects.get().method) == ("Dr Fraser", method)
    assert "Dr Fraser" in page(client, reverse("reporting:release_list"))


@pytest.mark.parametrize(
    "sent",
    [{"recipient": "", "method": "print"}, {"recipient": "X", "method": "pigeon"}, {"method": "print"}],
)
def test_result_is_not_handed_out_to_nobody_or_somehow(sent: dict, reader: User) -> None:
    version = make_signed_report(reader=reader)
    tasks.render_report_pdf(version.pk)

    answer = receptionist().post(reverse("reporting:report_release", args=[version.pk]), sent)

    assert answer.status_code == 400
    assert Release.objects.count() == 0


def test_older_version_is_not_handed_out(reader: User) -> None:
    version = make_signed_report(reader=reader)
    tasks.render_report_pdf(version.pk)
    services.add_addendum(version.report, by=reader, text="<p>Nodule</p>", password=PASSWORD)

    answer = receptionist().post(
        reverse("reporting:report_release", args=[version.pk]), {"recipient": "X", "method": "print"}
    )

    assert answer.status_code == 409


# --- parts of other pages ---------------------------------------------------------------------------
def test_receptionist_sees_the_state_of_reports_but_no_text(reader: User) -> None:
    version = make_signed_report(reader=reader)
    order = version.report.order
    client = receptionist()

    parts = page(client, reverse("reporting:patient_reports", args=[order.patient_id]), **HTMX) + page(
        client, reverse("reporting:order_report", args=[order.pk]), **HTMX
    )

    assert "Final" in parts
    assert "Signed by Dr Reader" in parts
    assert "Normal chest" not in parts
    assert reverse("reporting:report_view", args=[version.report_id]) not in parts


def test_radiologist_sees_the_impression_and_the_way_to_the_report(reader: User) -> None:
    version = make_signed_report(
        reader=reader, content={"impression": "<p>&lt;script&gt;alert(1)&lt;/script&gt; nodule</p>"}
    )
    order = version.report.order

    text = page(as_user(reader), reverse("reporting:patient_reports", args=[order.patient_id]), **HTMX)

    assert "&lt;script&gt;alert(1)&lt;/script&gt; nodule" in text
    assert reverse("reporting:report_view", args=[version.report_id]) in text


def test_unsigned_text_is_not_in_the_patients_list(reader: User) -> None:
    report = make_report(reader=reader, content={"impression": "<p>Perhaps a nodule</p>"})

    text = page(as_user(reader), reverse("reporting:patient_reports", args=[report.order.patient_id]), **HTMX)

    assert "Perhaps a nodule" not in text
    assert "not signed yet" in text


@pytest.mark.parametrize("count", [1, 3])
def test_patients_reports_ask_the_same_number_of_questions(
    count: int, reader: User, django_assert_num_queries: Any
) -> None:
    patient = make_patient()
    for _number in range(count):
        make_signed_report(make_order(patient, status="reading", reader=reader))
    client = as_user(reader)
    url = reverse("reporting:patient_reports", args=[patient.pk])
    client.get(url)

    with django_assert_num_queries(7):
        client.get(url)


@pytest.mark.parametrize("name", ["report_view", "report_text", "report_sign"])
@pytest.mark.parametrize("role", [Role.RECEPTIONIST, Role.TECHNICIAN, Role.ADMINISTRATOR])
def test_report_text_is_only_for_those_who_may_read_it(name: str, role: str, reader: User) -> None:
    version = make_signed_report(reader=reader)

    answer = as_user(make_user(role)).get(reverse(f"reporting:{name}", args=[version.report_id]))

    assert answer.status_code == 403
    assert "Clear lungs" not in answer.content.decode()
