"""Report templates in the settings. Each change is a new version; a version in use is never overwritten."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from clinic.errors import InvalidInput
from clinic.models import User

from .fields import parse_fields
from .forms import prose_field
from .models import ReportTemplate, Subspecialty
from .report_templates import SECTION_KEYS, create_template, offer_template, revise_template

SECTION_TITLES = {
    "clinical_information": _("Clinical information"),
    "technique": _("Technique"),
    "comparison": _("Comparison"),
    "findings": _("Findings"),
    "impression": _("Impression"),
    "recommendation": _("Recommendation"),
}
PARTS = [
    ("title", _("Heading; empty leaves the section out")),
    ("initial", _("Stands in every new report")),
    ("normal", _("Normal text")),
    (
        "fields",
        _("Fields, one a line: name | label | number, text, choice, date or calculated | unit | usual range"),
    ),
]


class ReportTemplateForm(forms.ModelForm):
    """A template with its sections as fields: ``findings_title``, ``findings_initial`` and so on."""

    class Meta:
        model = ReportTemplate
        fields = ["code", "name", "modality", "body_part", "source", "is_active"]
        widgets = {
            "name": AdminTextInputWidget,
            "body_part": AdminTextInputWidget,
            "source": AdminTextareaWidget({"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        there = {section["key"]: section for section in self.instance.sections or []}
        for key in SECTION_KEYS:
            section = there.get(key, {})
            for part, label in PARTS:
                self.fields[f"{key}_{part}"] = _part_field(part, label)
                self.initial[f"{key}_{part}"] = section.get(part, "")
        self.fields["code"].disabled = self.instance.pk is not None

    def clean_code(self) -> str:
        code = self.cleaned_data["code"]
        if self.instance.pk is None and ReportTemplate.objects.filter(code=code).exists():
            raise forms.ValidationError(_("There is a template with this code already."))
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        sections = [
            {"key": key, **{part: cleaned.get(f"{key}_{part}", "") for part, _label in PARTS}}
            for key in SECTION_KEYS
            if cleaned.get(f"{key}_title", "").strip()
        ]
        for section in sections:
            try:
                parse_fields(section["fields"])
            except InvalidInput as refused:
                self.add_error(f"{section['key']}_fields", refused.message)
        if not {"findings", "impression"} & {section["key"] for section in sections}:
            raise forms.ValidationError(_("A report needs a section for findings or for the impression."))
        cleaned["sections"] = sections
        return cleaned


def _part_field(part: str, label: Any) -> forms.Field:
    if part == "title":
        return forms.CharField(label=label, required=False, max_length=100, widget=AdminTextInputWidget)
    if part == "fields":
        return forms.CharField(label=label, required=False, widget=AdminTextareaWidget({"rows": 4}))
    return prose_field(label)


@admin.register(ReportTemplate)
class ReportTemplateAdmin(admin.ModelAdmin):
    form = ReportTemplateForm
    list_display = ["name", "code", "version", "modality", "body_part", "is_active"]
    list_filter = ["is_active", "modality"]
    search_fields = ["name", "code"]
    save_on_top = True
    actions = ["offer"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        about = (None, {"fields": ["code", "name", "modality", "body_part", "source", "is_active"]})
        sections = [
            (SECTION_TITLES[key], {"fields": [f"{key}_{part}" for part, _label in PARTS]})
            for key in SECTION_KEYS
        ]
        return [about, *sections]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        # The sections are fields of the form, not of the model: Django must not look for them there.
        return self.form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Old versions are there to be read: reports were made with them."""
        return super().has_change_permission(request, obj) and (obj is None or obj.is_current)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # The editor's import map is inline and needs the page's nonce.
        context["media"] = context["media"].with_nonce(request.csp_nonce)  # type: ignore[attr-defined]
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: ReportTemplate, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in ReportTemplateForm.Meta.fields}
        code, sections = values.pop("code"), form.cleaned_data["sections"]
        by = cast(User, request.user)
        if change:
            saved = revise_template(obj, by=by, sections=sections, **values)
        else:
            saved = create_template(code=code, by=by, sections=sections, **values)
        # Django goes on with the row it holds; from here on that is the new version.
        obj.pk, obj.version, obj.sections = saved.pk, saved.version, saved.sections

    @admin.action(description=_("Offer this version instead of the one offered now"))
    def offer(self, request: HttpRequest, templates: QuerySet[ReportTemplate]) -> None:
        for template in templates:
            offer_template(template, by=cast(User, request.user))


@admin.register(Subspecialty)
class SubspecialtyAdmin(admin.ModelAdmin):
    """Readers choose it themselves from the reading list; here for who does not come to it."""

    list_display = ["reader", "modalities", "body_parts"]

    def has_delete_permission(self, request: HttpRequest, obj: Subspecialty | None = None) -> bool:
        return False
