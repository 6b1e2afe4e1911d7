"""Phrases of one's own."""

import pytest
from django.urls import reverse

from audit.models import Entry
from clinic.errors import InvalidInput, NotAllowed
from clinic.permissions import Role
from reporting.models import Phrase
from reporting.services import delete_phrase, save_phrase
from tests.factories import make_user
from tests.reporting.factories import make_reader

pytestmark = pytest.mark.django_db


def test_a_phrase_is_kept_clean_and_replaced(client) -> None:
    reader = make_reader()

    save_phrase(by=reader, shortcut=" .NL ", html="<p>Clear<script>x</script></p>")
    phrase = save_phrase(by=reader, shortcut="nl", html="<p>Normal lungs.</p>")

    assert [(each.shortcut, each.html) for each in reader.phrases.all()] == [("nl", "<p>Normal lungs.</p>")]
    entry = Entry.objects.filter(action="phrase.saved").latest("pk")
    assert entry.changes == {"text": ["Clear", "Normal lungs."]}
    assert str(phrase) == ".nl"


@pytest.mark.parametrize("shortcut", ["", ".", "two words", "a/b", "x" * 21, "<b>"])
def test_a_short_name_is_one_word(shortcut: str) -> None:
    with pytest.raises(InvalidInput, match="letters, digits"):
        save_phrase(by=make_reader(), shortcut=shortcut, html="<p>Text</p>")

    assert Phrase.objects.count() == 0


def test_a_phrase_without_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Write the text"):
        save_phrase(by=make_reader(), shortcut="nl", html="<p> </p>")


def test_two_readers_have_the_same_short_name_for_their_own() -> None:
    one, other = make_reader(), make_reader()

    save_phrase(by=one, shortcut="nl", html="<p>Mine</p>")
    save_phrase(by=other, shortcut="nl", html="<p>Other</p>")

    assert one.phrases.get().html == "<p>Mine</p>"
    with pytest.raises(NotAllowed):
        delete_phrase(one.phrases.get(), by=other)


def test_who_writes_no_reports_has_no_phrases() -> None:
    with pytest.raises(NotAllowed):
        save_phrase(by=make_user(Role.TECHNICIAN), shortcut="nl", html="<p>Text</p>")


def test_page_says_what_is_wrong_and_keeps_what_was_typed(client) -> None:
    reader = make_reader()
    client.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")

    page = client.post(reverse("reporting:phrase_list"), {"shortcut": "two words", "html": "<p>Kept</p>"})

    assert page.status_code == 200
    assert page.context["form"].errors["shortcut"][0].startswith("The short name was read as “two words”")
    assert page.context["form"]["html"].value() == "<p>Kept</p>"
    assert Phrase.objects.count() == 0
