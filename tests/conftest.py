"""What all tests share: a database cluster of their own, and how a test names the outside tool it needs.

``@pytest.mark.needs_tool("storescu", package="dcmtk")`` on a test, or ``pytestmark = …`` in a module, skips
with the Debian package to install where the program is missing. With ``CEDAR_REQUIRE_TOOLS=1`` (as in
``.ci/run``) a missing tool is a failure.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.postgres import Cluster, RunningCluster

DURABILITY_OFF = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def pytest_configure(config: pytest.Config) -> None:
    os.environ["PATH"] += f"{os.pathsep}/usr/sbin"  # Orthanc is there, and not every user looks there
    config.addinivalue_line("markers", "needs_tool(program, package): skip unless the program is installed")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: from the first of them on, Playwright's event loop runs in this thread, and
    nothing else that is asynchronous can."""
    items.sort(key=lambda item: "tests/e2e/" in item.path.as_posix())


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs_tool"):
        require_tool(*marker.args, **marker.kwargs)


def require_tool(program: str, package: str) -> str:
    """The path of an outside program; skips, or fails where tools are required, when it is missing."""
    found = shutil.which(program)
    if found:
        return found
    reason = f"needs the program {program}: sudo apt install {package}"
    if os.environ.get("CEDAR_REQUIRE_TOOLS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def database_cluster() -> Iterator[Cluster]:
    """A PostgreSQL cluster in the tests' data folder, started once and thrown away with it."""
    from django.conf import settings

    data = Path(settings.CEDAR_DATA)
    with RunningCluster(Cluster(data, DURABILITY_OFF), data / "postgres.log") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_cluster: Cluster) -> None:
    """pytest-django's hook before it makes the test database: the server has to run by then."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """Transactional tests empty all tables between them, those too that forbid it elsewhere."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_no_truncate")
        cursor.execute("ALTER TABLE reporting_reportversion DISABLE TRIGGER reporting_version_no_truncate")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """pytest-playwright drives the Chromium of the system, never a downloaded one."""
    return {
        "executable_path": require_tool("chromium", package="chromium"),
        "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    }
