"""The process that renders one PDF: ``python -m reporting.pdf.child <engine> <folder> <fonts>``.

It knows nothing of the clinic: no Django, no database, no network, and limits on memory, processor time and
file size that it sets for itself before it touches the input. Answers JSON on standard output.
"""

import json
import logging
import resource
import sys
from pathlib import Path

from reporting.nesting import depth_of

MEMORY = 3 * 1024**3
CPU_SECONDS = 45
FILE_BYTES = 200 * 1024**2
MAX_DEPTH = 150


def limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage()[:500])


def render_with_xhtml2pdf(folder: Path, fonts: Path) -> list[str]:
    """Renders ``report.html``; reads nothing but ``folder`` and ``fonts``. Returns the engine's warnings."""
    from xhtml2pdf import pisa
    from xhtml2pdf.config.resources import ResourceAccessPolicy

    collector = _Collector()
    logging.getLogger("xhtml2pdf").addHandler(collector)
    policy = ResourceAccessPolicy.server(
        folder, allow_remote=False, extra_roots=(fonts,), max_render_seconds=40
    )
    html = (folder / "report.html").read_text(encoding="utf-8")
    depth = depth_of(html)
    if depth > MAX_DEPTH:
        raise SystemExit(f"the document is nested {depth} levels deep; at most {MAX_DEPTH} are rendered")
    with (folder / "report.pdf").open("wb") as target:
        status = pisa.CreatePDF(
            html, dest=target, path=str(folder / "report.html"), resource_policy=policy, encoding="utf-8"
        )
    if status.err:
        raise SystemExit("; ".join(collector.messages) or "xhtml2pdf could not read the document")
    return collector.messages


def render_with_typst(folder: Path, fonts: Path) -> list[str]:
    """Renders ``report.typ`` with ``sheet.json``; typst reads nothing outside its root."""
    import arabic_reshaper
    import typst

    from reporting.pdf.scripts import has_arabic

    # Letters joined beforehand: one character a glyph, so that the text can be searched and copied. Fonts
    # put an Arabic letter together from parts, and what ``pdftotext`` makes of that is not readable.
    joiner = arabic_reshaper.ArabicReshaper({"delete_harakat": False})

    def joined(value: object) -> object:
        if isinstance(value, str):
            return joiner.reshape(value) if has_arabic(value) else value
        if isinstance(value, list):
            return [joined(item) for item in value]
        if isinstance(value, dict):
            return {key: joined(item) for key, item in value.items()}
        return value

    source = folder / "sheet.json"
    source.write_text(json.dumps(joined(json.loads(source.read_text()))))
    typst.compile(
        str(folder / "report.typ"),
        output=str(folder / "report.pdf"),
        root=str(folder),
        font_paths=[str(fonts)],
        ignore_system_fonts=True,
    )
    return []


ENGINES = {"xhtml2pdf": render_with_xhtml2pdf, "typst": render_with_typst}


def main() -> None:
    engine, folder, fonts = sys.argv[1:]
    limit_resources()
    warnings = ENGINES[engine](Path(folder), Path(fonts))
    print(json.dumps({"warnings": warnings}))


if __name__ == "__main__":
    main()
