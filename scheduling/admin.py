"""The catalogue and the rooms, in the settings pages."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from .models import Indication, Modality, Procedure, Referrer, Station, StationClosure

ISO_WEEKDAYS = [(number + 1, name) for number, name in WEEKDAYS.items()]


class LinesField(forms.CharField):
    """A list of texts, one in each line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = [" ".join(line.split()) for line in (super().to_python(value) or "").splitlines()]
        return [line for line in lines if line]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(self.prepare_value(initial)) != self.to_python(data)


class ProcedureForm(forms.ModelForm):
    safety_questions = LinesField(
        label=_lazy("Safety questions"),
        required=False,
        help_text=_lazy("One in each line; the technician asks them before the examination begins."),
    )

    class Meta:
        model = Procedure
        fields = (
            "code", "name", "modality", "body_part", "minutes", "price", "is_active", "preparation",
            "safety_questions", "protocol_notes", "report_template_code",
        )  # fmt: skip


@admin.register(Procedure)
class ProcedureAdmin(admin.ModelAdmin):
    form = ProcedureForm
    list_display = ("name", "code", "modality", "minutes", "price", "is_active")
    list_filter = ("modality", "is_active")
    search_fields = ("name", "code", "body_part")
    fieldsets = (
        (
            None,
            {"fields": ("code", "name", "modality", "body_part", "minutes", "price", "is_active")},
        ),
        (_lazy("For the patient"), {"fields": ("preparation",)}),
        (_lazy("For the technician"), {"fields": ("safety_questions", "protocol_notes")}),
        (_lazy("For the reader"), {"fields": ("report_template_code",)}),
    )


class StationForm(forms.ModelForm):
    modalities = forms.MultipleChoiceField(
        label=_lazy("Modalities"),
        choices=Modality.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_lazy("What is examined here. None ticked means everything."),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_lazy("Days open"), choices=ISO_WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Station
        fields = (
            "name", "room", "ae_title", "modalities", "weekdays", "opens_at", "closes_at", "is_active",
        )  # fmt: skip

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        opens, closes = data.get("opens_at"), data.get("closes_at")
        if opens and closes and closes <= opens:
            self.add_error(
                "closes_at",
                _("It closes at %(closes)s, which is not after it opens at %(opens)s.")
                % {"closes": closes.strftime("%H:%M"), "opens": opens.strftime("%H:%M")},
            )
        return data


class ClosureInline(admin.TabularInline):
    model = StationClosure
    extra = 1
    verbose_name = _lazy("closed time")
    verbose_name_plural = _lazy("closed times: holidays, maintenance")


@admin.register(Station)
class StationAdmin(admin.ModelAdmin):
    form = StationForm
    inlines = (ClosureInline,)
    list_display = ("name", "room", "ae_title", "shown_modalities", "opens_at", "closes_at", "is_active")
    list_filter = ("is_active",)

    @admin.display(description=_lazy("modalities"))
    def shown_modalities(self, station: Station) -> str:
        return ", ".join(station.modalities) or _("all")


@admin.register(Referrer)
class ReferrerAdmin(admin.ModelAdmin):
    list_display = ("name", "clinic", "phone", "email", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "clinic", "licence")


@admin.register(Indication)
class IndicationAdmin(admin.ModelAdmin):
    search_fields = ("text",)
