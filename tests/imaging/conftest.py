"""Data folders of its own for each test of this room."""

from pathlib import Path

import pytest

FOLDERS = {"SPOOL_DIR": "spool", "STUDIES_DIR": "studies", "QUARANTINE_DIR": "quarantine"}


@pytest.fixture(autouse=True)
def folders(tmp_path_factory, settings) -> Path:
    data = tmp_path_factory.mktemp("data")
    for name, folder in FOLDERS.items():
        (data / folder).mkdir(mode=0o700)
        setattr(settings, name, data / folder)
    return data


@pytest.fixture(autouse=True)
def forget_looks():
    """Who has looked at what is remembered in the process; a test begins with nobody."""
    from imaging import viewing

    viewing._looks.clear()
