"""What Cedar Village offers: procedures, the two rooms, the frequent reasons."""

from dataclasses import dataclass

FASTING = "Please do not eat for 6 hours before the examination; water is allowed."
FULL_BLADDER = "Please drink one litre of water an hour before the examination and do not empty your bladder."
NOTHING = "No preparation is needed."
UNDRESS = "Please take off jewellery and metal above the waist. Tell us if you could be pregnant."
CONTRAST = (
    "Please do not eat for 4 hours before. Bring your last kidney value (creatinine). "
    "Tell us about allergies to contrast medium, thyroid disease, diabetes, and if you could be pregnant."
)
PREGNANCY_QUESTION = "Could you be pregnant?"
CONTRAST_QUESTIONS = (
    PREGNANCY_QUESTION,
    "Have you ever reacted to contrast medium?",
    "Do you have kidney disease or an overactive thyroid?",
    "Do you take metformin?",
)


@dataclass(frozen=True, kw_only=True)
class DemoProcedure:
    code: str
    name: str
    modality: str
    body_part: str
    minutes: int
    preparation: str = NOTHING
    price: str = ""
    questions: tuple[str, ...] = ()
    notes: str = ""


def _x(
    code: str, name: str, body_part: str, price: str, *, minutes: int = 10, notes: str = ""
) -> DemoProcedure:
    return DemoProcedure(
        code=code,
        name=name,
        modality="DX",
        body_part=body_part,
        minutes=minutes,
        preparation=UNDRESS if body_part in {"CHEST", "ABDOMEN", "PELVIS", "LSPINE", "CSPINE"} else NOTHING,
        price=price,
        questions=(PREGNANCY_QUESTION,),
        notes=notes,
    )


def _u(
    code: str, name: str, body_part: str, price: str, *, minutes: int = 20, preparation: str = NOTHING
) -> DemoProcedure:
    return DemoProcedure(
        code=code,
        name=name,
        modality="US",
        body_part=body_part,
        minutes=minutes,
        preparation=preparation,
        price=price,
    )


def _c(code: str, name: str, body_part: str, price: str, *, minutes: int = 20) -> DemoProcedure:
    return DemoProcedure(
        code=code,
        name=name,
        modality="CT",
        body_part=body_part,
        minutes=minutes,
        preparation=CONTRAST,
        price=price,
        questions=CONTRAST_QUESTIONS,
        notes="Done at the district hospital; the images come to us.",
    )


PROCEDURES = (
    _x("XCHEST", "Chest X-ray PA", "CHEST", "25.00", notes="180 cm, 120 kV, full inspiration."),
    _x("XCHEST2", "Chest X-ray PA and lateral", "CHEST", "35.00", minutes=15),
    _x("XRIBS", "Ribs, one side", "CHEST", "30.00", minutes=15),
    _x("XABDOMEN", "Abdomen X-ray", "ABDOMEN", "28.00"),
    _x("XHANDL", "Left hand X-ray", "HAND", "20.00", notes="52 kV, fingers spread."),
    _x("XHANDR", "Right hand X-ray", "HAND", "20.00", notes="52 kV, fingers spread."),
    _x("XWRIST", "Wrist X-ray, two views", "WRIST", "22.00"),
    _x("XKNEE", "Knee X-ray, two views", "KNEE", "24.00"),
    _x("XANKLE", "Ankle X-ray, two views", "ANKLE", "24.00"),
    _x("XPELVIS", "Pelvis X-ray", "PELVIS", "28.00"),
    _x("XLSPINE", "Lumbar spine X-ray, two views", "LSPINE", "34.00", minutes=15),
    _x("XCSPINE", "Neck X-ray, two views", "CSPINE", "32.00", minutes=15),
    _u("UABDOMEN", "Abdomen ultrasound", "ABDOMEN", "45.00", preparation=FASTING),
    _u("ULIVER", "Liver and gallbladder ultrasound", "LIVER", "40.00", preparation=FASTING),
    _u("UKUB", "Kidneys and bladder ultrasound", "KIDNEY", "40.00", preparation=FULL_BLADDER),
    _u("UPELVIS", "Pelvis ultrasound", "PELVIS", "42.00", preparation=FULL_BLADDER),
    _u("UOB1", "Obstetric ultrasound, first trimester", "UTERUS", "45.00", preparation=FULL_BLADDER),
    _u("UOB2", "Obstetric ultrasound, second and third trimester", "UTERUS", "55.00", minutes=30),
    _u("UTHYROID", "Thyroid ultrasound", "THYROID", "38.00", minutes=15),
    _u("UBREAST", "Breast ultrasound", "BREAST", "45.00", minutes=20),
    _u("UCAROTID", "Neck arteries with colour Doppler", "NECK", "60.00", minutes=30),
    _c("CTCHESTABD", "CT chest and abdomen with contrast", "CHEST", "220.00", minutes=30),
    _c("CTHEAD", "CT head", "HEAD", "150.00", minutes=15),
)


@dataclass(frozen=True, kw_only=True)
class DemoStation:
    name: str
    room: str
    ae_title: str
    modalities: tuple[str, ...]


STATIONS = (
    DemoStation(name="X-ray", room="Room 1", ae_title="CEDAR_XR", modalities=("DX", "CR")),
    DemoStation(name="Ultrasound", room="Room 2", ae_title="CEDAR_US", modalities=("US",)),
)

INDICATIONS = (
    "Cough for more than 2 weeks",
    "Fever and cough, pneumonia?",
    "Contact with tuberculosis",
    "Before an operation",
    "Shortness of breath",
    "Chest pain after a fall",
    "Fall on the outstretched hand, fracture?",
    "Pain in the right upper abdomen, gallstones?",
    "Raised liver values",
    "Blood in the urine",
    "Flank pain, kidney stone?",
    "Lower abdominal pain",
    "Pregnancy, routine examination",
    "Pregnancy, no movements felt",
    "Nodule in the neck",
    "Dizziness, narrowing of the neck arteries?",
    "Weight loss, tumour?",
    "Back pain for more than 6 weeks",
    "Knee pain, osteoarthritis?",
    "Follow-up of a known finding",
)
