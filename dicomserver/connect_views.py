"""Connect a device: the steps of the way, each with a button that says whether it works."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic.errors import InvalidInput, NotFound
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission
from scheduling.models import Modality

from . import connecting, services
from .certificates import own_certificate
from .echo import EchoResult, echo
from .forms import ReachForm
from .models import Association, RemoteAE
from .overview import own_facts
from .scu import CallFailed
from .words import explain

_CALLS_SHOWN = 12


@require_safe
@require(Permission.CONFIGURE)
def node_connect(request: StaffRequest, pk: int) -> HttpResponse:
    """The whole way, and the parts of it that change while somebody stands at the device."""
    node = get_object_or_404(RemoteAE, pk=pk)
    template = "dicomserver/node_connect.html"
    if request.headers.get("HX-Target") == "live":
        template += "#live"
    return render(request, template, {**_context(node), "form": ReachForm(instance=node)})


@require_POST
@require(Permission.CONFIGURE)
def node_reach(request: StaffRequest, pk: int) -> HttpResponse:
    """Where the device is called."""
    node = get_object_or_404(RemoteAE, pk=pk)
    form = ReachForm(request.POST, instance=node)
    if not form.is_valid():
        context = {**_context(RemoteAE.objects.get(pk=pk)), "form": form}
        return render(request, "dicomserver/node_connect.html", context, status=400)
    services.change_node(node, by=request.user, **form.cleaned_data)
    done(request, _("%(node)s is saved.") % {"node": node})
    return _to_step(pk, "reach")


@require_POST
@require(Permission.CONFIGURE)
def node_try(request: StaffRequest, pk: int, what: str) -> HttpResponse:
    """Press one of the buttons: ``echo``, ``image``, ``worklist`` or ``certificate``."""
    node = get_object_or_404(RemoteAE, pk=pk)
    context: dict[str, Any] = {"node": node, "what": what}
    if what == "worklist":
        modality = request.POST.get("modality", "")
        if modality and modality not in Modality.values:
            raise InvalidInput(_("Choose one of the modalities in the list."), field="modality")
        any_station = request.POST.get("station") == "any"
        context["trial"] = connecting.try_worklist(
            node, by=request.user, modality=modality, any_station=any_station
        )
    elif what not in ("echo", "image", "certificate"):
        raise NotFound(_("There is no such test."))
    elif node.port is None or not node.called_host:
        context["result"] = EchoResult(False, _("Enter its address and port first."))
    elif what == "certificate":
        context |= _look(node)
    else:
        context["result"] = (
            echo(node) if what == "echo" else connecting.send_test_image(node, by=request.user)
        )
    if request.htmx:
        return render(request, "dicomserver/_connect_result.html", context)
    context = {**_context(node), **context, "form": ReachForm(instance=node)}
    return render(request, "dicomserver/node_connect.html", context)


@require_POST
@require(Permission.CONFIGURE)
def node_trust(request: StaffRequest, pk: int) -> HttpResponse:
    """The administrator has compared the certificate: from now on the device is known by it."""
    node = get_object_or_404(RemoteAE, pk=pk)
    pem = request.POST.get("certificate", "")
    if not pem:
        raise InvalidInput(_("No certificate was given."), field="certificate")
    services.change_node(node, by=request.user, trusted_certificate=pem, uses_tls=True)
    done(request, _("%(node)s is called encrypted, and known by this certificate.") % {"node": node})
    return _to_step(pk, "reach")


@require_safe
@require(Permission.CONFIGURE)
def own_certificate_file(request: HttpRequest) -> HttpResponse:
    """Our certificate for the device; never the key."""
    certificate = own_certificate()
    if certificate is None:
        raise NotFound(_("There is no certificate yet; it is made when the DICOM server starts."))
    response = HttpResponse(certificate.pem, content_type="application/x-pem-file")
    response["Content-Disposition"] = 'attachment; filename="cedar-dicom.crt"'
    return response


def _look(node: RemoteAE) -> dict[str, Any]:
    try:
        return {"certificate": connecting.look_at_certificate(node)}
    except CallFailed as failure:
        return {"result": EchoResult(False, str(failure))}


def _context(node: RemoteAE) -> dict[str, Any]:
    calls = Association.objects.filter(calling_ae_title=node.ae_title).order_by("-at", "-pk")[:_CALLS_SHOWN]
    nameless = Association.objects.filter(calling_ae_title="", address__in=[node.host, node.last_address])
    told = sorted([*calls, *nameless.order_by("-at")[:3]], key=lambda call: call.at, reverse=True)
    test_images = connecting.arrived_from(node)
    return {
        "node": node,
        "own": own_facts(),
        "calls": [(call, explain(call)) for call in told],
        "test_images": {"count": test_images.count(), "newest": test_images.first()},
        "modalities": Modality.choices,
    }


def _to_step(pk: int, step: str) -> HttpResponse:
    return redirect(f"{reverse('dicomserver:node_connect', args=[pk])}#{step}")
