"""Further numbers and other names of a patient."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.errors import Conflict, DomainError, InvalidInput
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission

from .identities import NAME_FIELDS, add_other_name, remove_identifier, remove_other_name
from .models import OtherName, OtherNameKind, PatientIdentifier
from .records import open_patient
from .services import add_identifier

_KINDS = [choice for choice in OtherNameKind.choices if choice[0] != OtherNameKind.MERGED]


@require_http_methods(["GET", "POST"])
@require(Permission.PATIENT_EDIT)
def patient_identities(request: StaffRequest, pk: int) -> HttpResponse:
    """Both lists, and a line to add to each."""
    patient = open_patient(pk, request.user)
    problem: DomainError | None = None
    if request.method == "POST":
        typed = {name: request.POST.get(name, "") for name in ("issuer", "value", "kind", *NAME_FIELDS)}
        try:
            if "value" in request.POST:
                add_identifier(patient, by=request.user, issuer=typed["issuer"], value=typed["value"])
            else:
                fields = {name: typed[name] for name in NAME_FIELDS}
                add_other_name(patient, by=request.user, kind=typed["kind"], **fields)
        except (InvalidInput, Conflict) as error:
            problem = error
        else:
            done(request, _("It is noted."))
            return redirect("patients:patient_identities", pk)
    context = {
        "patient": patient,
        "identifiers": patient.identifiers.order_by("pk"),  # type: ignore[attr-defined]
        "other_names": patient.other_names.all(),  # type: ignore[attr-defined]
        "aliases": patient.aliases.order_by("mrn"),
        "kinds": _KINDS,
        "typed": request.POST,
        "problem": problem,
    }
    return render(request, "patients/identities.html", context, status=problem.status if problem else 200)


@require_POST
@require(Permission.PATIENT_EDIT)
def identifier_remove(request: StaffRequest, pk: int) -> HttpResponse:
    identifier = get_object_or_404(PatientIdentifier, pk=pk)
    remove_identifier(identifier, by=request.user)
    done(request, _("The number %(number)s is removed.") % {"number": identifier})
    return redirect("patients:patient_identities", identifier.patient_id)


@require_POST
@require(Permission.PATIENT_EDIT)
def other_name_remove(request: StaffRequest, pk: int) -> HttpResponse:
    other = get_object_or_404(OtherName, pk=pk)
    remove_other_name(other, by=request.user)
    done(request, _("The name %(name)s is removed.") % {"name": other})
    return redirect("patients:patient_identities", other.patient_id)
