"""How a benchmark speaks: a Markdown table for people, one JSON line for machines."""

import json
import statistics
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def last_line(figures: dict[str, float], ratios: dict[str, float]) -> None:
    """``ratios``: > 1 means Cedar is ahead."""
    rounded = {
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
    }
    print(json.dumps(rounded))


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median of the pairs' ratios; ``ours`` and ``theirs`` are rates, or times given the other way round."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
