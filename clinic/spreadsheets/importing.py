"""From the rows of a list to records, batch by batch.

Each batch is one transaction; a row that cannot be taken is refused and never stops the others. What is here
already is recognised by the hashes that ``ImportedVisit`` keeps, so an interrupted run is simply repeated and
a second one changes nothing. A dry run does everything but write.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import DomainError, NotAllowed
from clinic.models import User
from clinic.permissions import Permission
from patients.importing import hold_registration
from patients.names import fold
from reporting.services import WrittenReport, import_final_reports
from scheduling.importing import PastVisit, change_billing, import_visits, known_visits, procedure_for_import
from scheduling.models import BillingState, ImportedVisit, Order, Procedure, Referrer
from scheduling.services import add_referrer

from .people import People
from .refused import RefusedRows
from .tables import Row
from .visits import Refused, Visit, VisitReader

BATCH = 250  # rows; the front desk cannot register anybody while one is written
SHOWN = 200  # refused rows and likely duplicates that a result names
log = logging.getLogger(__name__)
Tell = Callable[[int, int], None]


@dataclass
class Result:
    """What was done, or would be done."""

    rows: int = 0
    new_patients: int = 0
    examinations: int = 0
    files: int = 0
    reports: int = 0
    unread: int = 0
    here: int = 0  # rows that were imported before, or twice in the file
    billing_changed: int = 0
    refused: int = 0
    billing: Counter[str] = field(default_factory=Counter)
    about: Counter[str] = field(default_factory=Counter)  # refused rows by the field they are about
    problems: list[dict[str, Any]] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def returning(self) -> int:
        """Examinations of people who were here before, or earlier in the list."""
        return self.examinations - self.new_patients

    @property
    def changed(self) -> int:
        return self.new_patients + self.examinations + self.billing_changed

    def add(self, other: "Result") -> None:
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if isinstance(value, Counter):
                mine.update(value)
            elif isinstance(value, list):
                mine.extend(value[: max(0, SHOWN - len(mine))])
            else:
                setattr(self, name, mine + value)

    def as_json(self) -> dict[str, Any]:
        return {
            name: dict(value) if isinstance(value, Counter) else value for name, value in vars(self).items()
        } | {"returning": self.returning, "changed": self.changed}


class VisitImport:
    """One list on its way into the records; ``dry`` only counts what would happen."""

    def __init__(
        self, reader: VisitReader, *, by: User, dry: bool = False, refused: RefusedRows | None = None
    ) -> None:
        if not by.can(Permission.RECORDS_IMPORT):
            raise NotAllowed(_("Your role does not include importing lists."))
        self.reader, self.by, self.dry, self.refused = reader, by, dry, refused
        self.result = Result()
        self._people = People(by, dry=dry)
        self._catalogue = _catalogue()
        self._referrers: dict[str, Referrer] = {}
        # Rows of the same person, day and reason, by what else they say: the first, the second, …
        self._seen: dict[bytes, list[bytes]] = {}
        self._would_take: set[bytes] = set()  # by a dry run, which leaves no trace to recognise them by
        self._source = self.reader.table.name[:150]

    def run(self, tell: Tell | None = None) -> tuple[Result, Path | None]:
        """Import everything; what was done, and where the refused rows are."""
        self.reader.survey()
        self.result.notes = [*self.reader.table.notes, *self.reader.notes()]
        rows = self.reader.rows()
        while batch := list(islice(rows, BATCH)):
            self._take(self._understood(batch))
            if tell is not None:
                tell(self.result.rows, self.reader.total)
        refused = self.refused.close() if self.refused else None
        if not self.dry:
            record(
                by=self.by,
                action="spreadsheet.imported",
                changes={
                    "file": [None, self.reader.table.name],
                    "rows": [None, self.result.rows],
                    "patients": [None, self.result.new_patients],
                    "examinations": [None, self.result.examinations],
                    "refused": [None, self.result.refused],
                },
            )
        return self.result, refused

    # --- reading -------------------------------------------------------------------------------------

    def _understood(self, batch: Sequence[Row]) -> list[tuple[Visit, int]]:
        """The visits of a batch, each with its place among those of the same person, day and reason."""
        found = []
        for row in batch:
            self.result.rows += 1
            try:
                visit = self.reader.read(row)
            except Refused as refusal:
                self._refuse(row, refusal, self.result)
            else:
                found.append((visit, self._place_of(visit)))
        return found

    def _place_of(self, visit: Visit) -> int:
        rows = self._seen.setdefault(bytes.fromhex(visit.visit_hash)[:12], [])
        row = bytes.fromhex(visit.row_hash)[:12]
        if row not in rows:
            rows.append(row)
        return rows.index(row)

    def _refuse(self, row: Row, refusal: Refused, result: Result) -> None:
        result.refused += 1
        result.about[refusal.about] += 1
        if len(result.problems) < SHOWN:
            result.problems.append(
                {"row": row.number, "about": refusal.about, "reason": refusal.reason[:500]}
            )
        if self.refused is not None:
            self.refused.add(row, refusal.reason)

    # --- writing -------------------------------------------------------------------------------------

    def _take(self, visits: list[tuple[Visit, int]]) -> None:
        """Take a batch; should the database refuse it, in halves, until the one row is found."""
        if not visits:
            return
        try:
            with transaction.atomic():
                result, refusals = self._take_batch(visits)
        except (OperationalError, InterfaceError):
            raise
        except (DatabaseError, DomainError) as error:
            self._forget_cached()
            if len(visits) > 1:
                middle = len(visits) // 2
                self._take(visits[:middle])
                self._take(visits[middle:])
                return
            log.exception("row %d could not be imported", visits[0][0].row.number)
            words = error.message if isinstance(error, DomainError) else str(error).partition("\n")[0]
            self._refuse(visits[0][0].row, Refused(words, "row"), self.result)
            return
        self.result.add(result)
        for row, refusal in refusals:
            self._refuse(row, refusal, self.result)

    def _forget_cached(self) -> None:
        self._referrers.clear()
        self._catalogue = _catalogue()
        self._people.forget_batch()

    def _take_batch(self, visits: list[tuple[Visit, int]]) -> tuple[Result, list[tuple[Row, Refused]]]:
        result = Result()
        refusals: list[tuple[Row, Refused]] = []
        if not self.dry:
            hold_registration()
        fresh = self._fresh(visits, result, refusals)
        self._people.meet([visit for visit, _key in fresh])
        taken, taken_keys = [], set()
        for visit, visit_key in fresh:
            if visit.row_hash in taken_keys or bytes.fromhex(visit.row_hash)[:12] in self._would_take:
                result.here += 1
                continue
            refusal = self._people.refusal_of(visit)
            if refusal is not None:
                refusals.append((visit.row, refusal))
                continue
            taken_keys.add(visit.row_hash)
            taken.append((visit, visit_key))
        result.new_patients = self._people.register(
            {visit.number for visit, _key in taken}, source=self._source
        )
        result.duplicates = self._people.likely_duplicates({visit.number for visit, _key in taken})
        result.examinations = len(taken)
        result.reports = sum(bool(visit.findings) for visit, _key in taken)
        result.unread = result.examinations - result.reports
        result.billing = Counter(visit.billing for visit, _key in taken)
        if self.dry:
            self._would_take |= {bytes.fromhex(row_hash)[:12] for row_hash in taken_keys}
        elif taken:
            self._write(taken)
        return result, refusals

    def _fresh(
        self, visits: list[tuple[Visit, int]], result: Result, refusals: list[tuple[Row, Refused]]
    ) -> list[tuple[Visit, str]]:
        """Those that are not here yet, each with the key it gets."""
        keys = {id(visit): _visit_key(visit, place) for visit, place in visits}
        known = known_visits([visit.row_hash for visit, _place in visits], list(keys.values()))
        by_row = {each.row_key: each for each in known}
        by_visit = {each.visit_key: each for each in known}
        orders = _orders_of_cedar([visit for visit, _place in visits])
        fresh = []
        for visit, _place in visits:
            key = keys[id(visit)]
            here = by_row.get(visit.row_hash)
            other = by_visit.get(key)
            if (visit.accession.upper(), visit.number) in orders:
                result.here += 1
            elif here is not None:
                result.here += 1
                result.billing_changed += self._follow_billing(here, visit)
            elif other is not None:
                refusals.append((visit.row, _other_report(other)))
            else:
                fresh.append((visit, key))
        return fresh

    def _follow_billing(self, here: ImportedVisit, visit: Visit) -> int:
        """The list goes on to be kept: who has paid meanwhile has paid here too."""
        if visit.billing in {here.billing, BillingState.UNKNOWN}:
            return 0
        if not self.dry:
            change_billing(here, by=self.by, billing=visit.billing)
        return 1

    def _write(self, taken: list[tuple[Visit, str]]) -> None:
        past = []
        for visit, key in taken:
            procedure, indication = self._procedure(visit)
            past.append(
                PastVisit(
                    patient=self._people.patient(visit.number),
                    procedure=procedure,
                    visited_on=visit.visited_on,
                    indication=indication,
                    referrer=self._referrer(visit.referrer),
                    billing=visit.billing,
                    is_reported=bool(visit.findings),
                    visit_key=key,
                    row_key=visit.row_hash,
                    source=_("%(file)s, row %(row)d") % {"file": self._source, "row": visit.row.number},
                    original=visit.original,
                )
            )
        orders = import_visits(past, by=self.by)
        reports = [
            WrittenReport(order, visit.findings, visit.radiologist, visit.visited_on)
            for order, (visit, _key) in zip(orders, taken, strict=True)
            if visit.findings
        ]
        import_final_reports(reports, by=self.by)

    def _procedure(self, visit: Visit) -> tuple[Procedure, str]:
        """The examination of the catalogue that is meant, and the reason; nothing written is lost."""
        for text in (visit.procedure, visit.reason):
            found = self._catalogue.get(fold(text))
            if found is not None:
                return found, visit.reason or visit.procedure
        key = f"earlier {visit.modality}"
        if key not in self._catalogue:
            self._catalogue[key] = procedure_for_import(visit.modality)
        texts = [text for text in (visit.procedure, visit.reason) if text]
        return self._catalogue[key], ": ".join(dict.fromkeys(texts)) or _("Not stated in the list")

    def _referrer(self, name: str) -> Referrer | None:
        if not name:
            return None
        key = name.casefold()
        if key not in self._referrers:
            self._referrers[key] = add_referrer(by=self.by, name=name)
        return self._referrers[key]


def _visit_key(visit: Visit, place: int) -> str:
    return visit.visit_hash if place == 0 else f"{visit.visit_hash[:56]}-{place:07d}"


def _catalogue() -> dict[str, Procedure]:
    found = {}
    for procedure in Procedure.objects.order_by("is_active", "-pk"):
        found[fold(procedure.code)] = found[fold(procedure.name)] = procedure
    found.pop("", None)
    return found


def _orders_of_cedar(visits: Sequence[Visit]) -> set[tuple[str, str]]:
    """Accession numbers with the numbers of the patients they belong to, of those that a list names."""
    named = [visit.accession for visit in visits if visit.accession]
    numbers = {*named, *(number.upper() for number in named)}
    if not numbers:
        return set()
    orders = Order.objects.filter(accession_number__in=numbers)
    return {
        (number.upper(), key) for number, key in orders.values_list("accession_number", "patient__mrn_key")
    }


def _other_report(known: ImportedVisit) -> Refused:
    return Refused(
        _(
            "This examination was imported before with other findings (%(number)s). A report is never "
            "replaced: add an addendum there. If it was a second one on that day, write so in the reason, as "
            "in “pain (2)”."
        )
        % {"number": known.order.accession_number},
        "findings",
    )
