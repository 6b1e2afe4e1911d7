import gc
import logging
import os
import signal
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Runs the DICOM server: receives images, answers worklist queries. TERM or Ctrl-C stops it."
    requires_system_checks: list[str] = []  # no database is needed to start

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.DICOM_HOST, help="address to listen on")
        parser.add_argument("--port", type=int, default=settings.DICOM_PORT, help="0 takes any free port")
        parser.add_argument(
            "--tls-port", type=int, default=settings.DICOM_TLS_PORT, help="for encrypted connections; 0: none"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from dicomserver.connections import keep_connections
        from dicomserver.quiet import keep_quiet
        from dicomserver.server import DicomServer

        keep_quiet()
        keep_connections()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_signal: stop.set())
        try:
            server = DicomServer(options["host"], options["port"], options["tls_port"] or None)
        except OSError as error:
            raise CommandError(
                f"The DICOM server cannot listen on {options['host']} port {options['port']}: "
                f"{error.strerror}. Choose another port with --dicom-port, or stop what uses this one."
            ) from None
        # What was made so far stays: pynetdicom collects garbage twice a minute, and need not look at it.
        gc.collect()
        gc.freeze()
        server.start()
        self.stdout.write(
            f"DICOM server: AE title {settings.DICOM_AE_TITLE} at {options['host']} port {server.port}"
        )
        if server.tls_port:
            self.stdout.write(f"DICOM server: with TLS at {options['host']} port {server.tls_port}")
        self.stdout.flush()
        stop.wait()
        server.stop()
        self.stdout.write("DICOM server: stopped")
        self.stdout.flush()
        sys.stderr.flush()
        # A peer that stalls may still hold a thread of pynetdicom's; nothing is lost with it.
        os._exit(0)
