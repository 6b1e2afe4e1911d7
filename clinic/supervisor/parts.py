"""The parts of Cedar as commands. Each can be run by hand or by systemd as well, see docs/running.md."""

import signal
import sys

from clinic.postgres import Cluster

from .child import Part
from .options import ROOT, Options

MANAGE = str(ROOT / "manage.py")


def database(cluster: Cluster) -> Part:
    return Part(
        name="postgres",
        title="database",
        command=cluster.command(),
        stop_signal=signal.SIGINT,  # fast: open transactions end, everything is written
        patience=30.0,
        death_signal=signal.SIGQUIT,  # at once; the next start recovers
    )


def web(options: Options) -> Part:
    return Part(
        name="web",
        title="web server",
        command=[
            sys.executable,
            "-m",
            "daphne",
            "-b",
            options.host,
            "-p",
            str(options.port),
            "clinic.asgi:application",
        ],
    )


def worker() -> Part:
    return Part(name="worker", title="worker", command=[sys.executable, MANAGE, "qcluster"], patience=20.0)


def preparation() -> Part:
    return Part(name="prepare", title="preparation", command=[sys.executable, MANAGE, "prepare"])


def dicom() -> Part:
    return Part(name="dicom", title="DICOM server", command=[sys.executable, MANAGE, "runscp"])


def environment(options: Options, demo: bool) -> dict[str, str]:
    """What every part is told, so that all mean the same clinic."""
    environment = {
        "CEDAR_DATA": str(options.data),
        "CEDAR_HOST": options.host,
        "CEDAR_PORT": str(options.port),
        "CEDAR_DICOM_PORT": str(options.dicom_port),
        "CEDAR_DEMO": "1" if demo else "0",
        "CEDAR_BOOTSTRAP": "off",  # the environment was made before we got here
        "DJANGO_SETTINGS_MODULE": "clinic.settings",
        "PYTHONUNBUFFERED": "1",
    }
    if options.dicom_tls_port is not None:
        environment["CEDAR_DICOM_TLS_PORT"] = str(options.dicom_tls_port)
    return environment
