"""Every way in which images can name somebody else than their order: held, listed, and each choice decides.

The nine cases are received through the spool as from a machine. None may be filed silently.
"""

from collections.abc import Callable

import pytest

from imaging.decisions import (
    discard_study,
    file_as_unknown,
    file_with_new_order,
    file_with_new_patient,
    resolve_held_study,
)
from imaging.held import held_studies
from imaging.models import Instance, Quarantined, Study
from scheduling.days import clinic_today
from scheduling.models import Order
from tests.factories import make_everyone, make_order, make_patient, make_procedure

from .sender import identity_for, identity_of, receive, slices

pytestmark = pytest.mark.django_db


def procedure():
    return make_procedure(modality="CT")


@pytest.fixture
def order():
    patient = make_patient(mrn="A-1", family_name="Ahmed", given_name="Sara", sex="F")
    return make_order(patient, status="scheduled", procedure=procedure())


@pytest.fixture
def other():
    patient = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    return make_order(patient, status="scheduled", procedure=procedure())


def stale(order, other):
    """The worklist entry was cancelled; the machine still had it."""
    cancelled = make_order(order.patient, status="cancelled", procedure=procedure())
    return slices(identity_for(cancelled), 2)


def two_matches(order, other):
    make_order(order.patient, status="scheduled", procedure=procedure())
    return slices(identity_of(order.patient, study_date=f"{clinic_today():%Y%m%d}"), 2)


CASES: dict[str, Callable] = {
    "Study UID of A, Patient ID of B": lambda a, b: slices(
        identity_of(b.patient, study_instance_uid=a.study_instance_uid), 2
    ),
    "another birth date": lambda a, b: slices(identity_for(a, birth_date="19010101"), 2),
    "another sex": lambda a, b: slices(identity_for(a, sex="M"), 2),
    "another name": lambda a, b: slices(identity_for(a, patient_name="Ahmadi^Sarah"), 2),
    "another issuer of the same number": lambda a, b: slices(
        identity_for(a), 2, IssuerOfPatientID="Another Hospital"
    ),
    "no number": lambda a, b: slices(identity_for(a, patient_id=""), 2),
    "accession of A, Study UID of B": lambda a, b: slices(
        identity_for(a, study_instance_uid=b.study_instance_uid), 2
    ),
    "stale Study UID": stale,
    "two worklist matches": two_matches,
}
NEW = {"family_name": "Nobody", "given_name": "Yet", "sex": "O", "birth_date": None}
CHOICES: dict[str, Callable] = {
    "this order": lambda study, a, by: resolve_held_study(study, by=by, order=a, reason="Seen"),
    "another order": lambda study, a, by: resolve_held_study(
        study, by=by, order=make_order(status="scheduled"), reason="Seen"
    ),
    "new order": lambda study, a, by: file_with_new_order(
        study, by=by, patient=a.patient, procedure=procedure(), reason="Seen"
    ),
    "new patient": lambda study, a, by: file_with_new_patient(study, by=by, procedure=procedure(), **NEW),
    "unknown": lambda study, a, by: file_as_unknown(study, by=by, procedure=procedure()),
    "discarded": lambda study, a, by: discard_study(study, by=by, reason="Test"),
}
STATES = {"unknown": "unknown", "discarded": "discarded"}


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_filed_silently_and_all_is_on_the_list(case, order, other):
    study = receive(*CASES[case](order, other))

    assert (study.state, study.patient, study.order, study.instance_count) == ("held", None, None, 2)
    assert list(held_studies(make_everyone())) == [study]
    assert Order.objects.filter(studies__isnull=False).count() == 0
    assert study.held_reason != ""


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("case", CASES)
def test_each_choice_decides_and_what_comes_later_follows(case, choice, order, other):
    first, later = CASES[case](order, other)
    study = receive(first)

    CHOICES[choice](study, order, make_everyone())
    study = receive(later)

    assert (study.state, study.instance_count) == (STATES.get(choice, "linked"), 2)
    assert (study.order is None) == (choice == "discarded")
    assert Quarantined.objects.count() == 0
    assert Study.objects.count() == 1


@pytest.mark.parametrize(
    ("known", "written"),
    [
        ({"family_name": "Ólafsdóttir", "given_name": "Björk"}, "OLAFSDOTTIR^BJORK"),
        ({"family_name": "Müller", "given_name": "Jürgen"}, "Mueller^Juergen"),
        ({"family_name": "Ahmed", "given_name": "Sara"}, "ahmed^sara^^Dr"),
        (
            {"family_name": "Yamada", "given_name": "Tarou", "ideographic_name": "山田^太郎"},
            "Yamada^Tarou=山田^太郎",
        ),
    ],
)
def test_spelling_case_and_character_set_make_no_other_person(known, written):
    order = make_order(make_patient(**known), status="scheduled")

    study = receive(*slices(identity_for(order, patient_name=written), 1, SpecificCharacterSet="ISO_IR 192"))

    assert (study.state, study.order) == ("linked", order)


def test_images_and_entries_add_up_to_what_was_sent(order, other):
    sent = 0
    for number, make in enumerate(CASES.values()):
        made = make(order, other)
        for dataset in made:
            dataset.StudyInstanceUID = f"{dataset.StudyInstanceUID}"
            dataset.SOPInstanceUID = f"1.2.{number}.{sent}"
            sent += 1
        receive(*made)

    assert Instance.objects.count() + Quarantined.objects.count() == sent
    assert Study.objects.exclude(state="held").count() == 0
