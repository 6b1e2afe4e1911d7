import sys
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """django-q2's command of this name, with a cluster that heals itself (``clinic/worker.py``)."""

    help = "Runs the background worker until it is stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        from clinic import worker

        sys.exit(worker.run())
