"""Who may open what: every URL, visited as every role, against a matrix written by hand.

A new URL needs one line in ``MATRIX``. With a line in ``SAMPLES`` it is also opened with a real thing.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.models import ClinicProfile, User
from clinic.permissions import ROLE_PERMISSIONS, Permission, Role, permissions_of
from dicomserver.models import RemoteAE
from imaging.models import Quarantined, Study
from patients.documents import add_documents
from patients.merging import merge_patients
from patients.models import PatientDocument, PatientMerge
from scheduling.statuses import OrderStatus
from tests.clinic.test_routes import PUBLIC, SIGNED_IN, routes
from tests.factories import make_appointment, make_order, make_patient, make_user
from tests.reporting.factories import make_key_image, make_report, make_signed_report

# R receptionist, T technician, D radiologist (doctor), A administrator
ROLES = {
    "R": [Role.RECEPTIONIST],
    "T": [Role.TECHNICIAN],
    "D": [Role.RADIOLOGIST],
    "A": [Role.ADMINISTRATOR],
    "nobody": [],
}
MATRIX = {
    "patients:patient_list": "RTDA",
    "patients:patient_register": "RTA",
    "patients:patient_candidates": "RTA",
    "patients:patient_quick": "RTDA",
    "patients:patient_take": "RTA",
    "patients:patient_detail": "RTDA",
    "patients:patient_edit": "RTA",
    "patients:patient_summary": "RTDA",
    "patients:patient_identities": "RTA",
    "patients:identifier_remove": "RTA",
    "patients:other_name_remove": "RTA",
    "patients:patient_merge_choose": "RA",
    "patients:patient_merge": "RA",
    "patients:patient_merge_undo": "RA",
    "patients:document_add": "RTDA",
    "patients:document_file": "RTDA",
    "patients:document_remove": "RTDA",
    "audit:entry_list": "A",
    "scheduling:board": "RTDA",
    "scheduling:stuck": "A",
    "scheduling:stuck_counts": "A",
    "imaging:stuck_images": "TDA",
    "dicomserver:stuck_transfers": "A",
    "scheduling:walk_in": "RTA",
    "scheduling:walk_in_patients": "RTA",
    "scheduling:calendar": "RTDA",
    "scheduling:worklist": "T",
    "scheduling:exam": "T",
    "scheduling:order_search": "RTDA",
    "scheduling:order_new": "RTDA",
    "scheduling:patient_orders": "RTDA",
    "scheduling:order_detail": "RTDA",
    "scheduling:appointment_book": "RTA",
    "scheduling:order_cancel": "RDA",
    "scheduling:order_unschedule": "RTA",
    "scheduling:order_repeat": "T",
    "scheduling:order_safety": "T",
    "scheduling:appointment_sheet": "RTDA",
    "scheduling:appointment_reschedule": "RTA",
    "scheduling:appointment_cancel": "RTA",
    "scheduling:appointment_check_in": "RTA",
    "scheduling:appointment_call_in": "RTD",
    "scheduling:appointment_start": "T",
    "scheduling:appointment_finish": "T",
    "scheduling:appointment_complete": "RTD",
    "scheduling:appointment_call": "RTA",
    "scheduling:day_list": "RTDA",
    "scheduling:slot_book": "RTA",
    "scheduling:slot_patients": "RTA",
    "scheduling:closure_list": "RTA",
    "scheduling:closure_remove": "RTA",
    "scheduling:call_list": "RTA",
    "scheduling:call_back_list": "RTA",
    "scheduling:first_rooms": "A",
    "scheduling:orders_to_sign": "D",
    "scheduling:order_sign": "D",
    "scheduling:appointment_no_show": "RTA",
    "scheduling:appointment_undo": "RTDA",
    "imaging:held_list": "TDA",
    "imaging:held_study": "TDA",
    "imaging:held_state": "TDA",
    "imaging:study_resolve": "TDA",
    "imaging:study_new_order": "TDA",
    "imaging:study_new_patient": "TDA",
    "imaging:study_unknown": "TDA",
    "imaging:study_discard": "TDA",
    "imaging:decision_undo": "TDA",
    "imaging:quarantine_list": "TDA",
    "imaging:quarantine_item": "TDA",
    "imaging:quarantine_preview": "TDA",
    "imaging:quarantine_file": "TDA",
    "imaging:quarantine_kept": "TDA",
    "imaging:quarantine_retry": "TDA",
    "imaging:quarantine_discard": "TDA",
    "imaging:quarantine_restore": "TDA",
    "imaging:order_arrivals": "TDA",
    "imaging:step_link": "TDA",
    "imaging:step_dismiss": "TDA",
    "imaging:study_viewer": "TDA",
    "imaging:order_images": "TDA",
    "imaging:patient_studies": "TDA",
    "imaging:study_thumbnail": "TDA",
    "imaging:instance_thumbnail": "TDA",
    "imaging:key_image_create": "D",
    "imaging:key_image_picture": "TDA",
    "imaging:qido_studies": "TDA",
    "imaging:qido_series": "TDA",
    "imaging:qido_study_instances": "TDA",
    "imaging:qido_instances": "TDA",
    "imaging:study_metadata": "TDA",
    "imaging:series_metadata": "TDA",
    "imaging:instance_metadata": "TDA",
    "imaging:wado_study_thumbnail": "TDA",
    "imaging:wado_series_thumbnail": "TDA",
    "imaging:wado_instance_thumbnail": "TDA",
    "imaging:instance_rendered": "TDA",
    "imaging:frame_rendered": "TDA",
    "imaging:frames": "TDA",
    "imaging:instance": "TDA",
    "reporting:reading_list": "D",
    "reporting:subspecialty_choose": "D",
    "reporting:reading_next": "D",
    "reporting:read": "D",
    "reporting:order_claim": "D",
    "reporting:order_hand_back": "D",
    "reporting:phrase_list": "D",
    "reporting:phrase_delete": "D",
    "reporting:report_view": "D",
    "reporting:report_text": "D",
    "reporting:report_save": "D",
    "reporting:report_template": "D",
    "reporting:report_image_insert": "D",
    "reporting:report_image_change": "D",
    "reporting:report_sign": "D",
    "reporting:report_addendum": "D",
    "reporting:report_pdf": "RD",
    "reporting:report_pdf_retry": "D",
    "reporting:report_picture": "D",
    "reporting:report_release": "RD",
    "reporting:order_report": "RTDA",
    "reporting:patient_reports": "RTDA",
    "reporting:release_list": "RD",
    "spreadsheets:list": "A",
    "spreadsheets:upload": "A",
    "spreadsheets:run": "A",
    "spreadsheets:check": "A",
    "spreadsheets:start": "A",
    "spreadsheets:refused": "A",
    "reporting:share_create": "RD",
    "reporting:share_revoke": "RD",
    "dicomserver:node_list": "A",
    "dicomserver:node_add": "A",
    "dicomserver:node_edit": "A",
    "dicomserver:node_accept": "A",
    "dicomserver:node_refuse": "A",
    "dicomserver:node_echo": "A",
    "dicomserver:node_connect": "A",
    "dicomserver:node_reach": "A",
    "dicomserver:node_try": "A",
    "dicomserver:node_trust": "A",
    "dicomserver:own_certificate_file": "A",
    "dicomserver:settings_change": "A",
    "dicomserver:send_list": "A",
    "dicomserver:send_retry": "A",
    "dicomserver:send_cancel": "A",
    "dicomserver:fetch_retry": "A",
    "dicomserver:fetch_cancel": "A",
    "dicomserver:commitment_retry": "A",
    "dicomserver:study_send": "TDA",
    "dicomserver:prior_list": "TDA",
    "dicomserver:prior_fetch": "TDA",
}

ANYTHING: dict[str, Any] = {
    "pk": 999_999_999,
    "other": 999_999_998,
    "place": 1,
    "number": 1,
    "numbers": "1",
    "study_uid": "1.2.3",
    "series_uid": "1.2.3.4",
    "instance_uid": "1.2.3.4.5",
    "what": "echo",
}


def make_study(**fields: Any) -> Study:
    order = make_order(status=OrderStatus.SCHEDULED)
    uid = order.study_instance_uid
    fields = {"state": "linked", "order": order, "patient": order.patient} | fields
    return Study.objects.create(study_instance_uid=uid, last_received_at=timezone.now(), **fields)


def make_merge() -> PatientMerge:
    return merge_patients(
        make_patient(),
        make_patient(),
        by=make_user(Role.ADMINISTRATOR),
        choices={},
        versions=(1, 1),
        reason="Registered twice",
    )


def make_document() -> PatientDocument:
    letter = SimpleUploadedFile("letter.pdf", b"%PDF-1.4 letter %%EOF")
    by = make_user(Role.RECEPTIONIST)
    (document,) = add_documents(make_patient(), by=by, files=[letter], kind="referral")
    return document


def make_held_study() -> Study:
    return make_study(state="held", order=None, patient=None, held_reason="The name differs.")


def make_quarantined() -> Quarantined:
    return Quarantined.objects.create(
        file="2026-11/1.dcm", size=8, sha256="0" * 64, reason="Rubbish", received_at=timezone.now()
    )


SAMPLES: dict[str, Callable[[], Any]] = {
    "patients:patient_detail": make_patient,
    "patients:patient_edit": make_patient,
    "patients:patient_take": make_patient,
    "patients:patient_summary": make_patient,
    "patients:patient_identities": make_patient,
    "patients:patient_merge_choose": make_patient,
    "patients:patient_merge_undo": make_merge,
    "patients:document_add": make_patient,
    "patients:document_remove": make_document,
    "scheduling:order_new": make_patient,
    "scheduling:patient_orders": make_patient,
    "scheduling:order_detail": make_order,
    "scheduling:appointment_book": make_order,
    "scheduling:order_cancel": make_order,
    "scheduling:exam": make_appointment,
    "scheduling:appointment_sheet": make_appointment,
    "scheduling:appointment_reschedule": make_appointment,
    "scheduling:appointment_check_in": make_appointment,
    "imaging:study_viewer": make_study,
    "imaging:patient_studies": make_patient,
    "imaging:order_images": make_order,
    "imaging:key_image_picture": lambda: make_key_image(make_order(status=OrderStatus.SCHEDULED)),
    "imaging:study_resolve": make_held_study,
    "imaging:held_study": make_held_study,
    "imaging:held_state": make_held_study,
    "imaging:study_unknown": make_held_study,
    "imaging:study_discard": make_held_study,
    "imaging:quarantine_item": make_quarantined,
    "imaging:order_arrivals": make_order,
    "reporting:read": lambda: make_report().order,
    "reporting:report_view": make_report,
    "reporting:order_report": make_order,
    "reporting:patient_reports": make_patient,
    "reporting:report_release": make_signed_report,
    "dicomserver:study_send": make_study,
    "dicomserver:prior_list": make_patient,
    "dicomserver:node_connect": lambda: RemoteAE.objects.create(ae_title="CEDAR_XR", host="10.0.0.5"),
    "dicomserver:node_edit": lambda: RemoteAE.objects.create(ae_title="CEDAR_XR", host="10.0.0.5"),
}


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """One person of each role, and one without any."""
    ClinicProfile.get()
    return {letter: make_user(*roles) for letter, roles in ROLES.items()}


def visit(url: str, user: User | None) -> HttpResponse:
    """GET, or POST where only that is taken; whatever it did is undone."""
    client = Client()
    if user is not None:
        client.force_login(user)
    with transaction.atomic():
        response = client.get(url)
        if response.status_code == 405:
            response = client.post(url)
        transaction.set_rollback(True)
    return response


def is_refused(response: HttpResponse) -> bool:
    to_login = response.status_code == 302 and response.url.startswith(("/login/", "/admin/login/"))
    return to_login or response.status_code in {401, 403}


def url_of(name: str, sample: Any = None) -> str:
    (route,) = [route for known, route in routes() if known == name]
    arguments = {key: ANYTHING[key] for key in route.pattern.converters}
    return reverse(name, kwargs=arguments | ({"pk": sample.pk} if sample is not None else {}))


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_each_role_opens_what_the_matrix_says(name, people):
    sample = SAMPLES[name]() if name in SAMPLES else None
    url = url_of(name, sample)

    answers = {letter: visit(url, user) for letter, user in people.items()}

    admitted = {letter for letter, response in answers.items() if not is_refused(response)}
    assert admitted == set(MATRIX[name])
    if sample is not None:
        assert 404 not in {answers[letter].status_code for letter in admitted}


@pytest.mark.parametrize("name", sorted(set(MATRIX) | SIGNED_IN))
def test_a_stranger_is_sent_to_the_sign_in_page(name, db):
    assert is_refused(visit(url_of(name), None))


@pytest.mark.parametrize("name", sorted(SIGNED_IN))
def test_everybody_who_is_signed_in_has_an_account(name, people):
    answers = {letter: visit(url_of(name), user).status_code for letter, user in people.items()}

    assert set(answers.values()) & {401, 403, 404} == set()


def test_every_url_is_in_the_matrix():
    known = {name for name, _route in routes() if not name.startswith("admin:")}

    assert known - PUBLIC - SIGNED_IN == set(MATRIX)


def settings_pages() -> list[str]:
    pages = ["admin:index"]
    for model in admin.site._registry:
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        pages += [f"admin:{label}_changelist", f"admin:{label}_add"]
    return pages


@pytest.mark.parametrize("name", settings_pages())
def test_only_administrators_open_the_settings(name, people):
    answers = {letter: visit(reverse(name), user).status_code for letter, user in people.items()}

    assert {letter: answers[letter] for letter in ("R", "T", "D", "nobody")} == dict.fromkeys(
        ("R", "T", "D", "nobody"), 403
    )
    assert answers["A"] in ({200, 302} if not name.endswith("_add") else {200, 403})
    assert is_refused(visit(reverse(name), None))


@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_only_administrators_open_a_user_in_the_settings(page, people):
    url = reverse(f"admin:clinic_user_{page}", args=[people["R"].pk])

    refused = {letter for letter, user in people.items() if is_refused(visit(url, user))}

    assert refused == {"R", "T", "D", "nobody"} | ({"A"} if page == "delete" else set())


def test_only_administrators_set_the_password_of_somebody(people):
    url = reverse("admin:auth_user_password_change", args=[people["R"].pk])

    assert {letter for letter, user in people.items() if not is_refused(visit(url, user))} == {"A"}


# --- the table of roles itself -----------------------------------------------------------------------


def test_every_permission_is_given_to_somebody():
    assert permissions_of(list(Role.values)) == set(Permission)


def test_every_role_has_permissions():
    assert set(ROLE_PERMISSIONS) == set(Role.values)


def test_who_has_two_roles_may_do_what_each_of_them_may():
    both = permissions_of([Role.RECEPTIONIST, Role.TECHNICIAN])

    assert both == ROLE_PERMISSIONS[Role.RECEPTIONIST] | ROLE_PERMISSIONS[Role.TECHNICIAN]


@pytest.mark.django_db
def test_who_may_no_longer_sign_in_may_do_nothing():
    user = make_user(*Role.values, is_active=False)

    assert [permission for permission in Permission if user.can(permission)] == []


@pytest.mark.django_db
def test_a_machine_may_not_decide_what_only_a_person_may():
    machine = User.objects.machine("dicom")

    assert not machine.can(Permission.REPORT_SIGN)
    assert not machine.can(Permission.CONFIGURE)


def test_no_report_text_at_the_front_desk():
    """Results are handed out at the desk as finished documents; the desk reads no draft."""
    desk = ROLE_PERMISSIONS[Role.RECEPTIONIST]

    assert desk & {Permission.REPORT_VIEW, Permission.STUDY_VIEW, Permission.REPORT_WRITE} == set()
