"""The clinic's people and the clinic itself, in the settings pages."""

from typing import Any

from axes.models import AccessAttempt
from axes.utils import reset
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, ReadOnlyPasswordHashField, UsernameField
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from audit.services import record

from .accounts import country_choices, time_zone_choices
from .models import ClinicProfile, User
from .permissions import Role


def roles_field() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_lazy("Roles"),
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_lazy("A person may have several. Without a role there is nothing to see."),
    )


class NewUserForm(BaseUserCreationForm):
    """A new colleague with a first password."""

    roles = roles_field()

    class Meta:
        model = User
        fields = ("username", "full_name", "title", "email", "roles")
        field_classes = {"username": UsernameField}


class UserForm(forms.ModelForm):
    """A colleague; the password has a page of its own."""

    password = ReadOnlyPasswordHashField(label=_lazy("Password"))
    roles = roles_field()

    class Meta:
        model = User
        fields = ("username", "password", "full_name", "title", "email", "roles", "is_active")
        field_classes = {"username": UsernameField}

    def clean(self) -> dict[str, Any] | None:
        """Nobody may lock everybody out of the settings."""
        data = super().clean() or self.cleaned_data
        stays = data.get("is_active") and Role.ADMINISTRATOR.value in data.get("roles", [])
        others = User.objects.filter(roles__contains=[Role.ADMINISTRATOR], is_active=True).exclude(
            pk=self.instance.pk
        )
        if "administrator" in (self.initial.get("roles") or []) and not stays and not others.exists():
            raise forms.ValidationError(
                _("This is the only administrator. Make somebody else administrator first.")
            )
        return data


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    form = UserForm
    add_form = NewUserForm
    list_display = ("username", "full_name", "shown_roles", "is_active", "last_login")
    list_filter = ("is_active",)
    search_fields = ("username", "full_name")
    ordering = ("full_name",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_lazy("Person"), {"fields": ("full_name", "title", "email")}),
        (_lazy("Work"), {"fields": ("roles", "is_active")}),
        (_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("full_name", "username", "title", "email", "roles", "password1", "password2")}),
    )

    @admin.display(description=_lazy("roles"))
    def shown_roles(self, user: User) -> str:
        return ", ".join(str(Role(role).label) for role in user.roles)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return User.objects.people()

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """What somebody did stays with their name; who leaves may no longer sign in."""
        return False


class ClinicForm(forms.ModelForm):
    country = forms.ChoiceField(
        label=_lazy("Country"),
        choices=country_choices,
        help_text=_lazy("Completes phone numbers that are written without a country."),
    )
    time_zone = forms.ChoiceField(label=_lazy("Time zone"), choices=time_zone_choices)

    class Meta:
        model = ClinicProfile
        fields = (
            "name", "address", "phone", "email", "logo", "country", "time_zone", "day_first", "mrn_pattern",
            "accession_pattern", "quiet_seconds",
        )  # fmt: skip


@admin.register(ClinicProfile)
class ClinicProfileAdmin(admin.ModelAdmin):
    """One clinic: the list leads straight to it."""

    form = ClinicForm
    fieldsets = (
        (None, {"fields": ("name", "address", "phone", "email", "logo")}),
        (_lazy("Place"), {"fields": ("country", "time_zone", "day_first")}),
        (_lazy("Numbers"), {"fields": ("mrn_pattern", "accession_pattern")}),
        (_lazy("Images"), {"fields": ("quiet_seconds",)}),
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("admin:clinic_clinicprofile_change", ClinicProfile.get().pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ClinicProfile | None = None) -> bool:
        return False


@admin.register(AccessAttempt)
class AccessAttemptAdmin(admin.ModelAdmin):
    """Who could not sign in, from where and how often; here a locked account is opened again."""

    list_display = ("username", "ip_address", "failures_since_start", "attempt_time")
    search_fields = ("username", "ip_address")
    actions = ("unlock",)

    @admin.action(description=_lazy("Unlock: allow new attempts at once"))
    def unlock(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        for attempt in list(queryset):
            reset(username=attempt.username, ip=attempt.ip_address)
            record(
                by=request.user,  # type: ignore[arg-type]
                action="login_unlocked",
                changes={"username": [None, attempt.username], "address": [None, attempt.ip_address]},
            )
        messages.success(request, _("The sign-in is unlocked."))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AccessAttempt | None = None) -> bool:
        return obj is None

    def has_delete_permission(self, request: HttpRequest, obj: AccessAttempt | None = None) -> bool:
        return False
