"""What templates must not do, read from all of them."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "templates"
FILES = sorted(ROOT.rglob("*.html"))
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
TAGS = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL)


class Targets(HTMLParser):
    """Finds what fetches itself and would put the answer elsewhere: htmx inherits ``hx-target``."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.astray: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        by_itself = re.search(r"\b(load|live)\b", has.get("hx-trigger") or "")
        if by_itself and "hx-get" in has and "hx-target" not in has and self._inherits():
            self.astray.append(self.getpos()[0])
        if tag not in VOID:
            self.open.append((tag, has))

    def _inherits(self) -> bool:
        for _tag, has in reversed(self.open):
            if "hx-disinherit" in has:
                return False
            if "hx-target" in has:
                return True
        return False

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self.open) - 1, -1, -1):
            if self.open[place][0] == tag:
                del self.open[place:]
                return


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_part_that_fetches_itself_comes_back_to_its_own_place(path: Path) -> None:
    reader = Targets()

    reader.feed(TAGS.sub(" ", path.read_text(encoding="utf-8")))

    assert reader.astray == []
