"""Receiving images: Cedar beside Orthanc (Debian's, default settings) and DCMTK's storescp.

``python benchmarks/ingest.py [--quick] [--pairs N]``, in the project's environment. The sender is always
DCMTK's ``storescu``; the servers take turns; every run sends objects with new UIDs. Cedar runs whole: it
answers after the file is flushed to the disk, while its worker indexes on the same cores.
storescp keeps no index and flushes nothing: it shows the limit of protocol and machine.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psycopg
from pydicom import Dataset

from benchmarks import dicom_peers
from benchmarks.report import last_line, median_ratio, table
from clinic.demo.images import StudyIdentity, chest_xray, ct_series, ultrasound_clip
from clinic.demo.images.identity import write_part10
from clinic.postgres import default_url

ROOT = "1.2.826.0.1.3680043.10.1387"
BLANK_RUN = "1000000"


@dataclass
class Load:
    """One kind of work: ``files`` on disk with a run number in their UIDs that can be replaced."""

    name: str
    words: str
    files: list[bytes]
    # what storescu must be told to propose for it
    syntax: list[str]


def identity(name: str) -> StudyIdentity:
    return StudyIdentity(
        patient_id="BENCH-1",
        patient_name="Bench^Mark",
        study_instance_uid=f"{ROOT}.{BLANK_RUN}.1",
        description=name,
    )


def load_of(
    name: str, words: str, source: Dataset, count: int, folder: Path, syntax: tuple[str, ...] = ()
) -> Load:
    files = []
    for number in range(1, count + 1):
        source.SeriesInstanceUID = f"{ROOT}.{BLANK_RUN}.2"
        source.SOPInstanceUID = f"{ROOT}.{BLANK_RUN}.3.{number}"
        source.file_meta.MediaStorageSOPInstanceUID = source.SOPInstanceUID
        source.InstanceNumber = number
        path = folder / "object.dcm"
        write_part10(source, path)
        files.append(path.read_bytes())
    return Load(name, words, files, list(syntax))


def loads(folder: Path, quick: bool) -> list[Load]:
    part = 10 if quick else 1
    ct = ct_series(identity("ct"), slices=1)[0]
    tiny = ct_series(identity("tiny"), slices=1, size=64)[0]
    film = chest_xray(identity("xr"), rows=2800, columns=2700)[0]
    clip = ultrasound_clip(identity("us"))[0]
    return [
        load_of("ct", "CT, 500 × 0.5 MB", ct, 500 // part, folder),
        load_of("tiny", "tiny CT, 1,000", tiny, 1000 // part, folder),
        load_of("xr", "X-ray, 10 × 15 MB", film, max(4, 10 // part), folder),
        load_of("us", "ultrasound clips, 20", clip, max(4, 20 // part), folder, ("-xy",)),
    ]


def lay_out(load: Load, run: int, senders: int, folder: Path) -> list[Path]:
    """Write the run's files, dealt to one folder a sender."""
    shutil.rmtree(folder, ignore_errors=True)
    folders = [folder / str(sender) for sender in range(senders)]
    for target in folders:
        target.mkdir(parents=True)
    old, new = f"{ROOT}.{BLANK_RUN}.".encode(), f"{ROOT}.{BLANK_RUN[0]}{run:06d}.".encode()
    for number, content in enumerate(load.files):
        (folders[number % senders] / f"{number}.dcm").write_bytes(content.replace(old, new))
    return folders


def send(folders: list[Path], syntax: list[str], title: str, port: int) -> float:
    """Seconds until the last image is acknowledged."""
    started = time.monotonic()
    command = ["storescu", "-aet", dicom_peers.CALLING, "-aec", title, "+sd", "+r", "-pdu", "131072"]
    command += syntax
    senders = [subprocess.Popen([*command, "127.0.0.1", str(port), str(folder)]) for folder in folders]
    if any(sender.wait() != 0 for sender in senders):
        raise RuntimeError(f"storescu could not send everything to {title}")
    return time.monotonic() - started


def seconds_until_visible(data: Path, run: int, count: int) -> float:
    """From now until every image of the run has its row, and the series of the study its thumbnail."""
    started = time.monotonic()
    question = (
        "SELECT count(*), count(*) FILTER (WHERE i.thumbnail <> '') FROM imaging_instance i"
        " JOIN imaging_series s ON s.id = i.series_id WHERE s.series_instance_uid = %s"
    )
    with psycopg.connect(default_url(data), autocommit=True) as connection:
        while True:
            row = connection.execute(question, [f"{ROOT}.{BLANK_RUN[0]}{run:06d}.2"]).fetchone()
            if row and row[0] == count and row[1] > 0:
                return time.monotonic() - started
            if time.monotonic() - started > 300:
                raise RuntimeError(f"only {row} of {count} images are visible after five minutes")
            time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the images, one round")
    parser.add_argument("--pairs", type=int, default=0, help="rounds (default 5, quick 1)")
    parser.add_argument("--only", help="only these loads, as ct,tiny,xr,us")
    options = parser.parse_args()
    pairs = options.pairs or (1 if options.quick else 5)
    names = ["Cedar", "Orthanc", "storescp"]
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    rows = []
    with tempfile.TemporaryDirectory(prefix="cedar-ingest-") as place, ExitStack() as stack:
        folder = Path(place)
        work = [
            load
            for load in loads(folder, options.quick)
            if not options.only or load.name in options.only.split(",")
        ]
        data = folder / "cedar"
        targets = {
            "Cedar": stack.enter_context(dicom_peers.cedar(data)),
            "Orthanc": stack.enter_context(dicom_peers.orthanc(folder / "orthanc")),
            "storescp": stack.enter_context(dicom_peers.storescp(folder / "storescp")),
        }
        run = 0
        for load in work:
            for senders in (1, 4):
                rates: dict[str, list[float]] = {name: [] for name in names}
                visible = []
                for pair in range(pairs):
                    for name in names[pair % 3 :] + names[: pair % 3]:
                        run += 1
                        folders = lay_out(load, run, senders, folder / "outgoing")
                        rates[name].append(len(load.files) / send(folders, load.syntax, *targets[name]))
                        if name == "Cedar":
                            visible.append(seconds_until_visible(data, run, len(load.files)))
                        shutil.rmtree(folder / "storescp" / "received")
                        (folder / "storescp" / "received").mkdir()
                key = f"{load.name}{senders}"
                ratios[key] = median_ratio(rates["Cedar"], rates["Orthanc"])
                medians = {name: statistics.median(values) for name, values in rates.items()}
                figures |= {f"{key}_{name.lower()}_per_s": value for name, value in medians.items()}
                figures[f"{key}_visible_after_s"] = statistics.median(visible)
                limit = median_ratio(rates["storescp"], rates["Orthanc"])
                rows.append(
                    [
                        load.words,
                        senders,
                        *(f"{medians[name]:.1f}/s" for name in names),
                        f"{ratios[key]:.2f}",
                        f"{limit:.2f}",
                        f"{figures[f'{key}_visible_after_s']:.2f} s",
                    ]
                )
                print(" | ".join(str(cell) for cell in rows[-1]), file=sys.stderr)
    head = [
        "load",
        "associations",
        *names,
        "Cedar : Orthanc",
        "storescp : Orthanc",
        "visible after the last answer",
    ]
    table(head, rows)
    last_line(figures, ratios)


if __name__ == "__main__":
    main()
