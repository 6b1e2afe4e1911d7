"""Draws the rooms and the two state machines into docs/architecture.md, from the data that the code obeys."""

import re
import tomllib
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from scheduling.statuses import (
    APPOINTMENT_MOVES,
    CONSULTATION_MOVES,
    ORDER_MOVES,
    AppointmentStatus,
    OrderStatus,
)

PAGE = settings.BASE_DIR / "docs" / "architecture.md"
BLOCK = re.compile(r"(<!-- drawn: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rooms() -> str:
    """The layers of the import contract in pyproject.toml, highest first."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    lines = ["flowchart TB"]
    for number, layer in enumerate(layers):
        lines.append(f'    L{number}["{layer.replace(" | ", "<br>")}"]')
    lines += [f"    L{number} -->|may import| L{number + 1}" for number in range(len(layers) - 1)]
    return "\n".join(lines)


def machine(moves: dict[str, dict[str, Any]], first: str) -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    for old, targets in moves.items():
        lines += [f"    {old} --> {new}: {permission}" for new, permission in targets.items()]
        if not targets and any(old in others for others in moves.values()):
            lines.append(f"    {old} --> [*]")
    return "\n".join(lines)


DRAWINGS = {
    "rooms": rooms,
    "order": lambda: machine(ORDER_MOVES, OrderStatus.ORDERED),
    "appointment": lambda: machine(APPOINTMENT_MOVES, AppointmentStatus.BOOKED),
    "consultation": lambda: machine(CONSULTATION_MOVES, AppointmentStatus.BOOKED),
}


class Command(BaseCommand):
    help = "Draw the diagrams of docs/architecture.md; --check only compares and fails when they are old."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, check: bool = False, **options: Any) -> None:
        text = PAGE.read_text(encoding="utf-8")
        drawn = BLOCK.sub(
            lambda found: f"{found[1]}```mermaid\n{DRAWINGS[found['name']]()}\n```\n{found[3]}", text
        )
        if check and drawn != text:
            raise CommandError("docs/architecture.md is behind the code: run manage.py diagrams.")
        if drawn != text:
            PAGE.write_text(drawn, encoding="utf-8")
