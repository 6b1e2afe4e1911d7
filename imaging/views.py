"""Pages and parts of pages about images."""

import base64
import binascii
import json
from typing import Any

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from clinic.errors import InvalidInput, NotFound
from clinic.http import StaffRequest, done, require
from clinic.models import ClinicProfile
from clinic.permissions import Permission
from patients.models import Patient
from scheduling.models import Order

from .dicomweb import representative, thumbnail_response, visible_instances
from .frames import FileRange, bytes_response, let_cache, open_stored
from .held import default_targets, find_target, held_studies, resolve_held_study
from .key_images import MAX_BYTES, create_key_image
from .models import Instance, KeyImage, PerformedStep, Quarantined, Study
from .overview import order_overview, studies_overview
from .performed_steps import dismiss_step, link_step, unlinked_steps
from .stored_files import studies_path
from .viewing import note_viewed, viewer_options

QUARANTINE_SHOWN = 200
STEPS_SHOWN = 200


# --- parts of other rooms' pages ----------------------------------------------------------------------


@require_GET
@require(Permission.STUDY_VIEW)
def order_images(request: StaffRequest, pk: int) -> HttpResponse:
    """Images of an order as they arrive: series, thumbnails, counts."""
    order = get_object_or_404(Order.objects.visible_to(request.user), pk=pk)
    context = order_overview(order.pk) | {
        "order": order,
        "quiet_seconds": ClinicProfile.get().quiet_seconds,
        "may_reconcile": request.user.can(Permission.STUDY_RECONCILE),
    }
    return render(request, "imaging/order_images.html", context)


@require_GET
@require(Permission.STUDY_VIEW)
def patient_studies(request: StaffRequest, pk: int) -> HttpResponse:
    """The patient's studies, newest first."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
    studies = list(
        Study.objects.visible_to(request.user)
        .for_patient(patient)
        .select_related("order__procedure")
        .order_by("-performed_at", "-pk")
    )
    return render(
        request, "imaging/patient_studies.html", {"patient": patient, "rows": studies_overview(studies)}
    )


@require_GET
@require(Permission.STUDY_VIEW)
def study_viewer(request: StaffRequest, pk: int) -> HttpResponse:
    """The viewer on a page of its own."""
    study = get_object_or_404(
        Study.objects.visible_to(request.user).select_related("patient", "order__procedure"), pk=pk
    )
    note_viewed(study, request)
    return render(
        request,
        "imaging/study_viewer.html",
        {"study": study, "viewer_options": viewer_options(study, request.user)},
    )


@require_GET
@require(Permission.STUDY_VIEW)
def study_thumbnail(request: StaffRequest, pk: int) -> HttpResponseBase:
    return thumbnail_response(request, representative(visible_instances(request).filter(series__study_id=pk)))


@require_GET
@require(Permission.STUDY_VIEW)
def instance_thumbnail(request: StaffRequest, pk: int) -> HttpResponseBase:
    return thumbnail_response(request, visible_instances(request).filter(pk=pk).first())


@require_GET
@require(Permission.STUDY_RECONCILE)
def stuck_images(request: StaffRequest) -> HttpResponse:
    """How many images wait for a person, for the board of whoever is in charge."""
    context = {
        "held": Study.objects.visible_to(request.user).held().count(),
        "quarantined": Quarantined.objects.open().count(),
    }
    return render(request, "imaging/_stuck_images.html", context)


# --- held images --------------------------------------------------------------------------------------


@require_GET
@require(Permission.STUDY_RECONCILE)
def held_list(request: StaffRequest) -> HttpResponse:
    """Images that wait for a person: held studies, and what is in quarantine."""
    studies = list(held_studies(request.user))
    targets = default_targets(studies)
    quarantined = Quarantined.objects.open()
    context = {
        "rows": [(study, targets.get(study.pk)) for study in studies],
        "quarantined": quarantined.select_related("study").order_by("-received_at")[:QUARANTINE_SHOWN],
        "quarantined_count": quarantined.count(),
        "steps": unlinked_steps()[:STEPS_SHOWN],
    }
    template = "imaging/held_list.html"
    return render(request, f"{template}#lists" if request.htmx else template, context)


@require_GET
@require(Permission.STUDY_RECONCILE)
def held_target(request: StaffRequest, pk: int) -> HttpResponse:
    """One held study beside another order or patient, before anything is decided."""
    study = get_object_or_404(held_studies(request.user), pk=pk)
    text = request.GET.get("number", "")
    target = find_target(study, text)
    template = "imaging/_held_target.html" if request.htmx else "imaging/held_target.html"
    return render(request, template, {"study": study, "target": target})


@require_POST
@require(Permission.STUDY_RECONCILE)
def study_resolve(request: StaffRequest, pk: int) -> HttpResponse:
    """The decision: file the held study with the order or the patient that was shown."""
    study = get_object_or_404(held_studies(request.user), pk=pk)
    order = get_object_or_404(Order, pk=_pk(request, "order")) if request.POST.get("order") else None
    patient = None if order else get_object_or_404(Patient.objects.current(), pk=_pk(request, "patient"))
    study = resolve_held_study(
        study, by=request.user, order=order, patient=patient, reason=request.POST.get("reason", "")
    )
    done(request, _("Filed with %(patient)s.") % {"patient": study.patient})
    if request.htmx:
        return HttpResponseClientRedirect(reverse("imaging:held_list"))
    return redirect("imaging:held_list")


@require_POST
@require(Permission.STUDY_RECONCILE)
def step_link(request: StaffRequest, pk: int) -> HttpResponse:
    """A machine's examination is that of the order whose number was typed."""
    step = get_object_or_404(PerformedStep, pk=pk)
    number, reason = request.POST.get("number", ""), request.POST.get("reason", "")
    step = link_step(step, by=request.user, number=number, reason=reason)
    done(request, _("Linked: %(step)s.") % {"step": step})
    return redirect("imaging:held_list")


@require_POST
@require(Permission.STUDY_RECONCILE)
def step_dismiss(request: StaffRequest, pk: int) -> HttpResponse:
    """It belongs to no order."""
    step = dismiss_step(get_object_or_404(PerformedStep, pk=pk), by=request.user)
    done(request, _("Taken off the list: %(step)s.") % {"step": step})
    return redirect("imaging:held_list")


def _pk(request: StaffRequest, name: str) -> int:
    text = request.POST.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        raise InvalidInput(_("Say with which order or patient: look one up first."))
    return int(text)


# --- key images ---------------------------------------------------------------------------------------


@require_POST
@require(Permission.STUDY_READ)
def key_image_create(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep what the viewer shows as a key image: JSON with a data URL, or a form with a file."""
    study = get_object_or_404(Study.objects.visible_to(request.user).select_related("patient"), pk=pk)
    values, picture = _posted_picture(request)
    instance = Instance.objects.filter(
        series__study=study, sop_instance_uid=str(values.get("sop_instance_uid", ""))
    ).first()
    if instance is None:
        raise NotFound(_("This image is not of this study."))
    presentation = {name: values.get(name) for name in _PRESENTATION if values.get(name) is not None}
    image = create_key_image(
        study,
        by=request.user,
        instance=instance,
        frame=_frame(values.get("frame", 1)),
        picture=picture,
        presentation=presentation,
        caption=str(values.get("caption", "")),
    )
    address = reverse("imaging:key_image_picture", args=[image.pk])
    answer = {"id": image.pk, "image_url": address, "thumbnail_url": address, "caption": image.caption}
    return JsonResponse(answer, status=201)


_PRESENTATION = (
    "window_center",
    "window_width",
    "invert",
    "rotation",
    "flip_horizontal",
    "flip_vertical",
    "zoom",
    "center",
)


def _posted_picture(request: StaffRequest) -> tuple[dict[str, Any], bytes]:
    """The values and the picture's bytes."""
    if request.content_type != "application/json":
        upload = request.FILES.get("image")
        if upload is None:
            raise InvalidInput(_("The picture is missing."), field="image")
        return request.POST.dict(), upload.read(MAX_BYTES + 1)
    try:
        values = json.loads(request.body)
        head, _comma, data = str(values["image"]).partition(",")
        if not head.startswith("data:image/") or not head.endswith(";base64"):
            raise ValueError
        return values, base64.b64decode(data, validate=True)
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        raise InvalidInput(
            _("The picture was not understood; a JPEG as data:image/jpeg;base64,… is accepted."),
            field="image",
        ) from None


def _frame(value: object) -> int:
    if not str(value).isdecimal() or len(str(value)) > 9:
        raise InvalidInput(
            _("The frame was read as “%(read)s”; a number is accepted.") % {"read": str(value)[:40]},
            field="frame",
        )
    return int(str(value))


@require_GET
@require(Permission.STUDY_VIEW, Permission.REPORT_VIEW)
def key_image_picture(request: StaffRequest, pk: int) -> HttpResponseBase:
    image = get_object_or_404(KeyImage, pk=pk)
    file = open_stored(studies_path(image.picture))
    whole = FileRange(file, 0, studies_path(image.picture).stat().st_size)
    return let_cache(bytes_response(request, [whole], "image/jpeg"), f"key-{image.pk}")
