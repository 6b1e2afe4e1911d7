"""The clinic that all browser journeys share."""

from collections.abc import Iterator

import pytest

from tests.e2e.running import Clinic, demo_clinic


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """The demonstration clinic, started once."""
    with demo_clinic(tmp_path_factory.mktemp("clinic")) as running:
        yield running
