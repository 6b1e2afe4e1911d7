import datetime as dt

import pytest

from imaging.identity import Identity, differences, find_patient, names_agree, same_person
from patients.models import PatientIdentifier
from tests.factories import make_patient


def identity(**changes: str) -> Identity:
    values = {
        "patient_id": "CVC-0042",
        "issuer": "",
        "name": "Ólafsdóttir^Anna",
        "birth_date": "19800517",
        "sex": "F",
    }
    return Identity(**values | changes)


@pytest.fixture
def patient(db):
    return make_patient(
        mrn="CVC-0042",
        family_name="Ólafsdóttir",
        given_name="Anna",
        birth_date=dt.date(1980, 5, 17),
        sex="F",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"patient_id": "cvc 0042"},
        {"name": "OLAFSDOTTIR^ANNA"},
        {"name": "Anna Olafsdottir"},
        {"name": "Ólafsdóttir, Anna"},
        {"name": "Olafsdottir^Anna^^Dr"},
        {"birth_date": ""},
        {"birth_date": "1980.05.17"},
        {"birth_date": "1980"},
        {"sex": ""},
        {"sex": "U"},
        {"issuer": "My clinic"},
    ],
)
def test_the_same_patient_written_otherwise_does_not_differ(patient, changes):
    assert differences(identity(**changes), patient) == {}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"patient_id": "CVC-0043"}, {"patient_id": ["CVC-0043", "CVC-0042"]}),
        ({"patient_id": ""}, {"patient_id": ["", "CVC-0042"]}),
        ({"patient_id": "--"}, {"patient_id": ["--", "CVC-0042"]}),
        ({"name": "Olafsdottir^Maria"}, {"patient_name": ["Olafsdottir^Maria", "Ólafsdóttir^Anna"]}),
        ({"name": "Olafsdottir"}, {"patient_name": ["Olafsdottir", "Ólafsdóttir^Anna"]}),
        ({"name": ""}, {"patient_name": ["", "Ólafsdóttir^Anna"]}),
        (
            {"name": "Olafsdottir^Anna^Maria"},
            {"patient_name": ["Olafsdottir^Anna^Maria", "Ólafsdóttir^Anna"]},
        ),
        ({"birth_date": "19800518"}, {"birth_date": ["19800518", "19800517"]}),
        ({"birth_date": "1981"}, {"birth_date": ["1981", "19800517"]}),
        ({"birth_date": "19801399"}, {"birth_date": ["19801399", "19800517"]}),
        ({"sex": "M"}, {"sex": ["M", "F"]}),
        (
            {"issuer": "Other clinic"},
            {"patient_id": ["CVC-0042", "CVC-0042"], "issuer": ["Other clinic", "My clinic"]},
        ),
    ],
)
def test_another_patient_differs_and_it_is_said_in_what(patient, changes, found):
    assert differences(identity(**changes), patient) == found


@pytest.mark.parametrize(
    ("images", "record", "agree"),
    [
        ("Mueller^Hans", "Müller^Hans", True),
        ("MULLER^HANS", "Müller^Hans", True),
        ("Hans^Müller", "Müller^Hans", True),
        ("Smith^John", "Smith^John^Peter", True),
        ("Smith^John^Peter", "Smith^John", False),
        ("Smith^J", "Smith^John", False),
        ("IVANOV^IVAN", "Иванов^Иван", True),
        ("Yamada^Tarou=山田^太郎", "Yamada^Tarou=山田^太郎=やまだ^たろう", True),
        ("Yamada^Tarou=山本^太郎", "Yamada^Tarou=山田^太郎", False),
        ("山田^太郎", "Yamada^Tarou=山田^太郎", True),
        ("=山田^太郎", "Yamada^Tarou=山田^太郎", True),
        ("De la Cruz^Maria", "Cruz^Maria", False),
        ("DE-LA-CRUZ^MARIA", "de la Cruz^María", True),
        ("O'Neill^Sean", "ONeill^Seán", True),
        ("^", "Smith^John", False),
    ],
)
def test_names_are_compared_by_their_words(images, record, agree):
    assert names_agree(images, record) is agree


@pytest.mark.parametrize(
    ("precision", "born", "agree"),
    [
        ("month", "19800501", True),
        ("month", "19800617", False),
        ("year", "19801231", True),
        ("year", "19811231", False),
        ("about", "19830101", True),
        ("about", "19990101", False),
    ],
)
def test_a_birth_date_differs_only_beyond_what_is_known(patient, precision, born, agree):
    first = {"month": 5, "year": 1, "about": 1}[precision]
    patient.birth_date, patient.birth_precision = dt.date(1980, first, 1), precision

    assert (differences(identity(birth_date=born), patient) == {}) is agree


def test_a_merged_number_is_still_the_patients(patient):
    make_patient(mrn="OLD-7", merged_into=patient)

    assert differences(identity(patient_id="OLD-7"), patient) == {}
    assert find_patient(identity(patient_id="OLD-7")) == patient


def test_a_number_of_another_clinic_counts_only_with_its_issuer(patient):
    PatientIdentifier.objects.create(patient=patient, issuer="Valley Hospital", value="77-1")

    assert differences(identity(patient_id="77-1", issuer="VALLEY HOSPITAL"), patient) == {}
    assert find_patient(identity(patient_id="77-1", issuer="Valley hospital")) == patient
    assert find_patient(identity(patient_id="77-1")) is None
    assert find_patient(identity(issuer="Valley hospital")) is None
    assert "patient_id" in differences(identity(patient_id="77-1"), patient)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"sex": ""}, True),
        ({"birth_date": ""}, True),
        ({"name": "OLAFSDOTTIR^ANNA"}, True),
        ({"patient_id": ""}, False),
        ({"patient_id": "CVC-0043"}, False),
        ({"name": "Jonsson^Jon"}, False),
        ({"birth_date": "19800101"}, False),
        ({"sex": "M"}, False),
    ],
)
@pytest.mark.django_db
def test_objects_of_one_study_name_one_person(changes, same):
    assert same_person(identity(), identity(**changes)) is same
    assert same_person(identity(**changes), identity()) is same
