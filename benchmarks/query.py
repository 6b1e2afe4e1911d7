"""Answering C-FIND: Cedar beside Orthanc (Debian's, default settings).

``python benchmarks/query.py [--quick] [--studies N] [--orthanc-studies N] [--steps N] [--rounds N]``, in the
project's environment. Cedar's rows are inserted in bulk into a cluster that is thrown away; Orthanc has to be
sent its studies, so by default it gets a fifth of them (``--orthanc-studies``), which is to its advantage.
Its worklist is that of the plugin in its package, a folder of files. The questions are the same, in turns,
each on an association that stays open; the time is from the question to the last answer, whose bytes are
counted and not decoded (``asking``).
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import ModalityWorklistInformationFind as Worklist
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Studies

from benchmarks import dicom_peers
from benchmarks.asking import Asker
from benchmarks.query_names import STATIONS, accession, birth_date, day_of, mrn, name_parts, start_of, uid
from benchmarks.report import last_line, table
from clinic.postgres import default_url

PLUGIN = Path("/usr/share/orthanc/plugins/libModalityWorklists.so")
Question = Callable[[int], dict[str, str]]
STUDY_QUESTIONS: dict[str, Question] = {
    "patient number": lambda number: {"PatientID": mrn(number // 2)},
    "patient name with wildcard": lambda number: {"PatientName": f"{name_parts(number // 2)[0][:5]}*"},
    "accession number": lambda number: {"AccessionNumber": accession(number)},
    "Study UID": lambda number: {"StudyInstanceUID": uid(number, "study")},
    "one day": lambda number: {"StudyDate": f"{day_of(number):%Y%m%d}"},
}
WORKLIST_QUESTIONS: dict[str, Question] = {
    "station and day": lambda number: {
        "ScheduledStationAETitle": f"BENCH{number % STATIONS}",
        "ScheduledProcedureStepStartDate": f"{start_of(number):%Y%m%d}",
    },
    "accession number": lambda number: {"AccessionNumber": f"W{number:08d}"},
    "patient number": lambda number: {"PatientID": mrn(number)},
}
STEP_KEYS = ["ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "Modality"]


def study_identifier(keys: dict[str, str]) -> Dataset:
    asked = Dataset()
    asked.SpecificCharacterSet = "ISO_IR 192"
    asked.QueryRetrieveLevel = "STUDY"
    for name in [
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
    ]:
        setattr(asked, name, "")
    for name in ["AccessionNumber", "StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedInstances"]:
        setattr(asked, name, None)
    for name, value in keys.items():
        setattr(asked, name, value)
    return asked


def worklist_identifier(keys: dict[str, str]) -> Dataset:
    asked, step = Dataset(), Dataset()
    asked.SpecificCharacterSet = "ISO_IR 192"
    for name in ["PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyInstanceUID"]:
        setattr(asked, name, "")
    for name in [*STEP_KEYS, "ScheduledProcedureStepStartTime"]:
        setattr(step, name, "")
    for name, value in keys.items():
        setattr(step if name in STEP_KEYS else asked, name, value)
    asked.ScheduledProcedureStepSequence = Sequence([step])
    return asked


# --- what the servers know ----------------------------------------------------------------------------


def fill_cedar(data: Path, studies: int, steps: int) -> None:
    environment = {**os.environ, "CEDAR_DATA": str(data), "DATABASE_URL": default_url(data)}
    code = f"from benchmarks.query_rows import fill; fill({studies}, {steps})"
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", code]
    subprocess.run(command, cwd=dicom_peers.REPOSITORY, env=environment, check=True)


def send_studies(title: str, port: int, count: int) -> None:
    """One image without pixels a study: only its attributes matter here."""
    image = Dataset()
    image.SpecificCharacterSet = "ISO_IR 192"
    image.SOPClassUID = CTImageStorage
    image.Modality, image.StudyDescription, image.SeriesNumber, image.InstanceNumber = "CT", "CT head", 1, 1
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with associated(title, port, CTImageStorage) as association:
        for number in range(count):
            family, given = name_parts(number // 2)
            image.PatientID, image.PatientName = mrn(number // 2), f"{family}^{given}"
            image.PatientBirthDate = f"{birth_date(number // 2):%Y%m%d}"
            image.AccessionNumber = accession(number)
            image.StudyDate, image.StudyTime = f"{day_of(number):%Y%m%d}", f"09{number % 60:02d}00"
            image.StudyInstanceUID = uid(number, "study")
            image.SeriesInstanceUID = f"{image.StudyInstanceUID}.1"
            image.SOPInstanceUID = f"{image.StudyInstanceUID}.1.1"
            status = association.send_c_store(image).get("Status")
            if status != 0x0000:
                raise RuntimeError(f"{title} answers study {number} with {status}")


def write_worklist(folder: Path, count: int) -> None:
    """The files that Orthanc's plugin reads."""
    folder.mkdir()
    for number in range(count):
        family, given = name_parts(number)
        item = worklist_identifier({"PatientID": mrn(number), "Modality": "CT"})
        step = item.ScheduledProcedureStepSequence[0]
        step.ScheduledStationAETitle = f"BENCH{number % STATIONS}"
        step.ScheduledProcedureStepStartDate = f"{start_of(number):%Y%m%d}"
        step.ScheduledProcedureStepStartTime = f"{start_of(number):%H%M%S}"
        item.PatientName, item.PatientBirthDate = f"{family}^{given}", f"{birth_date(number):%Y%m%d}"
        item.AccessionNumber, item.StudyInstanceUID = f"W{number:08d}", uid(number, "order")
        item.file_meta = FileMetaDataset()
        item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item.file_meta.MediaStorageSOPClassUID = Worklist
        item.file_meta.MediaStorageSOPInstanceUID = item.StudyInstanceUID
        item.save_as(folder / f"{number}.wl", enforce_file_format=True)


# --- measuring ----------------------------------------------------------------------------------------


@contextmanager
def associated(title: str, port: int, sop_class: str) -> Iterator[Association]:
    ae = AE(ae_title=dicom_peers.CALLING)
    ae.dimse_timeout = ae.network_timeout = 300
    ae.add_requested_context(sop_class, ExplicitVRLittleEndian)
    association = ae.associate("127.0.0.1", port, ae_title=title)
    if not association.is_established:
        raise RuntimeError(f"{title} does not take the call")
    # As DCMTK does: otherwise each request waits 40 ms for the acknowledgement of its first half.
    association.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        yield association
    finally:
        association.release()


def measure(
    model: str,
    identifier: Callable[[dict[str, str]], Dataset],
    questions: dict[str, Question],
    servers: dict[str, tuple[tuple[str, int], int]],
    rounds: int,
) -> dict[str, dict[str, tuple[list[float], float]]]:
    """For each question and server its times and the mean number of matches."""
    found: dict[str, dict[str, tuple[list[float], float]]] = {}
    with ExitStack() as stack:
        open_to = {
            name: stack.enter_context(Asker(dicom_peers.CALLING, *place, model))
            for name, (place, _size) in servers.items()
        }
        for words, question in questions.items():
            say(f"asking by {words}")
            times: dict[str, list[float]] = {name: [] for name in servers}
            matches: dict[str, list[int]] = {name: [] for name in servers}
            for turn in range(rounds + 2):
                for name, (_place, size) in servers.items():
                    asked = identifier(question(turn * 7907 % size))
                    seconds, count = open_to[name].ask(asked)
                    if turn >= 2:  # the first ones open connections and plan
                        times[name].append(seconds)
                        matches[name].append(count)
            found[words] = {name: (times[name], statistics.mean(matches[name])) for name in servers}
    return found


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def p95(times: list[float]) -> float:
    """Milliseconds."""
    return 1000 * sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--studies", type=int, help="in Cedar (default 100,000)")
    parser.add_argument("--orthanc-studies", type=int, help="in Orthanc (default a fifth of Cedar's)")
    parser.add_argument("--steps", type=int, help="scheduled steps in both (default 10,000)")
    parser.add_argument("--rounds", type=int, help="questions of each kind (default 60)")
    options = parser.parse_args()
    part = 10 if options.quick else 1
    studies = options.studies or 100_000 // part
    orthanc_studies = options.orthanc_studies or studies // 5
    steps = options.steps or 10_000 // part
    rounds = options.rounds or 60 // (3 if options.quick else 1)
    figures: dict[str, float] = {
        "cedar_studies": studies,
        "orthanc_studies": orthanc_studies,
        "steps": steps,
    }
    ratios: dict[str, float] = {}
    rows = []
    with tempfile.TemporaryDirectory(prefix="cedar-query-") as place, ExitStack() as stack:
        folder = Path(place)
        cedar = stack.enter_context(dicom_peers.cedar(folder / "cedar"))
        say("inserting Cedar's rows")
        fill_cedar(folder / "cedar", studies, steps)
        more: dict[str, object] = {}
        if PLUGIN.exists():
            write_worklist(folder / "worklist", steps)
            more = {
                "Plugins": [str(PLUGIN)],
                "Worklists": {"Enable": True, "Database": str(folder / "worklist")},
                "DicomAlwaysAllowFindWorklist": True,
            }
        # Only loading is faster without flushing to the disk; questions are answered alike.
        more |= {"DicomAlwaysAllowFind": True, "SyncStorageArea": False}
        orthanc = stack.enter_context(dicom_peers.orthanc(folder / "orthanc", **more))
        say("sending Orthanc its studies")
        send_studies(*orthanc, orthanc_studies)
        kinds = {
            "study": (
                Studies,
                study_identifier,
                STUDY_QUESTIONS,
                {"Cedar": (cedar, studies), "Orthanc": (orthanc, orthanc_studies)},
            ),
            "worklist": (
                Worklist,
                worklist_identifier,
                WORKLIST_QUESTIONS,
                {"Cedar": (cedar, steps)} | ({"Orthanc": (orthanc, steps)} if PLUGIN.exists() else {}),
            ),
        }
        for kind, (model, identifier, questions, servers) in kinds.items():
            measured = measure(model, identifier, questions, servers, rounds)
            every = {
                name: [seconds for words in measured for seconds in measured[words][name][0]]
                for name in servers
            }
            for name in servers:
                figures[f"{kind}_{name.lower()}_p95_ms"] = p95(every[name])
            if "Orthanc" in servers:
                ratios[f"{kind}_p95"] = p95(every["Orthanc"]) / p95(every["Cedar"])
            for words, results in measured.items():
                cells = [
                    f"{p95(results[name][0]):.1f} ms ({results[name][1]:.0f})" if name in results else "–"
                    for name in ("Cedar", "Orthanc")
                ]
                rows.append([kind, words, *cells])
            rows.append(
                [
                    kind,
                    "all",
                    *(f"{p95(every[n]):.1f} ms" if n in every else "–" for n in ("Cedar", "Orthanc")),
                ]
            )
    table(["C-FIND", "asked by", "Cedar p95 (matches)", "Orthanc p95 (matches)"], rows)
    last_line(figures, ratios)


if __name__ == "__main__":
    main()
