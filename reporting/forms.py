"""The report as a form: one prose editor for each section of its template."""

from collections.abc import Iterator
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_prose_editor.fields import ProseEditorFormField

from .fields import fields_of, name_of
from .models import Report, ReportTemplate
from .richtext import EXTENSIONS, MAX_CHARACTERS


def prose_field(label: str | Promise, **attributes: object) -> ProseEditorFormField:
    return ProseEditorFormField(
        label=label,
        config={"extensions": EXTENSIONS},
        sanitize=True,
        max_length=MAX_CHARACTERS,
        **{"required": False, **attributes},
    )


class ReportForm(forms.Form):
    """The sections of ``report`` in the order of its template."""

    def __init__(self, report: Report) -> None:
        super().__init__(initial=report.content)
        for section in report.template.sections:
            self.fields[section["key"]] = prose_field(section["title"])
        self.report = report

    def sections(self) -> Iterator[dict[str, Any]]:
        """Each section's text as a form field, and its fields with what was entered."""
        content = self.report.content
        for section in self.report.template.sections:
            entries = [
                {"name": name, "field": field, "value": content.get(name, "")}
                for field in fields_of(section)
                for name in [name_of(section, field)]
            ]
            yield {"text": self[section["key"]], "entries": entries}


class TemplateChoiceForm(forms.Form):
    """Which template a report is written from."""

    template = forms.ModelChoiceField(ReportTemplate.objects.none(), label=_("Template"), empty_label=None)

    def __init__(self, data: QueryDict | None = None, *, report: Report) -> None:
        super().__init__(data, initial={"template": report.template_id})
        # The report's own version stays choosable when a newer one is offered meanwhile.
        choices = ReportTemplate.objects.offered() | ReportTemplate.objects.filter(pk=report.template_id)
        cast(forms.ModelChoiceField, self.fields["template"]).queryset = choices.distinct()


class PhraseForm(forms.Form):
    """A text of one's own and its short name."""

    shortcut = forms.CharField(
        label=_("Short name"),
        max_length=21,
        help_text=_("Write a dot and this name in a report, then a space: .nl"),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "off"}),
    )
    html = prose_field(_("Text"), required=True)


class ShareForm(forms.Form):
    """For whom a link is, how long it works, and what it shows."""

    recipient = forms.CharField(label=_("Given to"), max_length=200)
    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=90)
    with_images = forms.BooleanField(label=_("with the images"), required=False)


class ReleaseForm(forms.Form):
    """To whom a result is handed out, and how."""

    recipient = forms.CharField(label=_("Given to"), max_length=200)
