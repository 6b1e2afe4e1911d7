"""The devices of the clinic: who may call, who wants to, and what happened."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.errors import InvalidInput
from clinic.http import done, require
from clinic.permissions import Permission

from . import services
from .echo import echo
from .forms import NewNodeForm, NodeForm, SettingsForm
from .models import RemoteAE
from .overview import overview


@require_safe
@require(Permission.CONFIGURE)
def node_list(request: HttpRequest) -> HttpResponse:
    template = "dicomserver/node_list.html"
    if request.headers.get("HX-Target") == "nodes":
        template += "#nodes"
    return render(request, template, overview())


@require_POST
@require(Permission.CONFIGURE)
def node_accept(request: HttpRequest, pk: int) -> HttpResponse:
    node = services.accept_node(get_object_or_404(RemoteAE, pk=pk), by=request.user)  # type: ignore[arg-type]
    done(request, _("%(node)s is accepted from its next call on.") % {"node": node})
    if request.POST.get("then") == "connect":
        return redirect("dicomserver:node_connect", pk=node.pk)
    return redirect("dicomserver:node_list")


@require_POST
@require(Permission.CONFIGURE)
def node_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    node = services.refuse_node(get_object_or_404(RemoteAE, pk=pk), by=request.user)  # type: ignore[arg-type]
    done(request, _("%(node)s is refused from its next call on.") % {"node": node})
    return redirect("dicomserver:node_list")


@require_POST
@require(Permission.CONFIGURE)
def node_echo(request: HttpRequest, pk: int) -> HttpResponse:
    node = get_object_or_404(RemoteAE, pk=pk)
    if node.port is None:
        raise InvalidInput(_("Enter the port of %(node)s first.") % {"node": node})
    result = echo(node)
    messages.add_message(request, messages.SUCCESS if result.is_success else messages.ERROR, result.text)
    return redirect("dicomserver:node_list")


@require_POST
@require(Permission.CONFIGURE)
def settings_change(request: HttpRequest) -> HttpResponse:
    form = SettingsForm(request.POST)
    if form.is_valid():
        services.change_settings(by=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        done(request, _("The settings are saved."))
    return redirect("dicomserver:node_list")


@require_http_methods(["GET", "POST"])
@require(Permission.CONFIGURE)
def node_add(request: HttpRequest) -> HttpResponse:
    form = NewNodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        fields = dict(form.cleaned_data)
        try:
            node = services.add_node(fields.pop("ae_title"), by=request.user, **fields)  # type: ignore[arg-type]
        except InvalidInput as error:
            form.add_error(error.field, error.message)
        else:
            done(request, _("%(node)s is accepted.") % {"node": node})
            return redirect("dicomserver:node_connect", pk=node.pk)
    return render(request, "dicomserver/node_form.html", {"form": form})


@require_http_methods(["GET", "POST"])
@require(Permission.CONFIGURE)
def node_edit(request: HttpRequest, pk: int) -> HttpResponse:
    node = get_object_or_404(RemoteAE, pk=pk)
    form = NodeForm(request.POST or None, instance=node)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_node(node, by=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        except (InvalidInput, ValidationError) as error:
            form.add_error(getattr(error, "field", None), str(getattr(error, "message", error)))
        else:
            done(request, _("%(node)s is saved.") % {"node": node})
            return redirect("dicomserver:node_list")
    return render(request, "dicomserver/node_form.html", {"form": form, "node": node})
