"""Objects that are here already, byte for byte: a modality that sends its study again.

They are only counted. Nothing is read from their content but its hash, so they need no sandbox.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from django.db.models import F

from .models import Instance
from .spool import BadSpoolFile, Envelope, read_envelope

_BLOCK = 1024 * 1024


def count_repeats(paths: Iterable[Path]) -> list[Path]:
    """Count those of ``paths`` whose bytes are those of the image with their SOP Instance UID; which ones."""
    envelopes = _readable(paths)
    uids = {one.sop_instance_uid for one in envelopes if "\0" not in one.sop_instance_uid}
    known = dict(
        Instance.objects.filter(sop_instance_uid__in=uids).values_list("sop_instance_uid", "data_sha256")
    )
    repeats = [one for one in envelopes if _data_sha256(one, known) == known.get(one.sop_instance_uid, "")]
    by_times: dict[int, list[str]] = defaultdict(list)
    for uid, times in Counter(one.sop_instance_uid for one in repeats).items():
        by_times[times].append(uid)
    for times, same in by_times.items():
        Instance.objects.filter(sop_instance_uid__in=same).update(times_received=F("times_received") + times)
    return [one.path for one in repeats]


def _readable(paths: Iterable[Path]) -> list[Envelope]:
    found = []
    for path in paths:
        try:
            found.append(read_envelope(path))
        except (BadSpoolFile, OSError):
            continue  # whoever examines it says so
    return found


def _data_sha256(envelope: Envelope, known: dict[str, str]) -> str | None:
    """None where there is nothing to compare it with."""
    if envelope.sop_instance_uid not in known:
        return None
    digest = hashlib.sha256()
    try:
        with envelope.path.open("rb") as file:
            file.seek(envelope.data_offset)
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()
