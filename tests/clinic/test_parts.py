"""Parts of a page: only what differs is sent, and nobody's text can stand in for a mark."""

import re

import pytest
from django.test import RequestFactory

from clinic.parts import HAVE_HEADER, MARK, Part, parts_response, whole


def part(name: str, text: str, *fillings: str) -> Part:
    return Part(name, f"<p>{text}</p>", fillings)


def have(parts: list[Part]) -> str:
    return " ".join(f"{one.name}:{one.version}" for one in parts)


def answer(parts: list[Part], header: str | None = None):
    headers = {HAVE_HEADER: header} if header is not None else {}
    return parts_response(RequestFactory().get("/", headers=headers), parts)


@pytest.mark.parametrize("header", [None, "", "one:x", "two:x one:x", "one:x two:x three:x", ":::"])
def test_a_page_with_other_parts_gets_all(header):
    parts = [part("one", "1"), part("two", "2")]

    assert answer(parts, header).content.decode() == whole(parts)


def test_only_what_differs_is_sent():
    old, new = [part("one", "1"), part("two", "2")], [part("one", "1"), part("two", "changed")]

    response = answer(new, have(old))

    assert response.content.decode() == new[1].html(replaces=True)
    assert response["HX-Reswap"] == "none"


def test_fillings_are_shown_and_not_compared():
    before, after = (part("one", f"{MARK}, {MARK}", minutes, "late") for minutes in ("1 min", "2 min"))

    assert re.sub("<[^>]+>", "", after.html()) == "2 min, late"
    assert before.version == after.version
    assert answer([after], have([before])).status_code == 204
