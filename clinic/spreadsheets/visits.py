"""A row of a visit list becomes a visit, or is refused with the reason."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.errors import DomainError, InvalidInput
from clinic.models import ClinicProfile
from patients.dates import BirthDate
from patients.names import PersonName, clean, fold
from patients.numbers import number_key, read_mrn
from patients.values import BLANK, clean_values
from reporting.services.importing import imported_author, imported_html
from scheduling.days import clinic_zone

from .cells import (
    DayOrder,
    filled,
    modality_in,
    read_age,
    read_billing,
    read_born,
    read_day,
    read_modality,
    read_sex,
)
from .columns import Layout, cell
from .naming import GIVEN_FIRST, split_name
from .tables import Row, Table, text_of

Read = TypeVar("Read")
NOBODY = {"self", "self referred", "self referral", "walk in", "walkin", "none", "own", "propio", "selbst"}
REFERRER_LENGTH = 200


@dataclass(frozen=True)
class Options:
    """What a person says about a list. ``takes_unread``: examinations without findings wait to be read."""

    dates: str = ""
    names: str = GIVEN_FIRST
    takes_unread: bool = False


class Refused(Exception):
    """A row cannot be taken; ``about`` is the field that it is about."""

    def __init__(self, reason: str, about: str) -> None:
        super().__init__(reason)
        self.reason, self.about = reason, about


@dataclass(frozen=True)
class Visit:
    """One row, understood."""

    row: Row
    mrn: str
    patient: dict[str, Any]  # values of the record, clean
    visited_on: dt.date
    reason: str
    procedure: str
    modality: str
    referrer: str
    radiologist: str
    findings: str
    billing: str
    accession: str
    original: dict[str, str]

    @property
    def number(self) -> str:
        return number_key(self.mrn)

    @property
    def visit_hash(self) -> str:
        """Who, when and what for."""
        return _hash(self.number, self.visited_on.isoformat(), self.reason, self.procedure, self.modality)

    @property
    def row_hash(self) -> str:
        """The same with what was found. Money and spelling of the person may change without a new visit."""
        return _hash(self.visit_hash, self.findings, self.radiologist)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(" ".join(part.split()) for part in parts).encode()).hexdigest()


@dataclass
class VisitReader:
    """Reads the rows of one list. ``survey`` looks at the whole of it first."""

    table: Table
    layout: Layout
    options: Options
    total: int = 0
    days: DayOrder = field(default_factory=DayOrder)
    births: DayOrder = field(default_factory=DayOrder)
    _sexes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.days.said = self.births.said = self.options.dates
        self._today = timezone.localdate(timezone=clinic_zone())
        self._country = ClinicProfile.get().country
        self._index = self.layout.used

    def rows(self) -> Iterator[Row]:
        """The rows below the headings."""
        return (row for row in self.table.rows() if row.number > self.layout.header)

    def survey(self) -> None:
        """How many rows there are, and what each column as a whole says about its cells."""
        self.total = 0
        day, born, sex = (self._index.get(key) for key in ("date", "birth_date", "sex"))
        for row in self.rows():
            self.total += 1
            self.days.look_at(cell(row.values, day))
            self.births.look_at(cell(row.values, born))
            self._sexes.add(fold(text_of(cell(row.values, sex)))[:10])

    def notes(self) -> list[str]:
        """What a person should know about the columns."""
        labels = {column.field: column.heading for column in self.layout.columns}
        notes = [self.days.note(labels.get("date", ""))]
        if "birth_date" in labels:
            notes.append(self.births.note(labels["birth_date"]))
        if self._in_spanish:
            notes.append(_("Sex: the column holds H and M, so M is read as female (mujer)."))
        return [note for note in notes if note]

    @property
    def _in_spanish(self) -> bool:
        return {"h", "m"} <= self._sexes and "f" not in self._sexes

    def read(self, row: Row) -> Visit:
        """The visit; raises ``Refused``."""
        original = self._original(row)
        mrn = self._take("patient_id", lambda: self._mrn(row))
        visited_on = self._take(
            "date",
            lambda: read_day(self._cell(row, "date"), self.table, self.days, today=self._today),
        )
        born = self._born(row, visited_on)
        name = self._take("name", lambda: self._name(row))
        patient = self._patient(row, name, born)
        texts = {
            key: self._take(key, lambda key=key: self._text(row, key))  # type: ignore[misc]
            for key in ("reason", "procedure", "modality", "referrer", "radiologist", "findings", "accession")
        }
        if texts["findings"]:
            self._take("findings", lambda: imported_html(texts["findings"]))
        elif not self.options.takes_unread:
            raise Refused(
                _("There are no findings. Taken as not read yet, it would wait in the reading list: say so."),
                "findings",
            )
        referrer = "" if fold(texts["referrer"]) in NOBODY else texts["referrer"]
        if len(referrer) > REFERRER_LENGTH:
            raise Refused(_("The referring doctor's name is too long."), "referrer")
        return Visit(
            row=row,
            mrn=mrn,
            patient=patient,
            visited_on=visited_on,
            reason=texts["reason"],
            procedure=texts["procedure"],
            modality=read_modality(texts["modality"])
            or modality_in(f"{texts['modality']} {texts['procedure']} {texts['reason']}"),
            referrer=referrer,
            radiologist=self._take("radiologist", lambda: imported_author(texts["radiologist"])),
            findings=texts["findings"],
            billing=self._take("billing", lambda: read_billing(self._cell(row, "billing"))),
            accession=texts["accession"],
            original=original,
        )

    def _cell(self, row: Row, key: str) -> Any:
        return cell(row.values, self._index.get(key))

    def _text(self, row: Row, key: str) -> str:
        return filled(self._cell(row, key))

    def _original(self, row: Row) -> dict[str, str]:
        kept = {}
        for column in self.layout.columns:
            text = text_of(cell(row.values, column.index))
            if "\x00" in text:
                raise Refused(_("The row holds a sign that cannot be kept (NUL)."), column.field or "row")
            if text and column.field != "findings":  # its whole text is the report
                kept[column.heading or str(column.index + 1)] = text
        return kept

    @staticmethod
    def _take(about: str, read: Callable[[], Read]) -> Read:
        try:
            return read()
        except DomainError as error:
            raise Refused(error.message, about) from error

    def _mrn(self, row: Row) -> str:
        text = self._text(row, "patient_id")
        if not text:
            raise InvalidInput(_("The patient ID is missing."))
        if isinstance(self._cell(row, "patient_id"), dt.date):
            raise InvalidInput(
                _("The spreadsheet program made a date of the patient ID: “%(text)s”.") % {"text": text}
            )
        try:
            return read_mrn(text)
        except InvalidInput as error:
            raise InvalidInput(
                _(
                    "“%(text)s” is not a patient ID. Accepted: letters and digits, with - . / or blanks "
                    "between them, at most 64."
                )
                % {"text": text[:80]}
            ) from error

    def _name(self, row: Row) -> PersonName:
        family, given, middle = (self._text(row, f"{part}_name") for part in ("family", "given", "middle"))
        whole = self._text(row, "name")
        if family or given:
            name = PersonName(clean(family or given), clean(given if family else ""), clean(middle))
        elif whole:
            name = split_name(whole, order=self.options.names)
        else:
            raise InvalidInput(_("The name is missing."))
        if not any(map(str.isalpha, f"{name.family}{name.given}{name.ideographic}")):
            raise InvalidInput(_("“%(text)s” is not a name.") % {"text": (whole or family or given)[:60]})
        return name

    def _born(self, row: Row, visited_on: dt.date) -> BirthDate | None:
        born = self._take(
            "birth_date",
            lambda: read_born(self._cell(row, "birth_date"), self.table, self.births, today=self._today),
        )
        if born is not None and born.kept > visited_on:
            raise Refused(
                _("The birth date %(born)s is after the visit of %(day)s.")
                % {"born": born.text, "day": date_format(visited_on, "j M Y")},
                "birth_date",
            )
        return born or self._take("age", lambda: read_age(self._cell(row, "age"), at=visited_on))

    def _patient(self, row: Row, name: PersonName, born: BirthDate | None) -> dict[str, Any]:
        values = BLANK | {
            "family_name": name.family,
            "given_name": name.given,
            "middle_name": name.middle,
            "name_prefix": name.prefix,
            "name_suffix": name.suffix,
            "ideographic_name": name.ideographic,
            "sex": self._take("sex", lambda: read_sex(self._cell(row, "sex"), in_spanish=self._in_spanish)),
        }
        if born is not None:
            values |= {"birth_date": born.date, "birth_precision": born.precision}
        for key in ("phone", "email", "address", "national_id"):
            values[key] = self._text(row, key)
        try:
            return clean_values(values, country=self._country)
        except InvalidInput as error:
            about = error.field or "name"
            raise Refused(error.message, "name" if about.endswith("_name") else about) from error
