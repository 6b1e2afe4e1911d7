"""A visit list as a clinic might have kept it, invented: to try the import with, and to test it."""

import csv
import datetime as dt
import random
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from .words import words_of

HEADINGS = [
    "Patient ID",
    "Date",
    "Name",
    "Age",
    "Sex",
    "Phone",
    "Reason for Exam",
    "Referring Doctor",
    "Radiologist",
    "Findings",
    "Billing Status",
]
_FAMILIES = words_of(
    "Abara Bello Chanda Dlamini Egwu Fofana Gitau Haddad Ibrahim Jallow Kamau Lungu Mensah Njoroge Okafor"
    " Phiri Quaye Rahman Sesay Tembo Usman Van-Wyk Wanjiru Yeboah Zulu Nguyen Garcia Santos Kowalska Hansen"
)
_MEN = words_of("John Peter Samuel David Joseph Daniel Moses Isaac Paul Simon Musa Ali Juan Kofi Erik Brian")
_WOMEN = words_of("Mary Grace Ruth Esther Sarah Amina Joyce Lucy Rose Faith Fatima Maria Ama Ingrid Thandi")
_REASONS = [
    ("Cough for 3 weeks", "The lungs are clear. No effusion. The heart is of normal size."),
    ("Chest pain after a fall", "No fracture of the ribs. No pneumothorax."),
    ("Right upper abdominal pain, ultrasound", "Two stones in the gallbladder. The ducts are not wide."),
    ("Pregnancy, ultrasound", "Single living fetus, 22 weeks by biometry. Normal amount of fluid."),
    ("Left wrist, fall", "Fracture of the distal radius with dorsal angulation."),
    ("Back pain", "Narrowed disc space L5/S1. No fracture."),
    ("Shortness of breath", "Enlarged heart. Small effusions on both sides."),
    ("Flank pain, ultrasound", "Left kidney: widened pelvis, stone of 7 mm at its outlet."),
]
_REFERRERS = ["Dr. Amina Yusuf", "Dr. P. Otieno", "District Hospital", "Self", "Dr. Lena Brandt"]
_RADIOLOGISTS = ["Dr. Ruth Achieng", "Dr. Tomás Ibarra"]
_BILLING = ["Paid", "Paid", "Paid", "Pending", "Not paid"]

# Ten kinds of rows that cannot be taken, as (what is written instead, where).
BAD: list[dict[str, Any]] = [
    {"Patient ID": ""},
    {"Patient ID": "P#%1"},
    {"Date": ""},
    {"Date": "31/02/2024"},
    {"Date": "01/01/2199"},
    {"Name": ""},
    {"Name": "12345"},
    {"Age": "old"},
    {"Sex": "blue"},
    {"Billing Status": "ask the boss"},
]


def sample_rows(
    count: int, *, bad_every: int = 0, until: dt.date | None = None, seed: int = 20
) -> Iterator[list[Any]]:
    """``count`` rows, deterministic; each ``bad_every``-th has the next mistake of ``BAD``."""
    chance = random.Random(seed)  # noqa: S311
    until = until or dt.date(2025, 6, 30)
    bad = cycle(BAD)
    people = max(1, count * 2 // 3)
    for number in range(count):
        # Two thirds come once, the rest come again.
        who = number if number < people else chance.randrange(people)
        row = _row(who, chance, until)
        if bad_every and number % bad_every == bad_every - 1:
            for heading, value in next(bad).items():
                row[HEADINGS.index(heading)] = value
        yield row


def _row(who: int, chance: random.Random, until: dt.date) -> list[Any]:
    person = random.Random(who)  # noqa: S311
    sex = person.choice("MF")
    family = sorted(_FAMILIES)[who % len(_FAMILIES)]
    given = person.choice(sorted(_MEN if sex == "M" else _WOMEN))
    middle = chr(ord("A") + who // 30 % 26)
    name = [f"{family.upper()}, {given} {middle}.", f"{given} {middle}. {family}"][who % 2]
    day = until - dt.timedelta(days=chance.randrange(1500))
    reason, findings = chance.choice(_REASONS)
    age = max(1, day.year - person.randrange(1940, 2015))
    return [
        f"V-{who + 1:05d}",
        f"{day:%d/%m/%Y}",
        name,
        age,
        sex,
        f"+2547{10_000_000 + who:08d}" if who % 3 == 0 else "",
        reason,
        chance.choice(_REFERRERS),
        chance.choice(_RADIOLOGISTS),
        f"{findings} Compared with none. ({chance.randrange(10**6)})",
        chance.choice(_BILLING),
    ]


def write_sample(path: Path, count: int, *, bad_every: int = 0) -> None:
    """The list as .xlsx or .csv, by the end of the name."""
    rows = sample_rows(count, bad_every=bad_every)
    if path.suffix.lower() == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADINGS)
            writer.writerows(rows)
        return
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Visits")
    sheet.append(["Cedar Village: visits"])
    sheet.append([])
    sheet.append(HEADINGS)
    for row in rows:
        sheet.append(row)
    book.save(path)
