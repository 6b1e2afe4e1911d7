"""The pages on which two records are merged and parted."""

import pytest
from django.urls import reverse

from audit.models import Entry
from clinic.models import ClinicProfile
from clinic.permissions import Role
from patients.merging import merge_patients
from patients.models import PatientMerge
from patients.services import update_patient
from scheduling.statuses import OrderStatus
from tests.factories import make_order, make_patient, make_user
from tests.reporting.factories import make_reader, make_signed_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, db):
    ClinicProfile.get()
    user = make_user(Role.RECEPTIONIST, full_name="Rosa Delgado")
    client.force_login(user)
    return user


@pytest.fixture
def survivor():
    return make_patient(mrn="CVC-3", family_name="Silva", given_name="Ana", note="Deaf")


@pytest.fixture
def alias():
    return make_patient(mrn="CVC-7", family_name="Silva", given_name="Anna", note="Hard of hearing")


def url_of(survivor, alias):
    return reverse("patients:patient_merge", args=[survivor.pk, alias.pk])


def sent(survivor, alias, **more):
    versions = {"survivor-version": survivor.version, "alias-version": alias.version}
    return {**versions, "reason": "She said so", **more}


def merged(survivor, alias, desk):
    return merge_patients(survivor, alias, by=desk, choices={}, versions=(1, 1), reason="She said so")


def test_who_looks_alike_is_offered(client, desk, survivor, alias):
    make_patient(family_name="Zulu", birth_date=None)

    response = client.get(reverse("patients:patient_merge_choose", args=[survivor.pk]))

    assert [patient for patient, _why in response.context["found"]] == [alias]
    assert f'href="{url_of(survivor, alias)}"' in response.text


def test_another_record_is_searched_for(client, desk, survivor):
    other = make_patient(family_name="Zulu")
    url = reverse("patients:patient_merge_choose", args=[survivor.pk])

    response = client.get(url, {"q": "zulu"}, headers={"HX-Request": "true"})

    assert response.text.strip().startswith('<div id="found"')
    assert f'href="{url_of(survivor, other)}"' in response.text


def test_both_records_side_by_side(client, desk, survivor, alias):
    make_order(alias)

    response = client.get(url_of(survivor, alias))

    assert [row.field for row in response.context["differing"]] == ["given_name", "note"]
    assert {row.field for row in response.context["equal"]} == {"family_name", "birth_date", "sex"}
    assert (response.context["moving"], response.context["staying"]) == (["1 order"], [])
    assert f'href="{url_of(alias, survivor)}"' in response.text
    assert Entry.objects.get(action="patient.viewed").patient_id == alias.pk


def test_what_hardly_differs_in_one_person_is_a_doubt(client, desk, survivor):
    brother = make_patient(family_name="Silva", given_name="Ana", sex="M", birth_date="1981-01-01")

    response = client.get(url_of(survivor, brother))

    assert [str(field) for field in response.context["doubts"]] == ["birth date", "sex"]
    assert "These differ: birth date, sex." in response.text


def test_what_was_chosen_is_merged(client, desk, survivor, alias):
    response = client.post(
        url_of(survivor, alias),
        sent(survivor, alias, **{"keep-given_name": "alias", "keep-note": "both"}),
        follow=True,
    )

    survivor.refresh_from_db()
    assert (survivor.given_name, survivor.note) == ("Anna", "Deaf\nHard of hearing")
    assert "Anna Silva (CVC-7) is merged into this record." in response.text
    assert reverse("patients:patient_merge_undo", args=[PatientMerge.objects.get().pk]) in response.text


def test_an_edit_that_came_first_is_told_and_nothing_chosen_is_lost(client, desk, survivor, alias):
    form = sent(survivor, alias, **{"keep-given_name": "alias", "keep-note": "survivor"})
    update_patient(alias, by=make_user(Role.RECEPTIONIST), version=1, note="Blind")

    told = client.post(url_of(survivor, alias), form)
    chosen = {row.field: (row.alias, row.chosen) for row in told.context["differing"]}
    alias.refresh_from_db()
    again = client.post(url_of(survivor, alias), form | {"alias-version": alias.version})

    assert told.status_code == 409
    assert "Someone else changed one of these records meanwhile" in told.text
    assert chosen == {"given_name": ("Anna", "alias"), "note": ("Blind", "survivor")}
    assert 'value="She said so"' in told.text
    assert again.status_code == 302


@pytest.mark.parametrize("change", [{"reason": ""}, {"keep-note": "x"}])
def test_a_form_that_cannot_be_is_refused(client, desk, survivor, alias, change):
    response = client.post(url_of(survivor, alias), sent(survivor, alias) | change)

    assert response.status_code == 400
    assert not PatientMerge.objects.exists()


def test_a_report_being_written_is_told_before_anybody_tries(client, desk, survivor, alias):
    reader = make_reader(full_name="Dr Kamau")
    make_order(alias, status=OrderStatus.READING, reader=reader)

    response = client.get(url_of(survivor, alias))

    assert "Dr Kamau is writing the report" in response.text


def test_a_record_that_is_merged_already_says_where_it_went(client, desk, survivor, alias):
    merged(survivor, alias, desk)

    response = client.post(url_of(make_patient(), alias), sent(survivor, alias))

    assert response.status_code == 409
    assert "Anna Silva (CVC-7) was merged into Ana Silva (CVC-3). Go on in that record." in response.text


def test_the_same_record_twice(client, desk, survivor):
    response = client.get(url_of(survivor, survivor))

    assert (response.status_code, "same record twice" in response.text) == (400, True)


def test_undoing_says_what_goes_back(client, desk, survivor, alias):
    make_order(alias)
    merge = merged(survivor, alias, desk)
    url = reverse("patients:patient_merge_undo", args=[merge.pk])

    asked = client.get(url)
    done = client.post(url, {"reason": "Two sisters"})

    assert (asked.context["back"], asked.context["refusals"]) == (["1 order"], [])
    assert done.url == reverse("patients:patient_detail", args=[alias.pk])
    assert client.get(done.url).status_code == 200


def test_what_stands_in_the_way_of_undoing_is_shown(client, desk, survivor, alias):
    merge = merged(survivor, alias, desk)
    make_order(survivor)
    url = reverse("patients:patient_merge_undo", args=[merge.pk])

    asked = client.get(url)
    tried = client.post(url, {"reason": "Two sisters"})

    assert "New since then: 1 order" in asked.text
    assert (tried.status_code, "This merge cannot be undone." in tried.text) == (409, True)


def test_a_report_tells_under_which_number_it_was_signed(client, desk, survivor, alias):
    order = make_order(alias, status=OrderStatus.READING, reader=make_reader())
    version = make_signed_report(order)
    merged(survivor, alias, desk)
    client.force_login(make_reader())

    response = client.get(reverse("reporting:report_view", args=[version.report.pk]))

    assert "signed under the number CVC-7" in response.text
