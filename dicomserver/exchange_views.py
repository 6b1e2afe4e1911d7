"""Sending studies to others, asking archives for earlier ones, and the queue of both."""

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission
from imaging.models import Study
from patients.models import Patient

from . import commitment_requests
from .fetching import fetch_study, find_priors, known_numbers
from .models import CommitmentRequest, Fetch, RemoteAE, Send, TransferState
from .sending import send_study
from .transfers import cancel, queue_again

_FINISHED_SHOWN = 50
_STUCK_FOR = dt.timedelta(days=7)  # what was given up longer ago is history


@require_safe
@require(Permission.CONFIGURE)
def send_list(request: StaffRequest) -> HttpResponse:
    """What is waiting, under way and failed, and what was done last."""
    sends = Send.objects.select_related("node", "asked_by", "study__patient")
    fetches = Fetch.objects.select_related("node", "asked_by", "patient")
    template = "dicomserver/send_list.html"
    if request.headers.get("HX-Target") == "sends":
        template += "#sends"
    commitments = CommitmentRequest.objects.unfinished().order_by("next_try_at", "pk")[:_FINISHED_SHOWN]
    context = {"sends": _shown(sends), "fetches": _shown(fetches), "commitments": commitments}
    return render(request, template, context)


@require_POST
@require(Permission.CONFIGURE)
def commitment_retry(request: StaffRequest, pk: int) -> HttpResponse:
    commitment_requests.queue_again(get_object_or_404(CommitmentRequest, pk=pk), by=request.user)
    done(request, _("The files are checked and the device is told now."))
    return redirect("dicomserver:send_list")


@require_safe
@require(Permission.CONFIGURE)
def stuck_transfers(request: StaffRequest) -> HttpResponse:
    """How many transfers did not get through, for the board of whoever is in charge."""
    since = timezone.now() - _STUCK_FOR
    failed = Send.objects.stuck(since).count() + Fetch.objects.stuck(since).count()
    return render(request, "dicomserver/_stuck_transfers.html", {"failed": failed})


@require_POST
@require(Permission.CONFIGURE)
def send_retry(request: StaffRequest, pk: int) -> HttpResponse:
    queue_again(get_object_or_404(Send, pk=pk), by=request.user)
    done(request, _("It is tried again now."))
    return redirect("dicomserver:send_list")


@require_POST
@require(Permission.CONFIGURE)
def send_cancel(request: StaffRequest, pk: int) -> HttpResponse:
    cancel(get_object_or_404(Send, pk=pk), by=request.user)
    done(request, _("It is not sent any more."))
    return redirect("dicomserver:send_list")


@require_POST
@require(Permission.CONFIGURE)
def fetch_retry(request: StaffRequest, pk: int) -> HttpResponse:
    queue_again(get_object_or_404(Fetch, pk=pk), by=request.user)
    done(request, _("It is tried again now."))
    return redirect("dicomserver:send_list")


@require_POST
@require(Permission.CONFIGURE)
def fetch_cancel(request: StaffRequest, pk: int) -> HttpResponse:
    cancel(get_object_or_404(Fetch, pk=pk), by=request.user)
    done(request, _("It is not fetched any more."))
    return redirect("dicomserver:send_list")


@require_http_methods(["GET", "POST"])
@require(Permission.STUDY_EXCHANGE)
def study_send(request: StaffRequest, pk: int) -> HttpResponse:
    """Choose where a study goes; below it, where it went."""
    studies = Study.objects.visible_to(request.user).select_related("patient", "order__procedure")
    study = get_object_or_404(studies, pk=pk)
    if request.method == "POST":
        node = _chosen_node(request.POST.get("node", ""))
        send_study(study, by=request.user, to=node)
        done(request, _("The images are on their way to %(node)s.") % {"node": node})
        return redirect("dicomserver:study_send", pk=study.pk)
    sends = Send.objects.filter(study=study).select_related("node", "asked_by")
    template = "dicomserver/study_send.html"
    if request.headers.get("HX-Target") == "study-sends":
        template += "#sends"
    context = {"study": study, "nodes": RemoteAE.objects.reachable(), "sends": _shown(sends)}
    return render(request, template, context)


@require_safe
@require(Permission.STUDY_EXCHANGE)
def prior_list(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask one archive what it has of a patient."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
    context: dict[str, Any] = {
        "patient": patient,
        "nodes": RemoteAE.objects.reachable(),
        "numbers": known_numbers(patient),
    }
    if request.GET.get("node"):
        node = _chosen_node(request.GET["node"])
        context["node"] = node
        try:
            context["priors"] = find_priors(patient, by=request.user, node=node)
        except InvalidInput as problem:
            context["problem"] = problem.message
    return render(request, "dicomserver/prior_list.html", context)


@require_POST
@require(Permission.STUDY_EXCHANGE)
def prior_fetch(request: StaffRequest, pk: int) -> HttpResponse:
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
    node = _chosen_node(request.POST.get("node", ""))
    uid, description = request.POST.get("study", ""), request.POST.get("description", "")
    fetch_study(patient, uid, by=request.user, node=node, description=description)
    done(request, _("%(node)s is asked for it; the images appear with the patient.") % {"node": node})
    return redirect("patients:patient_detail", pk=patient.pk)


def _chosen_node(text: str) -> RemoteAE:
    node = RemoteAE.objects.reachable().filter(pk=text).first() if text.isdecimal() else None
    if node is None:
        raise InvalidInput(_("Choose one of the devices in the list."), field="node")
    return node


def _shown(transfers: QuerySet[Any]) -> list[Any]:
    """Everything that needs somebody, and the last of what is over."""
    over = [TransferState.DONE, TransferState.CANCELLED]
    finished = transfers.filter(state__in=over).order_by("-finished_at")[:_FINISHED_SHOWN]
    return [*transfers.exclude(state__in=over).order_by("next_try_at", "pk"), *finished]
