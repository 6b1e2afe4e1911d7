"""The catalogue, the rooms and the doctors, in the settings pages."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clinic.models import User
from clinic.permissions import Permission

from .models import (
    Consultant,
    Indication,
    Modality,
    Preparation,
    Procedure,
    Referrer,
    SafetyQuestion,
    SignedModality,
    Station,
)

ISO_WEEKDAYS = [(number + 1, name) for number, name in WEEKDAYS.items()]


class PreparationInline(admin.TabularInline):
    model = Preparation
    extra = 0


class ProcedureForm(forms.ModelForm):
    class Meta:
        model = Procedure
        fields = (
            "code", "name", "modality", "body_part", "minutes", "price", "is_active", "preparation",
            "safety_questions", "protocol_notes", "signature", "report_template_code",
        )  # fmt: skip
        widgets = {"safety_questions": forms.CheckboxSelectMultiple}


@admin.register(Procedure)
class ProcedureAdmin(admin.ModelAdmin):
    form = ProcedureForm
    inlines = (PreparationInline,)
    list_display = ("name", "code", "modality", "minutes", "price", "is_active")
    list_editable = ("minutes", "price", "is_active")
    list_filter = ("modality", "is_active")
    list_per_page = 200
    search_fields = ("name", "code", "body_part")
    fieldsets = (
        (
            None,
            {"fields": ("code", "name", "modality", "body_part", "minutes", "price", "is_active")},
        ),
        (_lazy("For the patient"), {"fields": ("preparation",)}),
        (_lazy("For the technician"), {"fields": ("safety_questions", "protocol_notes")}),
        (_lazy("For the reader"), {"fields": ("signature", "report_template_code")}),
    )


@admin.register(SafetyQuestion)
class SafetyQuestionAdmin(admin.ModelAdmin):
    """All questions as lines, to be changed in place."""

    list_display = ("position", "text", "is_critical", "asked_of", "asked_for")
    list_display_links = ("text",)
    list_editable = ("position", "is_critical", "asked_of")
    search_fields = ("text",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SafetyQuestion]:
        return super().get_queryset(request).prefetch_related("procedures")

    @admin.display(description=_lazy("asked before"))
    def asked_for(self, question: SafetyQuestion) -> str:
        names = [procedure.name for procedure in question.procedures.all()]
        return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


class OpeningHoursForm(forms.ModelForm):
    """Days as check boxes; times that make sense."""

    weekdays = forms.TypedMultipleChoiceField(
        label=_lazy("Days open"), choices=ISO_WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple
    )

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        opens, closes = data.get("opens_at"), data.get("closes_at")
        if opens and closes and closes <= opens:
            self.add_error(
                "closes_at",
                _("It closes at %(closes)s, which is not after it opens at %(opens)s.")
                % {"closes": closes.strftime("%H:%M"), "opens": opens.strftime("%H:%M")},
            )
        begins, ends = data.get("break_from"), data.get("break_until")
        if bool(begins) != bool(ends):
            self.add_error("break_until", _("A break has a beginning and an end; leave both empty for none."))
        elif begins and ends and ends <= begins:
            self.add_error(
                "break_until",
                _("The break ends at %(until)s, which is not after its beginning at %(from)s.")
                % {"until": ends.strftime("%H:%M"), "from": begins.strftime("%H:%M")},
            )
        return data


class StationForm(OpeningHoursForm):
    modalities = forms.MultipleChoiceField(
        label=_lazy("Modalities"),
        choices=Modality.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_lazy("What is examined here. None ticked means everything."),
    )

    class Meta:
        model = Station
        fields = (
            "name", "room", "ae_title", "modalities", "weekdays", "opens_at", "closes_at", "break_from",
            "break_until", "is_active",
        )  # fmt: skip


@admin.register(Station)
class StationAdmin(admin.ModelAdmin):
    form = StationForm
    list_display = ("name", "room", "ae_title", "shown_modalities", "opens_at", "closes_at", "is_active")
    list_filter = ("is_active",)

    @admin.display(description=_lazy("modalities"))
    def shown_modalities(self, station: Station) -> str:
        return ", ".join(station.modalities) or _("all")


class ConsultantForm(OpeningHoursForm):
    class Meta:
        model = Consultant
        fields = (
            "doctor", "room", "minutes", "weekdays", "opens_at", "closes_at", "break_from", "break_until",
            "is_active",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        doctors = [user.pk for user in User.objects.people() if user.can(Permission.ORDER_SIGN)]
        self.fields["doctor"].queryset = User.objects.filter(pk__in=doctors)  # type: ignore[attr-defined]


@admin.register(Consultant)
class ConsultantAdmin(admin.ModelAdmin):
    form = ConsultantForm
    list_display = ("doctor", "room", "minutes", "opens_at", "closes_at", "is_active")


@admin.register(SignedModality)
class SignedModalityAdmin(admin.ModelAdmin):
    list_display = ("modality",)


@admin.register(Referrer)
class ReferrerAdmin(admin.ModelAdmin):
    list_display = ("name", "clinic", "phone", "email", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "clinic", "licence")


class IndicationForm(forms.ModelForm):
    modalities = forms.MultipleChoiceField(
        label=_lazy("Usual modalities"),
        choices=Modality.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_lazy("Who orders another one is warned. None ticked: no warning."),
    )

    class Meta:
        model = Indication
        fields = ("text", "modalities")


@admin.register(Indication)
class IndicationAdmin(admin.ModelAdmin):
    form = IndicationForm
    list_display = ("text", "shown_modalities")
    search_fields = ("text",)

    @admin.display(description=_lazy("usual modalities"))
    def shown_modalities(self, indication: Indication) -> str:
        return ", ".join(indication.modalities)
