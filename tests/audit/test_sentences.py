import ast
import string

import pytest
from django.conf import settings

from audit.models import Entry
from audit.sentences import SENTENCES, changes_of, sentence

ROOMS = ["clinic", "audit", "patients", "scheduling", "imaging", "reporting", "dicomserver"]


def actions_in_the_code() -> set[str]:
    """Every ``action="…"`` that some room hands to a function."""
    trees = [
        ast.parse(file.read_text()) for room in ROOMS for file in (settings.BASE_DIR / room).rglob("*.py")
    ]
    keywords = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    values = [node.value for node in keywords if node.arg == "action"]
    return {str(value.value) for value in values if isinstance(value, ast.Constant)}


def test_every_action_has_a_sentence():
    assert actions_in_the_code() - set(SENTENCES) - {"store_true", "append", "extend"} == set()


@pytest.mark.parametrize("action", sorted(SENTENCES))
def test_a_sentence_names_only_what_an_entry_has(action):
    names = {
        name for _text, name, _spec, _conversion in string.Formatter().parse(str(SENTENCES[action])) if name
    }

    assert names <= {"who", "what", "patient", "username", "text"}
    assert sentence(Entry(actor_label="Rosa", action=action, changes={})) != ""


def test_an_action_without_a_sentence_is_still_shown():
    assert sentence(Entry(actor_label="Rosa", action="x.y", subject_label="Z")) == "Rosa: x.y Z"


def test_braces_in_a_name_are_only_braces():
    entry = Entry(actor_label="{what}", action="config.changed", subject_label="{0.__class__}", changes={})

    assert sentence(entry) == "{what} changed {0.__class__} in the settings"


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"status": ["ordered", "scheduled"]}, [("status", "ordered", "scheduled")]),
        ({"roles": [[], ["a", "b"]]}, [("roles", "", "a, b")]),
        ({"is_active": [True, False]}, [("is active", "yes", "no")]),
        ({"count": 3}, [("count", "", "3")]),
        ({"files": ["a", "b", "c"]}, [("files", "", "a, b, c")]),
        ({}, []),
    ],
)
def test_changes_in_words(changes, shown):
    entry = Entry(action="order.changed", subject_type="nothing", changes=changes)

    assert [(change.label, change.before, change.after) for change in changes_of(entry)] == shown
