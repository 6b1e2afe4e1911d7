"""Signing in and out, one's own account, and the first administrator of a new clinic."""

import zoneinfo
from typing import Any

from auditlog.context import disable_auditlog
from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, login, logout, password_validation, update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UsernameField
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit.services import record

from . import first_admin
from .errors import Conflict, NotFound
from .http import StaffRequest, done, part_url, public, signed_in, wants_json
from .models import ClinicProfile, User
from .permissions import Role
from .sessions import seconds_left

PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"  # noqa: S105 (a path)


# --- signing in and out ------------------------------------------------------------------------------


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
@public
def login_page(request: HttpRequest) -> HttpResponse:
    """User name and password; as JSON for a page whose session ended, so that it keeps what was typed."""
    target = _safe_target(request)
    if request.method == "GET" and request.user.is_authenticated:
        return redirect(target)
    form = AuthenticationForm(request, request.POST or None)
    form.error_messages["invalid_login"] = _("User name and password do not fit together.")
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        if wants_json(request):
            return JsonResponse({"user": form.get_user().pk, "csrf": get_token(request)})
        return redirect(target)
    if wants_json(request):
        return JsonResponse({"error": " ".join(str(error) for error in form.non_field_errors())}, status=400)
    context = {"form": form, "target": request.POST.get("next") or request.GET.get("next", "")}
    context |= {"demo_users": _demo_users()} if settings.CEDAR_DEMO else {}
    return render(request, "clinic/login.html", context, status=422 if form.errors else 200)


def locked(request: HttpRequest, response: HttpResponse, credentials: dict[str, Any] | None) -> HttpResponse:
    """The answer of django-axes after too many attempts."""
    minutes = round(settings.AXES_COOLOFF_TIME * 60)
    if wants_json(request):
        text = _("Too many attempts. Try again in %(minutes)d minutes.") % {"minutes": minutes}
        return JsonResponse({"error": text}, status=429)
    context = {
        "minutes": minutes,
        "username": request.POST.get("username", ""),
        "attempts": settings.AXES_FAILURE_LIMIT,
    }
    return render(request, "clinic/locked.html", context, status=429)


@require_POST
@signed_in
def logout_page(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("login")


@never_cache
@require_GET
@public
def session_state(request: HttpRequest) -> HttpResponse:
    """How long the session lasts. Asked by a page, not in the background, it is extended by that."""
    user = request.user
    return JsonResponse(
        {"user": user.pk if user.is_authenticated else None, "seconds_left": seconds_left(request)}
    )


def _safe_target(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next", "")
    allowed = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if allowed else resolve_url(settings.LOGIN_REDIRECT_URL)


def _demo_users() -> list[dict[str, str]]:
    """The invented colleagues who can sign in with one click; only ever called in demo mode."""
    from .demo.people import PASSWORD, USERS

    known = {user.username: user for user in USERS}
    there = User.objects.filter(username__in=known, is_active=True).order_by("pk")
    return [
        {
            "username": user.username,
            "password": PASSWORD,
            "name": user.full_name,
            "role": ", ".join(str(Role(role).label) for role in user.roles),
        }
        for user in there
    ]


# --- one's own account -------------------------------------------------------------------------------


@require_GET
@signed_in
def own_account(request: StaffRequest) -> HttpResponse:
    roles = [Role(role).label for role in request.user.roles]
    context = {"roles": roles, "phrases_url": part_url(request.user, "reporting:phrase_list")}
    return render(request, "clinic/own_account.html", context)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
@signed_in
def password_change(request: StaffRequest) -> HttpResponse:
    """The present password, and twice the new one. Other sessions of this person end."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic(), disable_auditlog():
            user = form.save()
            record(by=user, action="password.changed", subject=user)
        update_session_auth_hash(request, user)
        done(request, _("Your password is changed. You are signed out everywhere else."))
        return redirect("own_account")
    return render(request, "clinic/password_change.html", {"form": form}, status=422 if form.errors else 200)


# --- the first administrator -------------------------------------------------------------------------


def country_choices() -> list[tuple[str, str]]:
    """Countries by name, in the page's language where it is known."""
    # Imported here: it brings 100 MB with it, and only the form that names countries needs it.
    from phonenumbers import SUPPORTED_REGIONS
    from phonenumbers.geodata.locale import LOCALE_DATA

    language = (get_language() or "en").split("-")[0]
    named = []
    for code in SUPPORTED_REGIONS:
        names = LOCALE_DATA.get(code, {})
        name = names.get(language) or names.get("en") or code
        # “*aa” means: as in the language aa.
        named.append((code, names.get(name[1:], code) if name.startswith("*") else name))
    return sorted(named, key=lambda choice: choice[1])


def time_zone_choices() -> list[tuple[str, str]]:
    """Time zones by place, as in ``Africa/Nairobi``."""
    places = [zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/")]
    return [("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in sorted(places))]


class FirstAdministratorForm(forms.Form):
    """Who runs the new clinic, and where it is."""

    full_name = forms.CharField(
        label=_lazy("Your full name"), max_length=200, widget=forms.TextInput(attrs={"autofocus": True})
    )
    username = UsernameField(
        label=_lazy("User name"), max_length=150, validators=User._meta.get_field("username").validators
    )
    password = forms.CharField(
        label=_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_lazy("At least 10 characters."),
    )
    password_again = forms.CharField(
        label=_lazy("Password again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    clinic_name = forms.CharField(label=_lazy("Name of the clinic"), max_length=200)
    country = forms.ChoiceField(label=_lazy("Country"), choices=country_choices)
    time_zone = forms.ChoiceField(label=_lazy("Time zone"), choices=time_zone_choices)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "password" in data and data["password"] != data.get("password_again"):
            self.add_error("password_again", _("The two passwords are not the same."))
        elif "password" in data:
            user = User(username=data.get("username", ""), full_name=data.get("full_name", ""))
            try:
                password_validation.validate_password(data["password"], user)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return data


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
@public
def first_administrator(request: HttpRequest, token: str) -> HttpResponse:
    """Opened through the one-time address that the first start prints."""
    if not first_admin.check_token(token):
        raise NotFound(
            _("This address was used already or is too old. Start Cedar again: it prints a new one.")
        )
    form = FirstAdministratorForm(request.POST or None, initial={"time_zone": "UTC", "country": "GB"})
    if request.method == "POST" and form.is_valid():
        try:
            create_first_administrator(token, **form.cleaned_data)
        except Conflict as error:
            form.add_error(None, error.message)
        else:
            data = form.cleaned_data
            user = authenticate(request, username=data["username"], password=data["password"])
            if user is not None:
                login(request, user)
            done(request, _("Welcome. Next, add your colleagues and stations in the settings."))
            return redirect("home")
    return render(
        request,
        "clinic/first_administrator.html",
        {"form": form, "token": token},
        status=422 if form.errors else 200,
    )


@transaction.atomic
def create_first_administrator(
    token: str,
    *,
    full_name: str,
    username: str,
    password: str,
    clinic_name: str,
    country: str,
    time_zone: str,
    **ignored: object,
) -> User:
    """Make the clinic and its first administrator: exactly once, whoever else has the same address."""
    if User.objects.filter(username=username).exists():
        raise Conflict(_("The user name %(name)s is taken. Choose another one.") % {"name": username})
    user = User.objects.create_user(username, password, full_name=full_name, roles=[Role.ADMINISTRATOR.value])
    clinic = ClinicProfile.get()
    clinic.name, clinic.country, clinic.time_zone = clinic_name, country, time_zone
    clinic.save(update_fields=["name", "country", "time_zone"])
    record(by=user, action="administrator.created", subject=user)
    # Last, because a used-up address does not come back when the transaction is undone.
    if not first_admin.consume_token(token):
        raise Conflict(_("Somebody else has just used this address."))
    return user
