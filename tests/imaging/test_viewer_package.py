"""The viewer's own tests and types, run by the Node that builds it."""

import subprocess
from pathlib import Path

import pytest

from clinic.bootstrap import find_node

VIEWER = Path(__file__).resolve().parents[2] / "imaging/viewer"


@pytest.mark.parametrize("script", [["test.mjs"], ["node_modules/typescript/bin/tsc", "--noEmit"]])
def test_the_viewer_passes_its_own_checks(script: list[str]) -> None:
    if not (VIEWER / "node_modules/typescript").exists():
        pytest.skip("needs the viewer's packages: python3 manage.py test installs them")
    node, _npm, environment = find_node()

    done = subprocess.run([node, *script], cwd=VIEWER, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
