#!/usr/bin/env python3
"""Cedar's command line: ``up`` runs the clinic, ``test`` the tests, the rest are Django's commands.

This file and clinic/bootstrap.py are read by the machine's own Python, however old, so that it can say in
words what it lacks: no newer syntax here.
"""

import os
import sys

OLDEST_PYTHON = (3, 11)


def python_problem(version):
    """One sentence for a Python that is too old, or None."""
    if tuple(version[:2]) >= OLDEST_PYTHON:
        return None
    return (
        "Cedar needs Python %d.%d or newer, and this is Python %d.%d. "
        "Install a newer one and start again, for example with: python3.%d manage.py up"
        % (OLDEST_PYTHON + tuple(version[:2]) + OLDEST_PYTHON[1:])
    )


def main():
    problem = python_problem(sys.version_info)
    if problem:
        sys.exit(problem)
    from clinic import bootstrap

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    try:
        bootstrap.enter_environment(command, sys.argv)
    except bootstrap.SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("\nStopped. The next start continues the setting up.")
    if command == "up":
        from clinic.supervisor.main import main as up

        sys.exit(up(sys.argv[2:]))
    if command == "test":
        bootstrap.run_tests(sys.argv[2:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
