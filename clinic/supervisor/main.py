"""The command ``manage.py up``."""

import errno
import os
import sys
from collections.abc import Sequence

from clinic.postgres import PostgresError

from . import checks, family
from .lock import DataLock
from .options import Options, StartError, parse
from .supervisor import Supervisor


def main(arguments: Sequence[str]) -> int:
    """Run until told to stop; the exit code. Every refusal is one sentence on the error output."""
    os.umask(0o077)
    options = parse(arguments)
    try:
        _run(options)
    except (StartError, PostgresError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"The disk with the data folder {options.data} is full.", file=sys.stderr)
        return 1
    return 0


def _run(options: Options) -> None:
    checks.make_data_folder(options.data)
    lock = DataLock(options.data)
    lock.take(options.url)
    try:
        family.end(f":{options.data}")
        checks.check_room(options.data)
        checks.check_ports(options)
        Supervisor(options).run()
    finally:
        lock.release()
