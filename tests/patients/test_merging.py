"""Merging two records and parting them again, with what really hangs on them."""

import datetime as dt

import pytest
from django.apps import apps
from django.utils import timezone

from audit.models import Entry
from audit.sentences import changes_of, sentence
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.permissions import Role
from imaging.models import Study
from patients import belongings
from patients.comparing import compare, sensible_choices
from patients.merging import image_of, merge_patients, undo_merge
from patients.models import OtherName, Patient, PatientMerge
from patients.records import resolve_patient_by_number
from patients.services import add_identifier, update_patient
from scheduling import services as scheduling
from scheduling.statuses import OrderStatus
from tests.factories import make_appointment, make_order, make_patient, make_user
from tests.reporting.factories import make_reader, make_report, make_signed_report

pytestmark = pytest.mark.django_db
WHY = "Registered twice, she said so herself"


@pytest.fixture
def rosa():
    return make_user(Role.RECEPTIONIST, full_name="Rosa Delgado")


@pytest.fixture
def survivor():
    return make_patient(mrn="CVC-0003", family_name="Silva", given_name="Ana", alerts="Penicillin")


@pytest.fixture
def alias():
    return make_patient(
        mrn="CVC-0007",
        family_name="Moreno",
        given_name="Ana",
        phone="+254712345678",
        alerts="Latex",
        birth_date=dt.date(1980, 5, 18),
    )


def merge(survivor, alias, by, **choices):
    survivor.refresh_from_db()
    alias.refresh_from_db()
    return merge_patients(
        survivor,
        alias,
        by=by,
        choices=choices,
        versions=(survivor.version, alias.version),
        reason=WHY,
    )


def make_study(order):
    return Study.objects.create(
        study_instance_uid=order.study_instance_uid,
        state="linked",
        order=order,
        patient=order.patient,
        last_received_at=timezone.now(),
    )


def state_of_everything():
    """Every row that hangs on a patient, and the records themselves without their counters."""
    rows = {kind.model: sorted(kind.rows().values_list("pk", kind.field)) for kind in belongings.kinds()}
    rows["patients"] = [
        (image_of(patient), patient.name_key, patient.merged_into_id)
        for patient in Patient.objects.order_by("pk")
    ]
    return rows


# --- what is kept -------------------------------------------------------------------------------------


def test_what_only_one_record_knows_is_kept_and_warnings_of_both(survivor, alias):
    choices = sensible_choices(survivor, alias)

    assert (choices["phone"], choices["family_name"], choices["alerts"]) == ("alias", "survivor", "both")


def test_the_more_exact_birth_date_is_kept(survivor, alias):
    survivor.birth_precision = "year"

    assert sensible_choices(survivor, alias)["birth_date"] == "alias"


def test_only_what_is_known_is_compared(survivor, alias):
    rows = {row.field: row for row in compare(survivor, alias)}

    assert "email" not in rows
    assert rows["family_name"].differs
    assert not rows["given_name"].differs
    assert (rows["phone"].survivor, rows["alerts"].can_join) == ("", True)


def test_the_survivor_gets_what_was_chosen_and_keeps_its_number(survivor, alias, rosa):
    merge(survivor, alias, rosa, family_name="alias", birth_date="alias")

    survivor.refresh_from_db()
    assert (survivor.mrn, survivor.family_name, survivor.phone) == ("CVC-0003", "Moreno", "+254712345678")
    assert survivor.birth_date == dt.date(1980, 5, 18)
    assert survivor.alerts == "Penicillin\nLatex"
    assert survivor.name_key == " moreno ana"


@pytest.mark.parametrize("choices", [{"family_name": "both"}, {"mrn": "alias"}, {"alerts": "neither"}])
def test_a_choice_that_was_not_offered_is_refused(survivor, alias, rosa, choices):
    with pytest.raises(InvalidInput, match="not one of those offered"):
        merge(survivor, alias, rosa, **choices)


def test_a_name_that_is_too_long_together_is_refused_and_nothing_is_merged(survivor, alias, rosa):
    update_patient(alias, by=rosa, version=1, given_name="A" * 40, family_name="M")
    update_patient(survivor, by=rosa, version=1, family_name="S" * 40)

    with pytest.raises(InvalidInput, match="at most 64"):
        merge(survivor, alias, rosa, given_name="alias")

    assert not PatientMerge.objects.exists()


# --- what moves ---------------------------------------------------------------------------------------


def test_everything_changes_hands_and_the_number_still_leads_to_the_person(survivor, alias, rosa):
    order = make_order(alias, status=OrderStatus.SCHEDULED)
    study = make_study(order)
    add_identifier(alias, by=rosa, issuer="Valley", value="77")

    made = merge(survivor, alias, rosa)

    for thing in (order, order.appointment, study):
        thing.refresh_from_db()
        assert thing.patient == survivor
    assert [str(one) for one in survivor.identifiers.all()] == ["77 (Valley)"]
    assert resolve_patient_by_number("cvc-0007") == survivor
    assert made.moved["scheduling.Order"] == [order.pk]
    assert belongings.counted_of(alias.pk) == []


def test_what_would_move_is_counted(survivor, alias, rosa):
    make_report(make_order(alias, status=OrderStatus.READING))
    make_study(make_order(alias, status=OrderStatus.SCHEDULED))

    counted = belongings.counted_of(alias.pk)

    assert sorted(counted) == ["1 report", "1 study", "2 orders", "2 visits"]


def test_the_name_that_was_not_kept_still_finds_the_person(survivor, alias, rosa):
    merge(survivor, alias, rosa)

    assert OtherName.objects.get(name_key__contains=" moreno").patient == survivor


def test_no_other_name_is_made_of_the_same_name(survivor, rosa):
    merge(survivor, make_patient(family_name="Silva", given_name="Ana"), rosa)

    assert not OtherName.objects.exists()


def test_every_kind_of_thing_that_names_a_patient_is_moved():
    """A room that adds a foreign key to Patient has to register it, or merges would leave things behind."""
    keeps = {  # what was decided then, about whom
        ("patients.PatientMerge", "survivor"),
        ("patients.PatientMerge", "alias"),
    }

    keys = {
        (relation.related_model._meta.label, relation.field.name)
        for relation in Patient._meta.get_fields(include_hidden=True)
        if relation.auto_created and relation.is_relation and not relation.concrete
    }

    assert keys - keeps == {(kind.model, kind.field) for kind in belongings.kinds()}


def test_all_kinds_exist_and_can_be_counted():
    assert [kind.counted(2)[:1] for kind in belongings.kinds()] == ["2"] * len(belongings.kinds())
    assert all(apps.get_model(kind.model) for kind in belongings.kinds())


def test_a_chain_of_merges_resolves_in_one_step(survivor, alias, rosa):
    third = make_patient(mrn="CVC-0009")
    merge(survivor, alias, rosa)
    merge(third, survivor, rosa)

    alias.refresh_from_db()
    assert alias.merged_into == third
    assert resolve_patient_by_number("CVC-0007") == third
    assert set(Patient.objects.current()) == {third}


# --- who may, and when not ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.RECEPTIONIST, True),
        (Role.ADMINISTRATOR, True),
        (Role.TECHNICIAN, False),
        (Role.RADIOLOGIST, False),
    ],
)
def test_who_may_merge(survivor, alias, role, may):
    by = make_user(role)
    if may:
        merge(survivor, alias, by)
        return

    with pytest.raises(NotAllowed):
        merge(survivor, alias, by)


def test_a_merge_needs_a_reason(survivor, alias, rosa):
    with pytest.raises(InvalidInput, match="Say in a few words why"):
        merge_patients(survivor, alias, by=rosa, choices={}, versions=(1, 1), reason="  ")


def test_a_record_is_not_merged_with_itself(survivor, rosa):
    with pytest.raises(InvalidInput, match="same record twice"):
        merge(survivor, survivor, rosa)


@pytest.mark.parametrize("changed", ["survivor", "alias"])
def test_a_record_that_was_changed_meanwhile_is_looked_at_again(survivor, alias, rosa, changed):
    update_patient({"survivor": survivor, "alias": alias}[changed], by=rosa, version=1, note="Called")

    with pytest.raises(Conflict, match="Someone else changed"):
        merge_patients(survivor, alias, by=rosa, choices={}, versions=(1, 1), reason=WHY)

    assert not PatientMerge.objects.exists()


def test_a_merged_record_is_not_merged_again(survivor, alias, rosa):
    merge(survivor, alias, rosa)

    with pytest.raises(Conflict, match=r"Ana Moreno \(CVC-0007\) was merged into Ana Silva \(CVC-0003\)"):
        merge(make_patient(), alias, rosa)


@pytest.mark.parametrize("whose", ["survivor", "alias"])
def test_not_while_somebody_writes_a_report(survivor, alias, rosa, whose):
    reader = make_user(Role.RADIOLOGIST, full_name="Dr Kamau")
    patient = {"survivor": survivor, "alias": alias}[whose]
    order = make_order(patient, status=OrderStatus.READING, reader=reader)
    before = state_of_everything()

    with pytest.raises(Conflict, match=f"Dr Kamau is writing the report of order {order.accession_number}"):
        merge(survivor, alias, rosa)

    assert state_of_everything() == before


def test_open_visits_of_both_at_the_same_time_are_both_kept(survivor, alias, rosa):
    at = timezone.now().replace(second=0, microsecond=0) + dt.timedelta(hours=1)
    one = make_appointment(make_order(survivor), starts_at=at)
    other = make_appointment(make_order(alias), starts_at=at)

    merge(survivor, alias, rosa)

    assert set(survivor.appointments.all()) == {one, other}


def test_a_signed_report_stays_as_it_was_signed(survivor, alias, rosa):
    version = make_signed_report(make_order(alias, status=OrderStatus.READING, reader=make_reader()))
    frozen = dict(version.content)

    merge(survivor, alias, rosa)

    version.refresh_from_db()
    assert version.content == frozen
    assert version.content["patient"]["mrn"] == "CVC-0007"
    assert version.report.order.patient == survivor


# --- undo ---------------------------------------------------------------------------------------------


@pytest.fixture
def busy(survivor, alias, rosa):
    """Both with orders, visits, studies, numbers and names of their own."""
    for patient in (survivor, alias):
        make_study(make_order(patient, status=OrderStatus.SCHEDULED))
        add_identifier(patient, by=rosa, issuer="Valley", value=f"V{patient.pk}")
    return survivor, alias


def test_undoing_restores_exactly(busy, rosa):
    before = state_of_everything()
    made = merge(*busy, rosa, family_name="alias", birth_date="alias")
    assert state_of_everything() != before

    undo_merge(made, by=rosa, reason="Two sisters")

    assert state_of_everything() == before
    assert (made.__class__.objects.get().undone_by, PatientMerge.objects.standing().count()) == (rosa, 0)


def test_after_undoing_both_can_be_merged_the_other_way_round(busy, rosa):
    survivor, alias = busy
    undo_merge(merge(survivor, alias, rosa), by=rosa, reason="The other number is on her card")

    merge(alias, survivor, rosa)

    assert resolve_patient_by_number("CVC-0003") == alias


def test_work_that_went_on_does_not_stand_in_the_way(busy, rosa):
    survivor, alias = busy
    made = merge(survivor, alias, rosa)
    (appointment,) = [
        one for one in survivor.appointments.all() if one.pk in made.moved["scheduling.Appointment"]
    ]
    scheduling.check_in_appointment(appointment, by=rosa)

    undo_merge(made, by=rosa, reason="Two sisters")

    appointment.refresh_from_db()
    assert (appointment.patient, appointment.status) == (alias, "waiting")


def change_phone(survivor, rosa):
    update_patient(Patient.objects.get(pk=survivor.pk), by=rosa, version=2, phone="0722 111222")


def place_an_order(survivor, rosa):
    make_order(survivor)


def merge_a_third(survivor, rosa):
    merge(survivor, make_patient(mrn="CVC-0009", family_name="Third"), rosa)


def merge_it_away(survivor, rosa):
    merge(make_patient(mrn="CVC-0009", family_name="Third"), survivor, rosa)


def remove_a_number(survivor, rosa):
    survivor.identifiers.first().delete()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (change_phone, "was changed since: phone"),
        (place_an_order, r"New since then: 1 order \(.*Chest X-ray"),
        (merge_a_third, r"New since then: 1 merged record \(Ada Third \(CVC-0009\)\)"),
        (merge_it_away, r"was merged into Ada Third \(CVC-0009\) since: undo that first"),
        (remove_a_number, "Taken away since then: 1 further number"),
    ],
)
def test_what_has_changed_since_is_told_and_nothing_is_parted(busy, rosa, change, told):
    survivor, _alias = busy
    made = merge(*busy, rosa)
    change(survivor, rosa)
    before = state_of_everything()

    with pytest.raises(Conflict, match=told):
        undo_merge(made, by=rosa, reason="Two sisters")

    assert state_of_everything() == before


def test_a_report_signed_since_stands_in_the_way(survivor, alias, rosa):
    order = make_order(alias, status=OrderStatus.ACQUIRED)
    made = merge(survivor, alias, rosa)
    order.refresh_from_db()
    make_signed_report(scheduling.claim_order(order, by=make_reader()))

    with pytest.raises(Conflict, match="was signed since, under the number CVC-0003"):
        undo_merge(made, by=rosa, reason="Two sisters")


def test_a_chain_is_undone_from_its_end(survivor, alias, rosa):
    third = make_patient(mrn="CVC-0009")
    before = state_of_everything()
    first = merge(survivor, alias, rosa)
    second = merge(third, survivor, rosa)

    undo_merge(second, by=rosa, reason="Wrong")
    undo_merge(first, by=rosa, reason="Wrong")

    assert state_of_everything() == before


def test_it_is_undone_once(survivor, alias, rosa):
    made = merge(survivor, alias, rosa)
    undo_merge(made, by=rosa, reason="Wrong")

    with pytest.raises(Conflict, match="undone already"):
        undo_merge(made, by=rosa, reason="Wrong")


# --- audit --------------------------------------------------------------------------------------------


def test_both_histories_tell_the_merge_with_before_and_after(survivor, alias, rosa):
    make_order(alias)
    merge(survivor, alias, rosa, family_name="alias")

    mine = Entry.objects.for_patient(survivor.pk).newest_first()[0]
    theirs = Entry.objects.for_patient(alias.pk).newest_first()[0]
    assert sentence(mine) == "Rosa Delgado merged Ana Moreno (CVC-0007) into Ana Moreno (CVC-0003)"
    assert sentence(theirs) == "Rosa Delgado merged Ana Moreno (CVC-0007) into Ana Moreno (CVC-0003)"
    assert {change.label: (change.before, change.after) for change in changes_of(mine)} == {
        "family name": ("Silva", "Moreno"),
        "phone": ("", "+254712345678"),
        "allergies and alerts": ("Penicillin", "Penicillin\nLatex"),
        "orders": ("", "1 order"),
    }
    assert [change.label for change in changes_of(theirs)] == ["merged into"]
    assert (mine.reason, theirs.reason) == (WHY, WHY)


def test_all_pages_that_show_something_of_it_are_told(survivor, alias, rosa, monkeypatch):
    told = []
    monkeypatch.setattr("patients.merging.announce", lambda *topics: told.extend(topics))
    order = make_order(alias, status=OrderStatus.SCHEDULED)
    study = make_study(order)

    merge(survivor, alias, rosa)

    patients = {f"patient.{survivor.pk}", f"patient.{alias.pk}"}
    assert set(told) == patients | {"board", "held", f"order.{order.pk}", f"study.{study.pk}"}


def test_undoing_is_told_backwards(survivor, alias, rosa):
    made = merge(survivor, alias, rosa, family_name="alias")
    undo_merge(made, by=rosa, reason="Two sisters")

    mine = Entry.objects.for_patient(survivor.pk).newest_first()[0]
    assert sentence(mine) == "Rosa Delgado parted Ana Moreno (CVC-0007) from Ana Silva (CVC-0003) again"
    assert mine.changes["family_name"] == ["Moreno", "Silva"]
    assert mine.reason == "Two sisters"
