"""What was recognised and what was done, in words for a terminal and for the page."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from scheduling.models import BillingState

from .columns import Layout
from .fields import IMAGE_FIELDS, VISIT_FIELDS, Field
from .importing import Result

SHOWN = 15


def field_label(key: str) -> str:
    for field in [*VISIT_FIELDS, *IMAGE_FIELDS]:
        if field.key == key:
            return str(field.label)
    return _("The row")


def columns_table(layout: Layout, fields: Sequence[Field]) -> str:
    """The columns of the file and what each was taken for."""
    labels = {field.key: str(field.label) for field in fields}
    rows = [(_("Column"), _("is read as"), _("sure"), _("for example"))]
    for column in layout.columns:
        if column.heading or column.field:
            sure = f"{column.confidence} %" if column.field else ""
            rows.append(
                (column.heading, labels.get(column.field, _("(not read)")), sure, column.example[:40])
            )
    widths = [max(len(row[index]) for row in rows) for index in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()
        for row in rows
    )


def counts(result: dict[str, Any]) -> list[tuple[str, int]]:
    """The lines of the table, those that are zero left out except the first and the refused ones."""
    billing = [
        (_("Billing state: %(state)s") % {"state": BillingState(state).label}, count)
        for state, count in sorted(result.get("billing", {}).items())
    ]
    lines = [
        (_("Rows"), result["rows"]),
        (_("New patients"), result["new_patients"]),
        (_("Examinations"), result["examinations"]),
        (_("of them of returning patients"), result["returning"]),
        (_("Reports"), result["reports"]),
        (_("Without findings, to be read"), result["unread"]),
        *billing,
        (_("Images and documents"), result.get("files", 0)),
        (_("Here already, nothing to do"), result["here"]),
        (_("Billing states changed"), result["billing_changed"]),
        (_("Refused"), result["refused"]),
    ]
    return [line for line in lines if line[1] or line[0] in (_("Rows"), _("Refused"))]


def result_lines(result: Result) -> list[str]:
    """All of a result, line by line."""
    found = result.as_json()
    width = max(len(label) for label, _count in counts(found))
    lines = [f"  {label.ljust(width)}  {count:>8,}" for label, count in counts(found)]
    lines += [f"  {note}" for note in result.notes]
    if result.problems:
        lines.append(_("Refused, by what is wrong:"))
        lines += [f"  {field_label(about)}: {count}" for about, count in result.about.most_common()]
        lines += [
            _("  Row %(row)d: %(reason)s") % {"row": problem["row"], "reason": problem["reason"]}
            for problem in result.problems[:SHOWN]
        ]
        if result.refused > SHOWN:
            lines.append(_("  … and %(count)d more.") % {"count": result.refused - SHOWN})
    if result.duplicates:
        lines.append(_("Perhaps here twice, please compare:"))
        for each in result.duplicates[:SHOWN]:
            other = each["others"][0]
            lines.append(f"  {each['patient']} — {other['patient']} ({other['why']})")
    return lines
