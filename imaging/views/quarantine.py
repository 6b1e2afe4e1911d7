"""Quarantine: what was received but is no image, why, and what is done with it."""

import time
from pathlib import Path

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from audit.services import record
from clinic.errors import InvalidInput, NotFound
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission

from ..frames import FileRange, bytes_response, open_stored
from ..models import Quarantined, Settlement
from ..quarantine import discard_object, restore_object
from ..retrying import kept_instance, preview, retry_object

PAGE = 50
# A page of objects is tried again at once; who waits longer is told how many are left.
RETRY_SECONDS = 20.0
SHOWN = {"open": "", "discarded": Settlement.DISCARDED, "filed": Settlement.FILED, "tests": Settlement.TEST}


@require_GET
@require(Permission.STUDY_RECONCILE)
def quarantine_list(request: StaffRequest) -> HttpResponse:
    """Newest first, by state, sender and a part of the reason or the UID."""
    shown = request.GET.get("show", "open")
    items = _shown(Quarantined.objects.all(), shown if shown in SHOWN else "open", request)
    page = Paginator(items.select_related("study__patient", "settled_by"), PAGE).get_page(
        request.GET.get("page")
    )
    senders = Quarantined.objects.exclude(source_ae_title="").order_by("source_ae_title")
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "page": page,
        "shown": shown if shown in SHOWN else "open",
        "sender": request.GET.get("sender", ""),
        "text": request.GET.get("text", ""),
        "senders": senders.values_list("source_ae_title", flat=True).distinct(),
        "query": query.urlencode(),
    }
    template = "imaging/quarantine_list.html"
    return render(request, f"{template}#rows" if request.htmx else template, context)


@require_GET
@require(Permission.STUDY_RECONCILE)
def quarantine_item(request: StaffRequest, pk: int) -> HttpResponse:
    """One object: where it came from, why it is here, how it looks, what it disagrees with."""
    items = Quarantined.objects.select_related("study__patient", "settled_by")
    item = get_object_or_404(items, pk=pk)
    context = {"item": item, "kept": kept_instance(item), "is_there": item.path.exists()}
    template = "imaging/quarantine_item.html"
    return render(request, f"{template}#state" if request.htmx else template, context)


@require_GET
@require(Permission.STUDY_RECONCILE)
def quarantine_preview(request: StaffRequest, pk: int) -> HttpResponse:
    picture = preview(get_object_or_404(Quarantined, pk=pk))
    if picture is None:
        raise NotFound(_("No picture can be made of it."))
    return HttpResponse(picture, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})


@require_GET
@require(Permission.STUDY_RECONCILE)
def quarantine_file(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Its bytes as they were received, behind file meta of ours."""
    item = get_object_or_404(Quarantined.objects.select_related("study__patient"), pk=pk)
    if item.removed_at is not None:
        raise NotFound(_("Its file was removed."))
    record(
        by=request.user,
        action="image.downloaded",
        subject=item,
        patient=item.study.patient if item.study else None,
    )
    return _download(request, item.path, f"quarantine-{item.pk}.dcm")


@require_GET
@require(Permission.STUDY_RECONCILE)
def quarantine_kept(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The bytes that came first under the same SOP Instance UID."""
    kept = kept_instance(get_object_or_404(Quarantined, pk=pk))
    if kept is None:
        raise NotFound(_("There is no image with this UID."))
    study = kept.series.study
    record(by=request.user, action="image.downloaded", subject=kept, patient=study.patient)
    return _download(request, kept.path, f"image-{kept.pk}.dcm")


@require_POST
@require(Permission.STUDY_RECONCILE)
def quarantine_retry(request: StaffRequest) -> HttpResponse:
    """Try the chosen objects again, and say what became of them."""
    items, until = _chosen(request), time.monotonic() + RETRY_SECONDS
    tried: list[Quarantined] = []
    for item in items:
        if tried and time.monotonic() > until:
            break
        tried.append(retry_object(item, by=request.user))
    filed = sum(item.settled_as == Settlement.FILED for item in tried)
    if len(items) == 1:
        done(request, tried[0].settlement or _("It stays: %(reason)s") % {"reason": tried[0].reason})
    else:
        words = {"filed": filed, "stay": len(tried) - filed, "left": len(items) - len(tried)}
        done(request, _("%(filed)d filed, %(stay)d stay, %(left)d not tried yet.") % words)
    return _back(request)


@require_POST
@require(Permission.STUDY_RECONCILE)
def quarantine_discard(request: StaffRequest) -> HttpResponse:
    """The second step: off the list, with the reason."""
    items = _chosen(request)
    for item in items:
        discard_object(item, by=request.user, reason=request.POST.get("reason", ""))
    words = ngettext("Discarded: %(n)d object.", "Discarded: %(n)d objects.", len(items)) % {"n": len(items)}
    done(request, words + " " + _("“Discarded” shows them and brings them back."))
    return _back(request)


@require_POST
@require(Permission.STUDY_RECONCILE)
def quarantine_restore(request: StaffRequest, pk: int) -> HttpResponse:
    item = restore_object(get_object_or_404(Quarantined, pk=pk), by=request.user)
    done(request, _("It is on the list again."))
    url = reverse("imaging:quarantine_item", args=[item.pk])
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


def _shown(items: QuerySet[Quarantined], shown: str, request: StaffRequest) -> QuerySet[Quarantined]:
    items = items.filter(settled_as=SHOWN[shown])
    if sender := request.GET.get("sender", "").replace("\0", ""):
        items = items.filter(source_ae_title=sender)
    text = request.GET.get("text", "").replace("\0", "").strip()[:200]
    if text:
        items = items.filter(
            Q(reason__icontains=text)
            | Q(sop_instance_uid__icontains=text)
            | Q(source_address__icontains=text)
            | Q(settlement__icontains=text)
        )
    return items.order_by("-received_at", "-pk")


def _chosen(request: StaffRequest) -> list[Quarantined]:
    pks = [int(text) for text in request.POST.getlist("item") if text.isdecimal() and len(text) < 18]
    items = list(Quarantined.objects.filter(pk__in=pks[:PAGE]).order_by("pk"))
    if not items:
        raise InvalidInput(_("Choose at least one object first."))
    return items


def _back(request: StaffRequest) -> HttpResponse:
    pk = request.POST.get("on", "")
    url = reverse("imaging:quarantine_list")
    if pk.isdecimal() and len(pk) < 18:
        url = reverse("imaging:quarantine_item", args=[int(pk)])
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


def _download(request: StaffRequest, path: Path, name: str) -> HttpResponseBase:
    file = open_stored(path)
    size = path.stat().st_size
    response = bytes_response(request, [FileRange(file, 0, size)], "application/dicom")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
