"""The catalogue that a new clinic starts with."""

import pytest

from audit.models import Entry
from reporting.models import ReportTemplate
from scheduling.models import Indication, Modality, Procedure, SafetyQuestion
from scheduling.shipped.contents import PROCEDURES, QUESTIONS
from scheduling.shipped.reasons import REASONS
from scheduling.shipped.ship import ship_catalogue

pytestmark = pytest.mark.django_db


def test_a_new_clinic_gets_all_of_it_and_the_trail_says_so():
    ship_catalogue()

    assert Procedure.objects.count() == len(PROCEDURES)
    assert SafetyQuestion.objects.count() == len(QUESTIONS)
    assert Indication.objects.count() == len(REASONS)
    assert Entry.objects.get(action="catalogue.shipped").changes["procedure"] == [None, len(PROCEDURES)]


def test_a_second_start_brings_nothing():
    ship_catalogue()

    assert ship_catalogue() == 0
    assert Entry.objects.filter(action="catalogue.shipped").count() == 1


def test_what_the_clinic_changed_or_removed_stays_so():
    ship_catalogue()
    Procedure.objects.filter(code="XCHEST").update(minutes=7)
    Procedure.objects.get(code="MRKNEE").delete()
    SafetyQuestion.objects.get(text="Do you take metformin?").delete()
    Indication.objects.get(text="Breast screening").delete()

    ship_catalogue()

    assert Procedure.objects.get(code="XCHEST").minutes == 7
    assert not Procedure.objects.filter(code="MRKNEE").exists()
    assert not SafetyQuestion.objects.filter(text="Do you take metformin?").exists()
    assert not Indication.objects.filter(text="Breast screening").exists()


def test_a_procedure_of_the_clinics_own_with_the_same_code_is_kept():
    Procedure.objects.create(code="XCHEST", name="Our chest film", modality="CR", minutes=5)

    ship_catalogue()

    own = Procedure.objects.get(code="XCHEST")
    assert (own.name, own.safety_questions.count()) == ("Our chest film", 0)


def test_the_magnet_is_asked_about_before_every_mr():
    ship_catalogue()

    for procedure in Procedure.objects.filter(modality=Modality.MR):
        assert procedure.safety_questions.filter(text__contains="pacemaker", is_critical=True).exists()


def test_contrast_is_asked_about_where_it_is_given():
    ship_catalogue()

    with_contrast = Procedure.objects.filter(name__contains="with contrast")
    assert with_contrast.count() == 4
    for procedure in with_contrast:
        assert procedure.safety_questions.filter(text__contains="reacted to contrast").exists()


def test_codes_bodies_and_templates_are_real():
    offered = set(ReportTemplate.objects.values_list("code", flat=True))

    assert len({each.code for each in PROCEDURES}) == len(PROCEDURES)
    assert {each.template for each in PROCEDURES} - {""} <= offered
    for each in PROCEDURES:
        Procedure(
            code=each.code, name=each.name, modality=each.modality, body_part=each.body_part
        ).full_clean(exclude=["report_template_code"])


@pytest.mark.parametrize("modality", ["DX", "US", "CT", "MR", "MG"])
def test_each_common_modality_has_some(modality):
    assert len([each for each in PROCEDURES if each.modality == modality]) >= 2
