"""From a sheet to a PDF file, in a child process that can be stopped.

Two engines, each for what it sets right (looked at, and read back with ``pdftotext``):

* **xhtml2pdf** for Latin, Vietnamese, Cyrillic and Greek: the normal report.
* **typst** for everything else. xhtml2pdf leaves Devanagari and Thai unshaped, runs Chinese and Japanese
  lines off the page, because it breaks lines at spaces only, and sets Arabic and Hebrew lists from the left.

Should xhtml2pdf report a character that none of its fonts has, typst gets the sheet as well.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from PIL import Image

from .scripts import east_asian_order
from .sheet import Sheet, engine_for, text_of

FONTS = Path(settings.BASE_DIR) / "reporting" / "fonts"
SECONDS = 60
MAX_PDF_BYTES = 200 * 1024 * 1024
MAX_TEXT = 600_000
IMAGE_MM = (80, 66)
MISSING_GLYPH = "No font this document has can draw"


class RenderProblem(Exception):
    """No PDF could be made; the text says why, for the person who looks after the clinic's computer."""


def render_pdf(sheet: Sheet) -> bytes:
    """The PDF of ``sheet``. Raises ``RenderProblem``."""
    size = len(text_of(sheet))
    if size > MAX_TEXT:
        raise RenderProblem(f"the report has {size} characters; at most {MAX_TEXT} are rendered")
    if not (FONTS / "NotoSans-Regular.ttf").exists():
        raise RenderProblem(f"the fonts are missing in {FONTS}; manage.py up installs them")
    engine = engine_for(sheet)
    with tempfile.TemporaryDirectory(dir=_workshop(), prefix="render-") as folder:
        answer = _run(engine, sheet, Path(folder))
        if engine == "xhtml2pdf" and any(MISSING_GLYPH in warning for warning in answer["warnings"]):
            _run("typst", sheet, Path(folder))
        return (Path(folder) / "report.pdf").read_bytes()


def _workshop() -> Path:
    """Where rendering happens: patient data stays within the data folder and its modes."""
    folder = Path(settings.DOCUMENTS_DIR) / "work"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _run(engine: str, sheet: Sheet, folder: Path) -> dict[str, Any]:
    """Let a child of our own make ``folder/report.pdf``; what it answered."""
    local = _with_local_files(sheet, folder)
    if engine == "xhtml2pdf":
        html = render_to_string("reporting/pdf.html", {"sheet": _laid_out(local, folder), "fonts": FONTS})
        (folder / "report.html").write_text(html, encoding="utf-8")
    else:
        shutil.copyfile(Path(__file__).with_name("report.typ"), folder / "report.typ")
        local["east_asian_fonts"] = east_asian_order(text_of(sheet))
        (folder / "sheet.json").write_text(json.dumps(local), encoding="utf-8")
    command = [sys.executable, "-m", "reporting.pdf.child", engine, str(folder), str(FONTS)]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=settings.BASE_DIR,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder)},
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RenderProblem(f"{engine} was stopped after {SECONDS} seconds") from None
    if done.returncode != 0:
        last_words = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise RenderProblem(f"{engine} failed ({done.returncode}): {' '.join(last_words)[:200]}")
    return json.loads(done.stdout)


def _with_local_files(sheet: Sheet, folder: Path) -> Sheet:
    """The sheet with its pictures lying in ``folder``, the only place that the child reads pictures from."""
    local = dict(sheet)
    local["images"] = [
        {**image, "file": _bring(image["file"], folder, f"image-{place}")}
        for place, image in enumerate(sheet["images"])
    ]
    local["logo"] = _bring(sheet["logo"], folder, "logo") if sheet["logo"] else None
    return local


def _laid_out(sheet: Sheet, folder: Path) -> Sheet:
    """The sheet with what an HTML template cannot work out: rows, picture sizes, page numbers."""
    half = len(sheet["facts"]) // 2
    before, _page, rest = sheet["page"].partition("{page}")
    between, _pages, after = rest.partition("{pages}")
    images = [
        {**image, "number": place, **_size_on_paper(folder / image["file"])}
        for place, image in enumerate(sheet["images"], start=1)
    ]
    return sheet | {
        "fact_rows": [[sheet["facts"][row], sheet["facts"][half + row]] for row in range(half)],
        "image_rows": [images[start : start + 2] for start in range(0, len(images), 2)],
        "page_before": before,
        "page_between": between,
        "page_after": after,
    }


def _size_on_paper(picture: Path) -> dict[str, float]:
    """Width and height in mm: as large as half a page's width allows, in true proportions."""
    try:
        with Image.open(picture) as image:
            width, height = image.size
    except (OSError, Image.DecompressionBombError) as error:
        raise RenderProblem(f"a picture of the report cannot be read: {error}") from None
    scale = min(IMAGE_MM[0] / width, IMAGE_MM[1] / height)
    return {"width": round(width * scale, 1), "height": round(height * scale, 1)}


def _bring(name: str, folder: Path, local_name: str) -> str:
    source = Path(settings.DOCUMENTS_DIR) / name
    target = folder / f"{local_name}{source.suffix}"
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise RenderProblem(f"the picture {name} cannot be read: {error.strerror}") from None
    return target.name
