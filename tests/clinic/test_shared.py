"""What is kept for many: for exactly as long as its topic is quiet, and never where changes go unnoticed."""

import threading
from itertools import count

import pytest

from clinic import shared as module
from clinic.shared import shared


class Bridge:
    """A bridge that hears what the test says."""

    def __init__(self) -> None:
        self.version: tuple[int, int] | None = (1, 0)

    def version_of(self, topic: str) -> tuple[int, int] | None:
        return self.version

    def change(self) -> None:
        self.version = (1, self.version[1] + 1)


@pytest.fixture
def bridge(monkeypatch):
    bridge = Bridge()
    monkeypatch.setattr(module, "bridge", bridge)
    monkeypatch.setattr(module, "_places", {})
    return bridge


@pytest.fixture
def make():
    numbers = count(1)
    return lambda: next(numbers)


def test_one_makes_it_for_all(bridge, make):
    assert [shared("board", "key", make, seconds=60) for _ in range(3)] == [1, 1, 1]


def test_another_key_is_another_thing(bridge, make):
    assert [shared("board", key, make, seconds=60) for key in ("one", "two", "one")] == [1, 2, 1]


def test_after_a_change_it_is_made_again(bridge, make):
    shared("board", "key", make, seconds=60)
    bridge.change()

    assert [shared("board", "key", make, seconds=60) for _ in range(2)] == [2, 2]


def test_a_change_while_it_is_made_makes_it_old(bridge):
    def make_slowly():
        bridge.change()
        return "old"

    shared("board", "key", make_slowly, seconds=60)

    assert shared("board", "key", lambda: "new", seconds=60) == "new"


def test_where_changes_go_unnoticed_nothing_is_kept(bridge, make):
    shared("board", "key", make, seconds=60)
    bridge.version = None

    assert [shared("board", "key", make, seconds=60) for _ in range(2)] == [2, 3]


def test_nothing_is_kept_for_longer_than_said(bridge, make):
    assert [shared("board", "key", make, seconds=0) for _ in range(2)] == [1, 2]


def test_many_at_once_wait_for_the_one_who_makes_it(bridge, make):
    gate, found = threading.Barrier(8), []

    def ask():
        gate.wait()
        found.append(shared("board", "key", make, seconds=60))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [1] * 8


def test_a_failure_is_nobody_elses(bridge, make):
    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        shared("board", "key", fail, seconds=60)

    assert shared("board", "key", make, seconds=60) == 1


def test_the_least_used_is_forgotten(bridge, make, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)

    found = [shared("board", key, make, seconds=60) for key in ("a", "b", "a", "c", "a", "b")]

    assert found == [1, 2, 1, 3, 1, 4]
