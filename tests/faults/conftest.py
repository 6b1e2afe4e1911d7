from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.running import Clinic


@pytest.fixture
def stopped_clinic(tmp_path: Path) -> Iterator[Clinic]:
    """Not started yet; stopped at the end whatever happened."""
    made = Clinic(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop()


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A running one, shared by all tests that leave it well."""
    made = Clinic(tmp_path_factory.mktemp("clinic"))
    made.start()
    yield made
    if made.process.poll() is None:
        made.stop()
