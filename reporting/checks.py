"""What a reader is asked to look at again before signing: an empty impression, left against right, a sex
that does not fit. Warnings only: the reader may know better and signs anyway.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from patients.models import Sex
from scheduling.sides import LEFT, sides

from .models import Report
from .richtext import plain_text

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
