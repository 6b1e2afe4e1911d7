"""``runscp`` whose spool is a file system of its own, so small that it is soon full."""

import functools
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.conftest import require_tool
from tests.dicomserver.conftest import ServerProcess

# An ordinary user may mount in a namespace of his own where the kernel allows it, root in any.
_WRAPPERS = [("unshare", "--user", "--map-root-user", "--mount"), ("unshare", "--mount")]


@functools.cache
def _wrapper() -> tuple[str, ...] | None:
    with tempfile.TemporaryDirectory() as folder:
        for wrapper in _WRAPPERS:
            command = [*wrapper, "mount", "-t", "tmpfs", "tmpfs", folder]
            if subprocess.run(command, capture_output=True).returncode == 0:
                return wrapper
    return None


class OnSmallDisk(ServerProcess):
    """The spool has 4 MB, in a mount namespace of the server's own. Skips where nobody may make one."""

    def command(self) -> list[str]:
        require_tool("unshare", package="util-linux")
        wrapper = _wrapper()
        if wrapper is None:
            pytest.skip("this machine lets nobody mount a file system, not even in a namespace of his own")
        mount = f"mount -t tmpfs -o size=4m tmpfs '{self.data}/spool'"
        return [*wrapper, "sh", "-c", f'{mount} && exec "$0" "$@"', *super().command()]

    @property
    def spool(self) -> Path:
        """As the server sees it."""
        return Path(f"/proc/{self.process.pid}/root{self.data}/spool")
