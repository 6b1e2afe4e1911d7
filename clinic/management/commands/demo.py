"""`manage.py demo`: fill an empty database with the clinic "Cedar Village"."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from clinic.demo.load import load_demo
from clinic.demo.people import PASSWORD, USERS
from clinic.errors import DomainError


class Command(BaseCommand):
    help = "Fill an empty database with the demo clinic Cedar Village: people, a week, images and reports."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sign", default="", help="What each line of the progress begins with.")

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger("django-q").setLevel(logging.WARNING)  # one line for each queued job
        began = time.monotonic()

        def say(text: str) -> None:
            self.stdout.write(f"{options['sign']}{text} ({time.monotonic() - began:.0f} s)")
            self.stdout.flush()

        try:
            loaded = load_demo(say)
        except DomainError as error:
            raise CommandError(error.message) from error
        if not loaded:
            self.stdout.write(_("The demo clinic is loaded already; nothing was changed."))
        names = ", ".join(user.username for user in USERS)
        self.stdout.write(
            _("Sign in as %(names)s; the password of all is %(password)s")
            % {"names": names, "password": PASSWORD}
        )
