"""What is kept of rich text."""

import pytest

from clinic.errors import InvalidInput
from reporting.nesting import depth_of
from reporting.richtext import as_paragraphs, clean_html, parse, plain_text


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p>A <strong>b</strong> <em>c</em> <u>d</u><sub>e</sub><sup>f</sup></p>",) * 2,
        ("<ul><li><p>one</p></li></ul><ol><li><p>two</p></li></ol>",) * 2,
        ("<p>a<br>b</p>", "<p>a<br>b</p>"),
        ("<script>alert(1)</script><p>x</p>", "<p>x</p>"),
        ("<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",) * 2,
        ('<p style="color:red" onclick="x()" class="a" title="t">x</p>', "<p>x</p>"),
        ('<a href="javascript:x()">link</a>', "link"),
        ('<img src="x" onerror="alert(1)">text', "text"),
        ("<table><tr><td>cell</td></tr></table>", "cell"),
        ("<p></p><p> &nbsp; </p>", ""),
        ("", ""),
    ],
)
def test_only_what_the_editor_offers_is_kept(html: str, kept: str) -> None:
    assert clean_html(html) == kept


@pytest.mark.parametrize("html", ["<p>" * 61 + "x", "<b><i>" * 40, "<TABLE><Tr><td>" * 30])
def test_deep_nesting_is_refused_before_it_is_parsed(html: str) -> None:
    with pytest.raises(InvalidInput):
        clean_html(html)


def test_depth_counts_what_is_open_at_the_same_time() -> None:
    assert depth_of("<p>a</p><p>b<br><br></p></p></p><ul><li>x</li></ul>") == 2


def test_plain_text_has_lines_and_dashes() -> None:
    html = "<p>A&amp;B <strong>bold</strong><br>next</p><ul><li><p>one</p></li><li>two</li></ul>"

    assert plain_text(html) == "A&B bold\nnext\n- one\n- two"


def test_plain_text_becomes_paragraphs() -> None:
    assert as_paragraphs("a < b\n\n  c & d ") == "<p>a &lt; b</p><p>c &amp; d</p>"


def test_tree_closes_what_it_opened() -> None:
    assert parse("<p>a<strong>b</p></em>c").as_json() == {
        "tag": "root",
        "children": [
            {"tag": "p", "children": ["a", {"tag": "strong", "children": ["b"]}]},
            "c",
        ],
    }
