"""A week in Cedar Village as data: who comes when, for what, and how far each visit has got."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Goal(StrEnum):
    """How far a visit has got when the demo begins."""

    ORDERED = "ordered"  # waits for an appointment, or for images from elsewhere
    ORDER_CANCELLED = "order cancelled"
    BOOKED = "booked"
    CANCELLED = "cancelled"  # the visit; what was to be done waits for another one
    NO_SHOW = "no show"
    WAITING = "waiting"
    IN_ROOM = "in room"
    IN_SCAN = "in scan"
    HELD = "held"  # the images carry somebody else's identity
    ACQUIRED = "acquired"
    READING = "reading"
    REPORTED = "reported"
    RELEASED = "released"


PRESENT = (Goal.IN_SCAN, Goal.IN_ROOM, Goal.WAITING)
LATER = (Goal.BOOKED, Goal.CANCELLED)
READ = (Goal.READING, Goal.REPORTED, Goal.RELEASED)
WITH_IMAGES = (Goal.HELD, Goal.ACQUIRED, *READ)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One order and, unless `station` is empty, its appointment `day` days from today."""

    patient: str
    procedure: str
    station: str
    day: int
    goal: Goal
    indication: str
    referrer: int = 0
    priority: str = "routine"
    walk_in: bool = False
    reason: str = ""  # of a cancellation
    report: str = ""  # key in texts.REPORTS
    key_image: str = ""  # caption of the image that goes into the report
    reader: str = "radiologist"
    images: str = ""  # name of the generator in filming.py
    settings: dict[str, Any] = field(default_factory=dict)
    waited: int = 10  # minutes since the check-in, for those who are in the clinic now
    sent_as: str = ""  # the patient whose identity the machine wrote, when it is the wrong one

    @property
    def key(self) -> str:
        return f"{self.patient}/{self.procedure}/{self.day}"


XR, US, OUTSIDE = "CEDAR_XR", "CEDAR_US", ""


def _visit(
    day: int, station: str, patient: str, procedure: str, goal: Goal, indication: str, **more: Any
) -> Visit:
    return Visit(
        day=day,
        station=station,
        patient=patient,
        procedure=procedure,
        goal=goal,
        indication=indication,
        **more,
    )


def _film(day: int, patient: str, goal: Goal, indication: str, report: str = "", **more: Any) -> Visit:
    """A chest film; keyword arguments of the generator come as `settings`."""
    more.setdefault("images", "chest")
    more.setdefault("procedure", "XCHEST")
    procedure = more.pop("procedure")
    return _visit(day, XR, patient, procedure, goal, indication, report=report, **more)


def _scan(
    day: int, patient: str, procedure: str, goal: Goal, indication: str, report: str = "", **more: Any
) -> Visit:
    more.setdefault("images", "stills")
    return _visit(day, US, patient, procedure, goal, indication, report=report, **more)


DAYS_BEFORE = (
    _film(
        -3,
        "okafor",
        Goal.RELEASED,
        "Cough for more than 2 weeks",
        "pneumonia",
        settings={"finding": "consolidation"},
        referrer=2,
        key_image="Consolidation in the right lower zone",
    ),
    _film(-3, "muller", Goal.RELEASED, "Before an operation", "normal_chest", referrer=1),
    _film(
        -3,
        "dvorak",
        Goal.RELEASED,
        "Punched a wall, pain over the little finger",
        "metacarpal_fracture",
        procedure="XHANDL",
        images="hand",
        settings={"side": "L", "fracture": True},
        referrer=4,
        priority="urgent",
        walk_in=True,
        key_image="Fracture of the fifth metacarpal",
    ),
    _visit(-3, XR, "abebe", "XLSPINE", Goal.NO_SHOW, "Back pain for more than 6 weeks"),
    _scan(
        -3,
        "gonzalez",
        "UABDOMEN",
        Goal.RELEASED,
        "Pain in the right upper abdomen, gallstones?",
        "normal_abdomen",
        referrer=1,
    ),
    _scan(
        -3,
        "yilmaz",
        "UOB2",
        Goal.RELEASED,
        "Pregnancy, routine examination",
        "pregnancy",
        settings={"scene": "fetus"},
        referrer=3,
    ),
    _film(
        -2,
        "szczepanska",
        Goal.RELEASED,
        "Shortness of breath",
        "effusion",
        settings={"finding": "effusion", "heart": 1.18},
        referrer=4,
        priority="urgent",
    ),
    _film(-2, "ivanova", Goal.REPORTED, "Contact with tuberculosis", "tb_contact", referrer=2),
    _film(
        -2,
        "sorensen",
        Goal.RELEASED,
        "Fall on the outstretched hand, fracture?",
        "normal_hand",
        procedure="XHANDR",
        images="hand",
        settings={"side": "R"},
        referrer=4,
    ),
    _scan(-2, "tran", "UKUB", Goal.RELEASED, "Blood in the urine", "normal_kidneys", referrer=1),
    _scan(-2, "nguyen", "UTHYROID", Goal.NO_SHOW, "Nodule in the neck", images=""),
    _visit(
        -2,
        OUTSIDE,
        "wang",
        "CTCHESTABD",
        Goal.READING,
        "Weight loss, tumour?",
        report="ct_normal",
        reader="radiologist2",
        images="ct",
        referrer=1,
        priority="urgent",
    ),
    _film(
        -1,
        "papadopoulos",
        Goal.RELEASED,
        "Weight loss, tumour?",
        "nodule",
        settings={"finding": "nodule"},
        referrer=0,
        key_image="Nodule in the left upper zone",
    ),
    _film(-1, "mizrahi", Goal.ACQUIRED, "Shortness of breath", settings={"heart": 1.24}, referrer=1),
    _visit(
        -1,
        XR,
        "thapa",
        "XKNEE",
        Goal.ORDER_CANCELLED,
        "Knee pain, osteoarthritis?",
        reason="Had the same film at the hospital last week",
    ),
    _scan(
        -1,
        "khoury",
        "UCAROTID",
        Goal.REPORTED,
        "Dizziness, narrowing of the neck arteries?",
        "carotid",
        images="doppler",
        key_image="Plaque in the right carotid bulb",
    ),
    _scan(-1, "alhassan", "UABDOMEN", Goal.ACQUIRED, "Raised liver values", images="clip", referrer=1),
    _scan(
        -1, "lefevre", "ULIVER", Goal.RELEASED, "Raised liver values", "normal_abdomen", reader="radiologist2"
    ),
)

TODAY = (
    _film(0, "yamada", Goal.RELEASED, "Before an operation", "normal_chest", referrer=0),
    _film(
        0,
        "olafsdottir",
        Goal.REPORTED,
        "Fall on the outstretched hand, fracture?",
        "normal_hand",
        procedure="XHANDR",
        images="hand",
        settings={"side": "R"},
        referrer=4,
        walk_in=True,
    ),
    _visit(0, XR, "silva", "XWRIST", Goal.NO_SHOW, "Fall on the outstretched hand, fracture?"),
    _film(
        0,
        "cohen",
        Goal.READING,
        "Follow-up of a known finding",
        "nodule",
        settings={"finding": "nodule"},
        referrer=2,
        key_image="Nodule in the left upper zone",
    ),
    _film(
        0,
        "banda_chipo",
        Goal.HELD,
        "Fever and cough, pneumonia?",
        sent_as="banda_chikondi",
        referrer=0,
    ),
    _film(
        0,
        "shevchenko",
        Goal.ACQUIRED,
        "Fever and cough, pneumonia?",
        settings={"finding": "consolidation"},
        referrer=4,
        priority="stat",
        walk_in=True,
    ),
    _visit(0, XR, "hong", "XCHEST", Goal.IN_SCAN, "Chest pain after a fall", referrer=4, waited=31),
    _visit(
        0,
        XR,
        "kowalczyk",
        "XPELVIS",
        Goal.IN_ROOM,
        "Fell at home, hip pain",
        referrer=4,
        priority="urgent",
        waited=26,
    ),
    _visit(0, XR, "mbeki", "XCHEST", Goal.WAITING, "Cough for more than 2 weeks", referrer=2, waited=47),
    _visit(
        0,
        XR,
        "sharma",
        "XCHEST",
        Goal.WAITING,
        "Shortness of breath",
        referrer=1,
        priority="urgent",
        waited=18,
    ),
    _visit(
        0,
        XR,
        "unknown_man",
        "XCHEST",
        Goal.WAITING,
        "Found unconscious, aspiration?",
        referrer=4,
        priority="stat",
        walk_in=True,
        waited=4,
    ),
    _visit(0, XR, "thompson", "XKNEE", Goal.BOOKED, "Knee pain, osteoarthritis?"),
    _visit(
        0,
        XR,
        "nikolaou",
        "XANKLE",
        Goal.CANCELLED,
        "Twisted ankle",
        reason="Rang up: cannot come today, will call again",
    ),
    _visit(0, XR, "pham", "XCHEST", Goal.BOOKED, "Contact with tuberculosis", referrer=2),
    _visit(0, XR, "srisai", "XLSPINE", Goal.BOOKED, "Back pain for more than 6 weeks", referrer=1),
    _visit(0, XR, "li", "XCHEST", Goal.BOOKED, "Before an operation", referrer=0),
    _scan(
        0, "sato", "UABDOMEN", Goal.RELEASED, "Pain in the right upper abdomen, gallstones?", "normal_abdomen"
    ),
    _scan(
        0,
        "oneill",
        "ULIVER",
        Goal.REPORTED,
        "Raised liver values",
        "normal_abdomen",
        reader="radiologist2",
    ),
    _scan(
        0,
        "hosseini",
        "UOB2",
        Goal.ACQUIRED,
        "Pregnancy, no movements felt",
        images="clip",
        settings={"scene": "fetus"},
        referrer=3,
        priority="urgent",
    ),
    _visit(0, US, "wanjiru", "UPELVIS", Goal.IN_SCAN, "Lower abdominal pain", referrer=0, waited=24),
    _visit(0, US, "nguyen", "UTHYROID", Goal.WAITING, "Nodule in the neck", referrer=1, waited=22),
    _visit(
        0, US, "gonzalez", "UBREAST", Goal.BOOKED, "Lump in the left breast", referrer=0, priority="urgent"
    ),
    _visit(0, US, "banda_chikondi", "UABDOMEN", Goal.BOOKED, "Abdominal pain at night", referrer=0),
    _visit(
        0, US, "jovanovic", "UCAROTID", Goal.BOOKED, "Dizziness, narrowing of the neck arteries?", referrer=1
    ),
)

DAYS_AHEAD = (
    _visit(1, XR, "abebe", "XLSPINE", Goal.BOOKED, "Back pain for more than 6 weeks", referrer=1),
    _visit(1, XR, "thapa", "XCHEST", Goal.BOOKED, "Cough for more than 2 weeks", referrer=2),
    _visit(1, XR, "okafor", "XCHEST", Goal.BOOKED, "Follow-up of a known finding", referrer=2),
    _visit(1, US, "mizrahi", "UKUB", Goal.BOOKED, "Flank pain, kidney stone?", referrer=1),
    _visit(1, US, "yilmaz", "UOB2", Goal.BOOKED, "Pregnancy, routine examination", referrer=3),
    _visit(2, XR, "lefevre", "XCHEST", Goal.BOOKED, "Before an operation", referrer=0),
    _visit(2, XR, "silva", "XWRIST", Goal.BOOKED, "Fall on the outstretched hand, fracture?", referrer=4),
    _visit(2, US, "kowalczyk", "UABDOMEN", Goal.BOOKED, "Weight loss, tumour?", referrer=0),
    _visit(2, US, "hosseini", "UOB2", Goal.BOOKED, "Pregnancy, routine examination", referrer=3),
    _visit(3, XR, "dvorak", "XHANDL", Goal.BOOKED, "Follow-up of a known finding", referrer=4),
    _visit(3, XR, "tran", "XCHEST", Goal.BOOKED, "Before an operation", referrer=1),
    _visit(3, US, "ivanova", "UTHYROID", Goal.BOOKED, "Nodule in the neck", referrer=1),
)

WITHOUT_APPOINTMENT = (
    _visit(
        -1,
        OUTSIDE,
        "jovanovic",
        "CTHEAD",
        Goal.ORDERED,
        "Headache after a fall",
        referrer=4,
        priority="urgent",
    ),
    _visit(0, OUTSIDE, "muller", "UABDOMEN", Goal.ORDERED, "Raised liver values", referrer=1),
    _visit(0, OUTSIDE, "papadopoulos", "CTCHESTABD", Goal.ORDERED, "Nodule in the chest film", referrer=0),
)

WEEK = (*DAYS_BEFORE, *TODAY, *DAYS_AHEAD, *WITHOUT_APPOINTMENT)
