"""Common examinations with what is told to the patient, asked before and done."""

from dataclasses import dataclass

NOTHING = "No preparation is needed."
UNDRESS = (
    "Please take off jewellery and metal around the part that is examined. Tell us if you could be pregnant."
)
FASTING = "Please do not eat for 6 hours before the examination; water is allowed."
FULL_BLADDER = "Please drink one litre of water an hour before the examination and do not empty your bladder."
CONTRAST = (
    "Please do not eat for 4 hours before; drink plenty of water. Bring your last kidney value (creatinine). "
    "Tell us about allergies to contrast medium, thyroid disease, diabetes medicines, and a pregnancy."
)
MAGNET = (
    "The magnet is always on. Tell us about a pacemaker, implants, clips or metal splinters, and bring "
    "your implant card. Leave watches, cards, phones and metal outside. Come without make-up and hair pins."
)
MAGNET_CONTRAST = f"{MAGNET} Bring your last kidney value (creatinine)."
BREAST = (
    "Please use no deodorant, powder or cream on breasts and armpits today. Bring earlier mammograms. "
    "The best time is the first week after the period has begun."
)


@dataclass(frozen=True)
class ShippedQuestion:
    key: str
    text: str
    is_critical: bool = False
    asked_of: str = "everybody"


QUESTIONS = (
    ShippedQuestion(
        "pacemaker", "Do you have a pacemaker, defibrillator or nerve stimulator?", is_critical=True
    ),
    ShippedQuestion(
        "implant",
        "Do you have clips, a pump, a cochlear implant, a heart valve or a stent?",
        is_critical=True,
    ),
    ShippedQuestion(
        "splinter", "Could there be metal splinters in your eyes or your body?", is_critical=True
    ),
    ShippedQuestion("pregnant", "Could you be pregnant?", is_critical=True, asked_of="may_be_pregnant"),
    ShippedQuestion("contrast", "Have you ever reacted to contrast medium?", is_critical=True),
    ShippedQuestion(
        "kidney", "Do you have kidney disease, or is your last creatinine raised?", is_critical=True
    ),
    ShippedQuestion("thyroid", "Do you have an overactive thyroid?", is_critical=True),
    ShippedQuestion("metformin", "Do you take metformin?"),
    ShippedQuestion("allergy", "Do you have asthma or other allergies?"),
    ShippedQuestion("prosthesis", "Do you have joint prostheses, screws, plates, tattoos or piercings?"),
    ShippedQuestion("claustrophobia", "Are you afraid of narrow rooms?"),
    ShippedQuestion("breast_implant", "Do you have breast implants?"),
    ShippedQuestion("breast_feeding", "Are you breast-feeding?", asked_of="may_be_pregnant"),
)
RAYS = ("pregnant",)
IODINE = ("pregnant", "contrast", "kidney", "thyroid", "metformin", "allergy")
IN_MAGNET = ("pacemaker", "implant", "splinter", "pregnant", "prosthesis", "claustrophobia")
GADOLINIUM = (*IN_MAGNET, "contrast", "kidney")
MAMMOGRAPHY = ("pregnant", "breast_implant", "breast_feeding")


@dataclass(frozen=True, kw_only=True)
class ShippedProcedure:
    code: str
    name: str
    modality: str
    body_part: str
    minutes: int
    preparation: str = NOTHING
    questions: tuple[str, ...] = ()
    notes: str = ""
    template: str = ""


def _x(
    code: str, name: str, body_part: str, notes: str, *, minutes: int = 10, template: str = ""
) -> ShippedProcedure:
    return ShippedProcedure(
        code=code,
        name=name,
        modality="DX",
        body_part=body_part,
        minutes=minutes,
        preparation=UNDRESS,
        questions=RAYS,
        notes=notes,
        template=template or ("" if body_part == "ABDOMEN" else "xray-bone"),
    )


def _u(
    code: str,
    name: str,
    body_part: str,
    notes: str,
    *,
    minutes: int = 20,
    preparation: str = NOTHING,
    template: str = "us-general",
) -> ShippedProcedure:
    return ShippedProcedure(
        code=code,
        name=name,
        modality="US",
        body_part=body_part,
        minutes=minutes,
        preparation=preparation,
        notes=notes,
        template=template,
    )


def _c(
    code: str, name: str, body_part: str, notes: str, *, minutes: int = 20, template: str = "ct-general"
) -> ShippedProcedure:
    with_contrast = "contrast" in name
    return ShippedProcedure(
        code=code,
        name=name,
        modality="CT",
        body_part=body_part,
        minutes=minutes,
        preparation=CONTRAST if with_contrast else UNDRESS,
        questions=IODINE if with_contrast else RAYS,
        notes=notes,
        template=template,
    )


def _m(code: str, name: str, body_part: str, notes: str, *, minutes: int = 30) -> ShippedProcedure:
    with_contrast = "contrast" in name
    return ShippedProcedure(
        code=code,
        name=name,
        modality="MR",
        body_part=body_part,
        minutes=minutes,
        preparation=MAGNET_CONTRAST if with_contrast else MAGNET,
        questions=GADOLINIUM if with_contrast else IN_MAGNET,
        notes=notes,
    )


def _g(code: str, name: str, notes: str, *, minutes: int = 20) -> ShippedProcedure:
    return ShippedProcedure(
        code=code,
        name=name,
        modality="MG",
        body_part="BREAST",
        minutes=minutes,
        preparation=BREAST,
        questions=MAMMOGRAPHY,
        notes=notes,
    )


PROCEDURES = (
    _x("XCHEST", "Chest X-ray PA", "CHEST", "180 cm, 120 kV, grid, full inspiration.", template="xray-chest"),
    _x("XCHEST2", "Chest X-ray PA and lateral", "CHEST", "180 cm, 120 kV; left lateral.", minutes=15,
       template="xray-chest"),
    _x("XCHESTBED", "Chest X-ray at the bed", "CHEST", "100 cm, 85 kV, AP; note the position.", minutes=15,
       template="xray-chest"),
    _x("XCHESTTB", "Chest X-ray, tuberculosis screening", "CHEST", "180 cm, 120 kV, PA, full inspiration.",
       template="xray-tb-screening"),
    _x("XRIBS", "Ribs, one side", "CHEST", "70 kV; two projections of the painful side.", minutes=15),
    _x("XABDOMEN", "Abdomen X-ray", "ABDOMEN", "75 kV, supine; upright or left lateral for free air."),
    _x("XHANDL", "Left hand X-ray", "HAND", "52 kV, PA and oblique, fingers spread."),
    _x("XHANDR", "Right hand X-ray", "HAND", "52 kV, PA and oblique, fingers spread."),
    _x("XWRIST", "Wrist X-ray, two views", "WRIST", "52 kV, PA and lateral."),
    _x("XELBOW", "Elbow X-ray, two views", "ELBOW", "55 kV, AP and lateral at 90 degrees."),
    _x("XSHOULDER", "Shoulder X-ray, two views", "SHOULDER", "70 kV, true AP and Y view."),
    _x("XHIP", "Hip X-ray, two views", "HIP", "75 kV, AP and axial; gonads shielded where possible."),
    _x("XPELVIS", "Pelvis X-ray", "PELVIS", "75 kV, AP, feet turned in 15 degrees."),
    _x("XKNEE", "Knee X-ray, two views", "KNEE", "60 kV, AP and lateral at 30 degrees; standing."),
    _x("XANKLE", "Ankle X-ray, two views", "ANKLE", "55 kV, mortise view and lateral."),
    _x("XFOOT", "Foot X-ray, two views", "FOOT", "52 kV, dorsoplantar and oblique."),
    _x("XCSPINE", "Neck X-ray, two views", "CSPINE", "70 kV; C7/T1 has to be shown.", minutes=15),
    _x("XLSPINE", "Lumbar spine X-ray, two views", "LSPINE", "80 and 90 kV, AP and lateral.", minutes=15),
    _u("UABDOMEN", "Abdomen ultrasound", "ABDOMEN", "Liver, gallbladder, pancreas, spleen, kidneys, aorta.",
       preparation=FASTING, template="us-abdomen"),
    _u("ULIVER", "Liver and gallbladder ultrasound", "LIVER", "Measure liver and common bile duct.",
       preparation=FASTING, template="us-abdomen"),
    _u("UKUB", "Kidneys and bladder ultrasound", "KIDNEY", "Both lengths; residual urine after voiding.",
       preparation=FULL_BLADDER, template="us-kub"),
    _u("UPELVIS", "Pelvis ultrasound", "PELVIS", "Through the full bladder, then transvaginal if agreed.",
       preparation=FULL_BLADDER, template="us-pelvis"),
    _u("UOB1", "Obstetric ultrasound, first trimester", "UTERUS", "Place, heartbeat, crown-rump length.",
       preparation=FULL_BLADDER, template="us-ob-first"),
    _u("UOB2", "Obstetric ultrasound, second and third trimester", "UTERUS",
       "Biometry, anatomy, placenta, fluid.", minutes=30, template="us-ob-growth"),
    _u("UTHYROID", "Thyroid ultrasound", "THYROID", "Volume of both lobes; nodes by TI-RADS.", minutes=15,
       template="us-thyroid"),
    _u("UBREAST", "Breast ultrasound", "BREAST", "Both breasts and armpits; findings by clock and distance.",
       template="us-breast"),
    _u("USCROTUM", "Scrotum ultrasound", "TESTIS", "Both sides with colour Doppler; urgent if torsion."),
    _u("UCAROTID", "Neck arteries with colour Doppler", "NECK", "Velocities of CCA, ICA, ECA, vertebral.",
       minutes=30),
    _u("UVEINLEG", "Leg veins with colour Doppler", "LEG", "Compression from groin to calf.", minutes=30),
    _c("CTHEAD", "CT head", "HEAD", "Axial 5 and 1 mm, brain and bone windows.", minutes=15,
       template="ct-head"),
    _c("CTSINUS", "CT sinuses", "SINUS", "Low dose, 1 mm, coronal reformats.", minutes=15),
    _c("CTCHEST", "CT chest with contrast", "CHEST", "70 ml, 30 s; lung and soft tissue windows.",
       template="ct-chest"),
    _c("CTABDOMEN", "CT abdomen and pelvis with contrast", "ABDOMEN", "90 ml, portal venous 70 s.",
       minutes=30, template="ct-abdomen"),
    _c("CTCHESTABD", "CT chest and abdomen with contrast", "CHEST", "100 ml, 35 and 70 s.", minutes=30),
    _c("CTKUB", "CT for kidney stones", "ABDOMEN", "Low dose without contrast, prone if a stone may be free.",
       template="ct-abdomen"),
    _m("MRHEAD", "MR head", "BRAIN", "T2, FLAIR, DWI, T1, SWI."),
    _m("MRHEADC", "MR head with contrast", "BRAIN", "T2, FLAIR, DWI, T1 before and after.", minutes=40),
    _m("MRLSPINE", "MR lumbar spine", "LSPINE", "Sagittal T1, T2, STIR; axial T2 through the levels."),
    _m("MRKNEE", "MR knee", "KNEE", "PD fat-saturated in three planes, T1 coronal."),
    _m("MRSHOULDER", "MR shoulder", "SHOULDER", "PD fat-saturated in three planes, T1 oblique coronal."),
    _g("MGBOTH", "Mammography, both breasts", "CC and MLO of both sides."),
    _g("MGONE", "Mammography, one breast", "CC and MLO; earlier images beside.", minutes=15),
)  # fmt: skip
