"""What all browser journeys share."""

from collections.abc import Iterator

import pytest

from tests.e2e.running import Clinic, demo_clinic


@pytest.fixture(scope="session", autouse=True)
def beside_playwright() -> Iterator[None]:
    """Playwright keeps an event loop running in this thread, in which Django would refuse its database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """The demonstration clinic, started once."""
    with demo_clinic(tmp_path_factory.mktemp("clinic")) as running:
        yield running
