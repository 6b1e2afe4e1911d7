"""Which column holds what: recognised by its heading, in several languages, and always changeable."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.translation import gettext as _

from clinic.errors import InvalidInput
from patients.names import fold

from .fields import VISIT_FIELDS, Field
from .tables import Row, Table, Value, text_of

LOOKED_AT = 40  # rows at the top among which the headings are
NEARLY = 0.86
IGNORED = "-"  # what is chosen for a column that is not to be read
REFUSED_HEADING = "Why refused"


@dataclass(frozen=True)
class Column:
    """A column of the file and what it is taken for: ``field`` is a key, empty when it is not read."""

    index: int
    heading: str
    field: str
    confidence: int  # percent; 100 is said by a person or written exactly so
    example: str = ""


@dataclass(frozen=True)
class Layout:
    """Where the headings are and what each column holds."""

    header: int  # number of the row
    columns: list[Column]

    def index_of(self, field: str) -> int | None:
        return next((column.index for column in self.columns if column.field == field), None)

    @property
    def headings(self) -> list[str]:
        return [column.heading for column in self.columns]

    @property
    def used(self) -> dict[str, int]:
        return {column.field: column.index for column in self.columns if column.field}


def find_layout(table: Table, fields: Sequence[Field], *, chosen: Mapping[str, str] | None = None) -> Layout:
    """The row of the headings, and what each column is taken for.

    ``chosen`` says otherwise for some: ``{"heading": "field"}``, with ``IGNORED`` for a column to be passed
    over. Titles above the headings and headings in two rows are understood.
    """
    rows = table.head(LOOKED_AT)
    if not rows:
        raise InvalidInput(_("“%(name)s” has no rows.") % {"name": table.name})
    chosen = {fold(heading): field for heading, field in (chosen or {}).items()}
    best = _header_row(rows, fields, chosen)
    headings = _headings(rows, best)
    examples = _examples(rows[best + 1 :], len(headings))
    columns = _assign(headings, examples, fields, chosen)
    unknown = set(chosen) - {fold(heading) for heading in headings}
    if unknown:
        raise InvalidInput(
            _("There is no column “%(column)s”; there are: %(columns)s.")
            % {"column": sorted(unknown)[0], "columns": _listed(headings)}
        )
    return Layout(rows[best].number, columns)


def _header_row(rows: Sequence[Row], fields: Sequence[Field], chosen: Mapping[str, str]) -> int:
    """The row in which the most columns are recognised; the first that has all that are needed."""
    needed = {field.key for field in fields if field.is_required}
    best, score = 0, (-1, -1)
    for place, row in enumerate(rows):
        if _looks_like_data(row):
            continue
        headings = _headings(rows, place)
        guesses = [_guess(heading, fields) for heading in headings]
        found = {field for field, _sure in guesses if field}
        named = sum(fold(heading) in chosen for heading in headings if heading)
        if (named + len(found), sum(sure for _field, sure in guesses)) > score:
            best, score = place, (named + len(found), sum(sure for _field, sure in guesses))
        if needed <= found and len(found) > len(needed):
            break
    return best


def require_columns(layout: Layout, fields: Sequence[Field]) -> None:
    """Refuse a list without the columns that every row needs; say what was read and what is accepted."""
    used = layout.used
    missing = [field for field in fields if field.is_required and field.key not in used]
    labels = [str(field.label) for field in missing]
    examples = [", ".join(field.headings[:4]) for field in missing]
    if any(field.key == "name" for field in fields) and not {"name", "family_name"} & set(used):
        labels.append(_("Name"))
        examples.append("name, patient name, family name, nombre")
    if labels:
        raise InvalidInput(
            _(
                "No column was recognised as %(missing)s. Read in row %(row)d: %(columns)s. Accepted "
                "headings are for instance: %(examples)s; or say which column it is."
            )
            % {
                "missing": ", ".join(labels),
                "row": layout.header,
                "columns": _listed(layout.headings),
                "examples": "; ".join(examples),
            }
        )


def _listed(headings: Iterable[str]) -> str:
    return ", ".join(heading for heading in headings if heading) or "–"


def _headings(rows: Sequence[Row], place: int) -> list[str]:
    """The headings in row ``place``; where a cell is blank or says little, with the one merged above it."""
    own = [" ".join(text_of(value).split()) for value in rows[place].values]
    if place == 0:
        return own
    above = [" ".join(text_of(value).split()) for value in rows[place - 1].values]
    above += [""] * (len(own) - len(above))
    # A title over the whole sheet is one cell; headings merged over groups are several.
    if sum(bool(text) for text in above) < 2:
        return own
    own += [""] * (len(above) - len(own))
    group, found = "", []
    for index, text in enumerate(own):
        group = above[index] or group
        found.append(text or above[index])
        if text and group and _guess(text, VISIT_FIELDS)[1] < 100:
            together = f"{group} {text}"
            if _guess(together, VISIT_FIELDS)[1] == 100:
                found[-1] = together
    return found


def _looks_like_data(row: Row) -> bool:
    """Headings are words: a row with several numbers or dates is none."""
    filled = [value for value in row.values if text_of(value)]
    others = sum(not isinstance(value, str) or text_of(value).isdigit() for value in filled)
    return not filled or others * 3 > len(filled)


def _examples(rows: Sequence[Row], width: int) -> list[str]:
    found = [""] * width
    for row in rows:
        for index, value in enumerate(row.values[:width]):
            found[index] = found[index] or text_of(value)[:60]
    return found


def _guess(heading: str, fields: Sequence[Field]) -> tuple[str, int]:
    """The field that the heading names best, and how sure that is in percent."""
    text = fold(heading)
    if not text or text == fold(REFUSED_HEADING):
        return "", 0
    best, sure = "", 0.0
    for field in fields:
        for known in field.headings:
            if text == known:
                return field.key, 100
            alike = _alike(text, known)
            if alike > sure:
                best, sure = field.key, alike
    return (best, round(sure * 100)) if sure >= NEARLY else ("", 0)


def _alike(text: str, known: str) -> float:
    """Slips of the keyboard, and a known heading of some length with further words around it."""
    if len(known) > 6 and f" {known} " in f" {text} ":
        return 0.9
    if abs(len(text) - len(known)) > 2 or len(known) < 4:
        return 0.0
    matcher = SequenceMatcher(None, text, known, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= NEARLY <= matcher.quick_ratio() else 0.0


def _assign(
    headings: Sequence[str], examples: Sequence[str], fields: Sequence[Field], chosen: Mapping[str, str]
) -> list[Column]:
    """Each field to one column at most: what a person chose, then the surest guess, then the first."""
    guesses = [_guess(heading, fields) for heading in headings]
    taken: dict[str, int] = {}
    keys = {field.key for field in fields}
    for index, heading in enumerate(headings):
        field = chosen.get(fold(heading)) if heading else None
        if field in keys and field not in taken:
            taken[field] = index
    order = sorted(range(len(headings)), key=lambda index: -guesses[index][1])
    for index in order:
        field, _sure = guesses[index]
        if field and field not in taken and fold(headings[index]) not in chosen:
            taken[field] = index
    by_index = {index: field for field, index in taken.items()}
    return [
        Column(
            index,
            heading,
            by_index.get(index, ""),
            0 if index not in by_index else 100 if heading and fold(heading) in chosen else guesses[index][1],
            examples[index],
        )
        for index, heading in enumerate(headings)
    ]


def read_map(pairs: Iterable[str], fields: Sequence[Field]) -> dict[str, str]:
    """``["Pt No=patient_id", …]`` as typed on the command line."""
    found = {}
    keys = [field.key for field in fields]
    for pair in pairs:
        heading, sign, field = pair.rpartition("=")
        if not sign or field not in [*keys, IGNORED]:
            raise InvalidInput(
                _("“%(text)s” was read; accepted is COLUMN=FIELD, FIELD one of %(fields)s, %(none)s.")
                % {"text": pair, "fields": ", ".join(keys), "none": IGNORED}
            )
        found[heading] = field
    return found


def cell(values: Sequence[Value], index: int | None) -> Value:
    return values[index] if index is not None and index < len(values) else None
