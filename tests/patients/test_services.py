import datetime as dt
import threading
from functools import partial

import pytest
from django.db import connection, transaction

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput
from clinic.models import ClinicProfile
from clinic.permissions import Role
from patients.models import Patient
from patients.services import SurelyHere, add_identifier, register_patient, update_patient
from tests.factories import make_user


@pytest.fixture
def desk(db):
    ClinicProfile.get()
    ClinicProfile.objects.update(country="KE", mrn_pattern="CVC-0001")
    return make_user(Role.RECEPTIONIST, full_name="Rosa Delgado")


SEPARATES = "images use it to separate the parts of names."
CHECK = "Please check the year."
ANA = {"family_name": "Silva", "given_name": "Ana", "birth_date": dt.date(1985, 2, 25), "sex": "F"}


def test_a_patient_is_registered_with_the_next_number(desk):
    patient = register_patient(by=desk, **ANA, phone="0712 345678")

    assert Patient.objects.get() == patient
    assert patient.mrn.startswith("CVC-")
    assert (patient.phone, patient.name_key) == ("+254712345678", " silva ana")
    assert (patient.created_by, patient.version) == (desk, 1)


def test_registering_is_audited_with_every_value(desk):
    patient = register_patient(by=desk, **ANA)

    entry = Entry.objects.get(action="patient.registered")
    assert (entry.actor_id, entry.patient_id, entry.patient_label) == (desk.pk, patient.pk, str(patient))
    assert entry.changes == {
        "family_name": [None, "Silva"],
        "given_name": [None, "Ana"],
        "birth_date": [None, "1985-02-25"],
        "birth_precision": [None, "day"],
        "sex": [None, "F"],
    }


def test_a_number_from_elsewhere_is_kept_as_entered(desk):
    patient = register_patient(by=desk, mrn=" old-17 / b", **ANA)

    patient.refresh_from_db()
    assert (patient.mrn, patient.mrn_key) == ("old-17 / b", "OLD17B")


def test_a_number_is_given_once(desk):
    register_patient(by=desk, mrn="OLD-17", **ANA)

    with pytest.raises(Conflict) as refusal:
        register_patient(by=desk, mrn="old 17", family_name="Other", sex="M")

    assert refusal.value.message == "The patient number old 17 is taken already."


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (
            "family_name",
            "Sil^va",
            "A name cannot hold the sign ^: images use it to separate the parts of names.",
        ),
        (
            "family_name",
            "Sil\\va",
            "A name cannot hold the sign \\: images use it to separate the parts of names.",
        ),
        ("family_name", "x" * 61, "The name with all its parts has 65 characters; at most 64 fit."),
        ("birth_date", dt.date(2999, 1, 1), "The birth date 1 Jan 2999 is in the future."),
        (
            "birth_date",
            dt.date(1849, 1, 1),
            "The birth date 1 Jan 1849 is before 1850. Please check the year.",
        ),
        ("sex", "X", "“X” is not a sex that Cedar knows; accepted: M, F, O, U."),
        ("email", "ana@", "“ana@” is not an e-mail address. Accepted: as in name@example.org."),
        ("national_id", "1" * 65, "The national id has 65 characters; at most 64 fit."),
        ("note", "a\x00b", "The text holds a sign that cannot be kept (NUL)."),
    ],
)
def test_what_cannot_be_is_refused_by_the_service(desk, field, value, words):
    with pytest.raises(InvalidInput) as refusal:
        register_patient(by=desk, **(ANA | {field: value}))

    assert (refusal.value.field, refusal.value.message) == (field, words)
    assert not Patient.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "-- ’"])
def test_a_name_is_needed(desk, name):
    with pytest.raises(InvalidInput) as refusal:
        register_patient(by=desk, family_name=name, sex="F")

    assert refusal.value.message == "A name is needed. Who has only one name has it as family name."


def test_the_refusal_of_a_phone_names_what_is_accepted(desk):
    with pytest.raises(InvalidInput) as refusal:
        register_patient(by=desk, **ANA, phone="12")

    assert refusal.value.field == "phone"


def test_an_unknown_field_is_a_programming_error(desk):
    with pytest.raises(TypeError):
        register_patient(by=desk, **ANA, shoe_size=42)


@pytest.mark.parametrize(
    ("precision", "kept"),
    [
        ("day", dt.date(1985, 2, 25)),
        ("month", dt.date(1985, 2, 1)),
        ("year", dt.date(1985, 1, 1)),
        ("about", dt.date(1985, 1, 1)),
    ],
)
def test_what_is_not_known_of_a_birth_date_is_not_kept(desk, precision, kept):
    patient = register_patient(by=desk, **ANA, birth_precision=precision)

    assert patient.birth_date == kept


def test_who_is_surely_here_cannot_be_registered_again(desk):
    known = register_patient(by=desk, **ANA)

    with pytest.raises(SurelyHere) as refusal:
        register_patient(by=desk, **(ANA | {"family_name": "Ana", "given_name": "SILVA"}))

    assert [candidate.patient for candidate in refusal.value.candidates] == [known]
    assert Patient.objects.count() == 1


def test_with_a_reason_another_person_is_registered_and_the_reason_audited(desk):
    register_patient(by=desk, **ANA)

    register_patient(by=desk, **ANA, duplicate_reason="Her cousin, both were at the desk")

    entry = Entry.objects.newest_first().first()
    assert (entry.action, entry.reason) == ("patient.registered", "Her cousin, both were at the desk")


def test_a_reason_does_not_pass_over_somebody_registered_meanwhile(desk):
    register_patient(by=desk, **ANA)

    with pytest.raises(SurelyHere):
        register_patient(by=desk, **ANA, duplicate_reason="Her cousin", duplicates_seen=[])


def test_a_failed_registration_leaves_nothing_behind(desk):
    with pytest.raises(InvalidInput):
        register_patient(by=desk, **ANA, identifiers=[("Other clinic", "1"), ("", "2")])

    assert not Patient.objects.exists()
    assert not Entry.objects.filter(action__startswith="patient").exists()


def test_a_change_is_audited_with_before_and_after(desk):
    patient = register_patient(by=desk, **ANA)

    changed = update_patient(patient, by=desk, version=1, family_name="Silva Moreno", phone="0712 345678")

    entry = Entry.objects.newest_first().first()
    assert entry.action == "patient.changed"
    assert entry.changes == {"family_name": ["Silva", "Silva Moreno"], "phone": ["", "+254712345678"]}
    assert (changed.version, changed.name_key) == (2, " silva moreno ana")


def test_saving_the_same_again_is_no_change(desk):
    patient = register_patient(by=desk, **ANA)

    unchanged = update_patient(patient, by=desk, version=1, given_name=" Ana ")

    assert unchanged.version == 1
    assert not Entry.objects.filter(action="patient.changed").exists()


def test_a_change_of_an_old_version_is_refused(desk):
    patient = register_patient(by=desk, **ANA)
    update_patient(patient, by=desk, version=1, given_name="Anna")

    with pytest.raises(Conflict):
        update_patient(patient, by=desk, version=1, given_name="Hannah")

    assert Patient.objects.get().given_name == "Anna"


def test_a_merged_record_cannot_be_changed(desk):
    kept = register_patient(by=desk, **ANA)
    patient = register_patient(by=desk, family_name="Other", sex="M")
    Patient.objects.filter(pk=patient.pk).update(merged_into=kept)

    with pytest.raises(Conflict) as refusal:
        update_patient(patient, by=desk, version=1, given_name="X")

    assert refusal.value.message == f"{patient} was merged into {kept}. Go on in that record."


def test_a_number_of_another_clinic_belongs_to_one_person(desk):
    patient = register_patient(by=desk, **ANA, identifiers=[("Hilltop", "H-77")])
    other = register_patient(by=desk, family_name="Other", sex="M")

    again = add_identifier(patient, by=desk, issuer=" Hilltop ", value="H-77")
    with pytest.raises(Conflict):
        add_identifier(other, by=desk, issuer="Hilltop", value="H-77")

    assert list(patient.identifiers.all()) == [again]
    assert Entry.objects.filter(changes__has_key="identifiers").count() == 1


# --- two desks at once -------------------------------------------------------------------------------


def at_once(*works) -> list[object]:
    """Run each in a thread of its own with its own connection, all starting together; results or errors."""
    start = threading.Barrier(len(works))
    results: list[object] = [None] * len(works)

    def run(place: int, work) -> None:
        start.wait()
        try:
            results[place] = work()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_two_desks_registering_the_same_person_make_one():
    desks = [make_user(Role.RECEPTIONIST) for _ in range(8)]
    ClinicProfile.get()

    results = at_once(*[partial(register_patient, by=desk, **ANA) for desk in desks])

    assert sorted(type(result).__name__ for result in results) == ["Patient"] + ["SurelyHere"] * 7
    assert Patient.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_different_people_registered_at_once_get_different_numbers():
    desk = make_user(Role.RECEPTIONIST)
    ClinicProfile.get()
    names = ["Moreno", "Okafor", "Lindqvist", "Haugen", "Wanjiru", "Szymański", "Dvořák", "Papadopoulos"]

    results = at_once(
        *[lambda name=name: register_patient(by=desk, family_name=name, sex="F") for name in names]
    )

    assert len({patient.mrn_key for patient in Patient.objects.all()}) == 8, results


@pytest.mark.django_db(transaction=True)
def test_two_changes_of_one_version_at_once_keep_one():
    desk = make_user(Role.RECEPTIONIST)
    patient = register_patient(by=desk, **ANA)

    results = at_once(
        lambda: update_patient(patient, by=desk, version=1, given_name="Anna"),
        lambda: update_patient(patient, by=desk, version=1, note="Hard of hearing"),
    )

    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Patient"]
    assert Patient.objects.get().version == 2


@pytest.mark.django_db(transaction=True)
def test_a_number_typed_by_hand_while_the_same_is_given_out():
    desk = make_user(Role.RECEPTIONIST)
    ClinicProfile.get()
    ClinicProfile.objects.update(mrn_pattern="CVC-0001")
    with connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE patients_mrn_number RESTART WITH 100")
    with transaction.atomic():
        register_patient(by=desk, mrn="CVC-0100", family_name="Moreno", sex="F")

    given = register_patient(by=desk, family_name="Okafor", sex="M")

    assert given.mrn == "CVC-0101"
