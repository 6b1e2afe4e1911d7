"""The child process: reads one request after the other from its standard input, under limits it cannot lift.

A request is a line of JSON. An answer is 4 bytes with the length of a JSON text, 4 with the length of what
follows it, then both. It runs until its input ends. A request that ran out of memory ends it, because nobody
knows what it left behind.
"""

import errno
import hashlib
import json
import os
import resource
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

MEMORY_LIMIT = 1024 * 1024 * 1024
FILE_LIMIT = 1024 * 1024 * 1024
CPU_SECONDS = 25
METADATA_LIMIT = 24 * 1024 * 1024
BLOCK = 1024 * 1024


def main() -> None:
    # Libraries print to standard output: the answers get a descriptor of their own.
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(600)
    from . import attributes, framemap, header, jsonmodel, picture, rewrite  # noqa: F401  loaded before "ready"

    _answer(answers, {"ready": True})
    for line in sys.stdin.buffer:
        _allow_cpu()
        if not _serve(json.loads(line), answers):
            break


def _serve(request: dict[str, Any], answers: BinaryIO) -> bool:
    """Answer one request; False when this process should not go on."""
    from .problems import NoPicture, Unreadable

    try:
        result, attachment = _OPERATIONS[request["operation"]](request)
    except (Unreadable, NoPicture) as problem:
        _answer(answers, {"problem": problem.code, "detail": problem.detail})
    except MemoryError:
        _answer(answers, {"problem": "memory", "detail": ""})
        return False
    except OSError as error:
        code = "frames_too_large" if error.errno == errno.EFBIG else "system"
        _answer(answers, {"problem": code, "detail": str(error)[:200]})
    except Exception as error:
        text = f"{type(error).__name__}: {error}"[:200]
        _answer(answers, {"problem": "failed", "detail": text})
    else:
        _answer(answers, result, attachment)
    return True


def examine(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Everything that is stored about one object; the attachment is its metadata as JSON text."""
    from .attributes import read_attributes
    from .framemap import map_frames
    from .header import read_header
    from .jsonmodel import to_json_model, without_private
    from .problems import Unreadable

    path = Path(request["path"])
    sha256, data_sha256 = _hashes(path, request["data_offset"])
    header = read_header(path, request["data_offset"], request["transfer_syntax"])
    found = read_attributes(header, request["sop_class_uid"], request["sop_instance_uid"])
    frames = map_frames(header, Path(request["side_file"]))
    model = to_json_model(header.dataset, is_big_endian=header.is_big_endian)
    model["00083002"] = {"vr": "UI", "Value": [frames.transfer_syntax]}
    metadata = json.dumps(model, ensure_ascii=False, separators=(",", ":")).encode()
    if len(metadata) > METADATA_LIMIT:
        metadata = json.dumps(without_private(model), ensure_ascii=False, separators=(",", ":")).encode()
    if len(metadata) > METADATA_LIMIT:
        raise Unreadable("header_too_large", str(len(metadata)))
    found |= {
        "sha256": sha256,
        "data_sha256": data_sha256,
        "transfer_syntax_uid": str(header.transfer_syntax),
        "frame_transfer_syntax_uid": frames.transfer_syntax,
        "frame_offsets": frames.frames,
        "in_side_file": frames.in_side_file,
        "picture_problem": frames.problem,
        "pixel_keyword": header.pixels.keyword if header.pixels else "",
    }
    return found, metadata


def draw(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """A JPEG of one frame, as the attachment."""
    from .header import read_header
    from .picture import draw_frame

    header = read_header(Path(request["path"]), request["data_offset"], request["transfer_syntax"])
    window = request.get("window")
    picture = draw_frame(
        header.dataset,
        _read_ranges(Path(request["frames_path"]), request["ranges"]),
        syntax=request["frame_transfer_syntax"],
        keyword=header.pixels.keyword if header.pixels else "PixelData",
        number=request["frame"],
        edge=request["edge"],
        quality=request["quality"],
        window=(float(window[0]), float(window[1])) if window else None,
    )
    return {}, picture


def rewrite(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Write an object as it is sent; see there."""
    from . import rewrite as module

    return module.rewrite(request)


_OPERATIONS = {"examine": examine, "draw": draw, "rewrite": rewrite}


def _hashes(path: Path, data_offset: int) -> tuple[str, str]:
    """SHA-256 of the whole file, and of the data set behind the file meta."""
    whole, data = hashlib.sha256(), hashlib.sha256()
    with path.open("rb") as file:
        whole.update(file.read(data_offset))
        while block := file.read(BLOCK):
            whole.update(block)
            data.update(block)
    return whole.hexdigest(), data.hexdigest()


def _read_ranges(path: Path, ranges: list[int]) -> bytes:
    with path.open("rb") as file:
        parts = [os.pread(file.fileno(), ranges[at + 1], ranges[at]) for at in range(0, len(ranges), 2)]
    return b"".join(parts)


def _allow_cpu() -> None:
    """So much more processor time for this request: the end of a child whose parent was killed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))


def _answer(answers: BinaryIO, result: dict[str, Any], attachment: bytes = b"") -> None:
    text = json.dumps(result).encode()
    answers.write(struct.pack("<II", len(text), len(attachment)) + text)
    answers.write(attachment)
    answers.flush()


if __name__ == "__main__":
    main()
