"""Left against right, a sex that does not fit, an empty impression."""

import pytest

from reporting.checks import laterality_warnings, sex_warnings, sign_warnings
from reporting.models import Report
from scheduling.sides import sides
from tests.factories import make_order, make_patient, make_procedure
from tests.reporting.factories import make_reader, make_report

LEFT, RIGHT, BOTH, NONE = {"left"}, {"right"}, {"left", "right"}, set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pain in the left knee", LEFT),
        ("RIGHT WRIST, fall", RIGHT),
        ("Lt hand", LEFT),
        ("Rt. hip", RIGHT),
        ("L shoulder after dislocation", LEFT),
        ("X-ray R. foot", RIGHT),
        ("Disc at L4/L5", NONE),
        ("Segment L2 and R1", NONE),
        ("both hips", BOTH),
        ("Bilateral effusion", BOTH),
        ("left lower lobe, right lung clear", BOTH),
        ("Dilated left atrium, right ventricle normal", NONE),
        ("right-handed carpenter", NONE),
        ("The patient has left the room", NONE),
        ("Everything is all right", NONE),
        ("Left-to-right shunt", NONE),
        ("bright spot, copyright, aleft", NONE),
        ("genou gauche", LEFT),
        ("épaule droite", RIGHT),
        ("rodilla izquierda", LEFT),
        ("pulmón derecho", RIGHT),
        ("Schmerzen im linken Knie", LEFT),
        ("rechte Hand", RIGHT),
        ("joelho esquerdo", LEFT),
        ("gối trái", LEFT),
        ("phổi phải", RIGHT),
        ("левое колено", LEFT),
        ("справа", RIGHT),
        ("左膝", LEFT),
        ("右肺", RIGHT),
        ("两侧胸腔积液", BOTH),
        ("الركبة اليسرى", LEFT),
        ("", NONE),
    ],
)
def test_sides_are_found_in_words_not_in_letters(text: str, expected: set[str]) -> None:
    assert sides(text) == expected


@pytest.mark.parametrize(
    ("request_text", "findings", "impression", "warnings"),
    [
        ("Pain in the left knee", "No fracture of the left knee.", "Normal left knee.", 0),
        ("Pain in the left knee", "No fracture.", "Normal.", 0),
        ("Pain in the left knee", "No fracture.", "Normal right knee.", 1),
        ("Pain in the left knee", "Right knee: no fracture.", "Normal right knee.", 2),
        ("Pain in the left knee", "Left knee swollen, right normal.", "Left effusion.", 0),
        ("Cough", "Consolidation in the right lower lobe.", "Left lower lobe pneumonia.", 1),
        ("Cough", "Consolidation in the right lower lobe.", "Pneumonia.", 0),
        ("Both knees", "Right knee: effusion.", "Right effusion.", 0),
        ("", "", "", 0),
    ],
)
def test_contradiction_of_sides_warns(
    request_text: str, findings: str, impression: str, warnings: int
) -> None:
    found = laterality_warnings(request_text, findings, impression)

    assert len(found) == warnings


@pytest.mark.parametrize(
    ("sex", "text", "warns"),
    [
        ("M", "The uterus is normal.", True),
        ("F", "Prostate enlarged.", True),
        ("F", "Ovaries unremarkable.", False),
        ("M", "Prostatic calcification.", False),
        ("U", "Uterus and prostate.", False),
        ("O", "Uterus.", False),
        ("M", "Detested, protest, contest.", False),
    ],
)
def test_organ_of_the_other_sex_warns(sex: str, text: str, warns: bool) -> None:
    assert bool(sex_warnings(sex, text)) == warns


def report_of(request: str, *, sex: str = "F", **content: str) -> Report:
    order = make_order(
        make_patient(sex=sex),
        procedure=make_procedure(name="X-ray of the knee", body_part="KNEE"),
        indication=request,
        status="reading",
        reader=make_reader(),
    )
    return make_report(order, content={key: f"<p>{text}</p>" for key, text in content.items()})


@pytest.mark.django_db
def test_warnings_are_made_from_the_words_of_the_report() -> None:
    report = report_of("Fall on the left knee", findings="<strong>Right</strong> patella fractured")

    codes = [warning.code for warning in sign_warnings(report)]

    assert codes == ["no_impression", "laterality"]


@pytest.mark.django_db
def test_report_that_agrees_with_its_request_has_no_warning() -> None:
    report = report_of("Fall on the left knee", findings="Left knee normal.", impression="No fracture.")

    assert sign_warnings(report) == []
