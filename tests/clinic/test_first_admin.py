from pathlib import Path

import pytest

from clinic.first_admin import check_token, consume_token, issue_token


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir(mode=0o700)
    return tmp_path


def test_the_token_is_not_kept_only_its_hash(data: Path) -> None:
    token = issue_token(data)

    file = data / "secrets" / "first-administrator"
    assert check_token(token, data)
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_new_token_replaces_the_old_one(data: Path) -> None:
    old = issue_token(data)

    new = issue_token(data)

    assert [check_token(old, data), check_token(new, data)] == [False, True]


def test_a_token_works_once(data: Path) -> None:
    token = issue_token(data)

    used = [consume_token(token, data), consume_token(token, data)]

    assert used == [True, False]
    assert not check_token(token, data)


@pytest.mark.parametrize("wrong", ["", "wrong", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_wrong_token_uses_nothing_up(data: Path, wrong: str) -> None:
    token = issue_token(data)

    accepted = consume_token(wrong, data)

    assert not accepted
    assert check_token(token, data)


def test_without_an_issued_token_none_is_right(data: Path) -> None:
    assert not check_token("anything", data)
