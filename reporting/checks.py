"""What a reader is asked to look at again before signing: an empty impression, left against right, a sex
that does not fit. Warnings only: the reader may know better and signs anyway.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from patients.models import Sex

from .models import Report
from .richtext import plain_text

LEFT, RIGHT = "left", "right"
# Words for the sides in languages that reports are likely to be written in.
_SIDE_WORDS = {
    LEFT: "left lt lt. gauche gauches izquierdo izquierda izquierdos izquierdas izq. esquerdo esquerda "
    "esquerdos esquerdas links linke linker linkes linken linkem sinistro sinistra sinistri sinistre trái "
    "левый левая левое левые левого левой левую левом левых слева اليسرى الأيسر يسار",
    RIGHT: "right rt rt. droit droite droits droites derecho derecha derechos derechas der. direito direita "
    "direitos direitas rechts rechte rechter rechtes rechten rechtem destro destra destri destre phải "
    "правый правая правое правые правого правой правую правом правых справа اليمنى الأيمن يمين",
}
# "L knee", "R. hand"; not "L4" and not a letter at the end of a list.
_SIDE_LETTERS = {LEFT: r"(?-i:L\.?\s+(?=[a-z]))", RIGHT: r"(?-i:R\.?\s+(?=[a-z]))"}
_SIDE_SIGNS = {LEFT: "左", RIGHT: "右"}


def _side_pattern(side: str) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in _SIDE_WORDS[side].split())
    return re.compile(
        rf"(?<!\w)(?:(?:{words})(?!\w)|{_SIDE_LETTERS[side]})|{_SIDE_SIGNS[side]}", re.IGNORECASE
    )


_SIDE = {side: _side_pattern(side) for side in (LEFT, RIGHT)}
# Of an organ that has both, of a person, of time: no side of the examination.
_NO_SIDE = re.compile(
    r"""\b(?:left|right)[\s-]+(?:atri(?:um|al)|ventric(?:le|ular)|heart|bundle|handed|away|now|angles?)\b
    | \b(?:has|have|had|was|were|is)\s+left\b
    | \bleft\s+(?:the|over|behind|without)\b
    | \ball\s+right\b
    | \b(?:left[\s-]+to[\s-]+right|right[\s-]+to[\s-]+left)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_BOTH = re.compile(
    r"""\b(?:bilateral(?:ly)?|both|either\s+side|beide[rns]?|beid(?:er|s)seits|bilatérale?s?|bilaterales
    | ambos|ambas|двусторонн\w+|обе(?:их|ими)?|hai\s+bên)\b | 两侧 | 双侧 | 両側 | 양측""",
    re.IGNORECASE | re.VERBOSE,
)
_ONLY_WOMEN = re.compile(
    r"\b(?:uter(?:us|ine|i)|endometri\w+|myometri\w+|ovar(?:y|ies|ian)|cervix\s+uteri|vagin\w+|gestational|"
    r"pregnan\w+|f(?:o)?etus|f(?:o)?etal|placenta\w*|adnex\w+)\b",
    re.IGNORECASE,
)
_ONLY_MEN = re.compile(
    r"\b(?:prostat(?:e|ic)|test(?:is|es|icular|icles?)|scrot(?:um|al)|seminal\s+vesicles?|penis|penile|"
    r"epididym\w+)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SignWarning:
    """``code`` names the check; ``text`` says what was seen, in words for the reader."""

    code: str
    text: str


def sides(text: str) -> frozenset[str]:
    """Which sides ``text`` speaks of: neither, one, or both."""
    text = _NO_SIDE.sub(" ", text)
    if _BOTH.search(text):
        return frozenset({LEFT, RIGHT})
    return frozenset(side for side, pattern in _SIDE.items() if pattern.search(text))


def laterality_warnings(request: str, findings: str, impression: str) -> list[SignWarning]:
    """Contradictions of left and right between what was asked for and what was written.

    Both sides in one text contradict nothing: the other side is often described for comparison.
    """
    asked, found, concluded = sides(request), sides(findings), sides(impression)
    warnings = []
    if len(asked) == 1:
        for where, said in [(_("findings"), found), (_("impression"), concluded)]:
            if len(said) == 1 and said != asked:
                warnings.append(
                    SignWarning(
                        "laterality",
                        _("The request says “%(asked)s”, the %(where)s only “%(said)s”.")
                        % {"asked": _side_name(asked), "where": where, "said": _side_name(said)},
                    )
                )
    if len(found) == 1 and len(concluded) == 1 and found != concluded:
        warnings.append(
            SignWarning(
                "laterality",
                _("The findings say only “%(found)s”, the impression only “%(concluded)s”.")
                % {"found": _side_name(found), "concluded": _side_name(concluded)},
            )
        )
    return warnings


def _side_name(one_side: frozenset[str]) -> str:
    return _("left") if LEFT in one_side else _("right")


def sex_warnings(sex: str, text: str) -> list[SignWarning]:
    """Organs that a patient of this sex does not have. Negated or historical mentions warn too."""
    pattern = {Sex.MALE: _ONLY_WOMEN, Sex.FEMALE: _ONLY_MEN}.get(Sex(sex)) if sex in Sex.values else None
    found = pattern.search(text) if pattern is not None else None
    if found is None:
        return []
    return [
        SignWarning(
            "sex",
            _("The patient is registered as %(sex)s, the report says “%(word)s”.")
            % {"sex": Sex(sex).label.lower(), "word": found.group()},
        )
    ]


def sign_warnings(report: Report) -> list[SignWarning]:
    """Everything about ``report`` that its reader should confirm before signing."""
    texts = {key: plain_text(html) for key, html in report.content.items() if "." not in key}
    findings, impression = texts.get("findings", ""), texts.get("impression", "")
    warnings = []
    if not impression:
        warnings.append(SignWarning("no_impression", _("The impression is empty.")))
    warnings += laterality_warnings(_request_of(report), findings, impression)
    warnings += sex_warnings(report.order.patient.sex, f"{findings}\n{impression}")
    return warnings


def _request_of(report: Report) -> str:
    order = report.order
    body_part = order.procedure.body_part.replace("_", " ")
    return f"{order.procedure.name}\n{body_part}\n{order.indication}"
