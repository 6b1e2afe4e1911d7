"""Documents of a patient: added, looked at, removed."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from clinic.errors import Conflict, DomainError, InvalidInput, NotFound
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission

from .documents import MOST_FILES, MOST_MEGABYTES, add_documents, read_document, remove_document
from .models import DocumentKind, PatientDocument
from .records import open_patient

# Nothing in a document may run or reach the site; browsers show a PDF only outside of a sandbox.
_ONLY_SHOWN = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; object-src 'self'"


@require_http_methods(["GET", "POST"])
@require(Permission.DOCUMENT_EDIT)
def document_add(request: StaffRequest, pk: int) -> HttpResponse:
    """Choose files or drop them here; a refused one is named with the reason."""
    patient = open_patient(pk, request.user)
    problem: DomainError | None = None
    kind, title = request.POST.get("kind", DocumentKind.REFERRAL), request.POST.get("title", "")
    if request.method == "POST":
        files = request.FILES.getlist("files")
        try:
            added = add_documents(patient, by=request.user, files=files, kind=kind, title=title)
        except (InvalidInput, Conflict) as error:
            problem = error
        else:
            words = ngettext("%d document is added.", "%d documents are added.", len(added))
            done(request, words % len(added))
            return redirect(f"{redirect('patients:patient_detail', patient.pk).url}?kind=documents")
    context = {
        "patient": patient,
        "kinds": DocumentKind.choices,
        "kind": kind,
        "title": title,
        "problem": problem,
        "most_megabytes": MOST_MEGABYTES,
        "most_files": MOST_FILES,
    }
    return render(request, "patients/document_add.html", context, status=problem.status if problem else 200)


@require_GET
@require(Permission.DOCUMENT_VIEW)
def document_file(request: StaffRequest, pk: int) -> HttpResponse:
    """The document itself, to look at or with ``?download`` as a file. Who saw it is on record."""
    document = _document(request, pk)
    data = read_document(document, by=request.user)
    name = get_valid_filename(f"{document.patient.mrn}-{document.pk}{document.path.suffix}")
    how = "attachment" if "download" in request.GET else "inline"
    is_picture = document.media_type.startswith("image/")
    return HttpResponse(
        data,
        content_type=document.media_type,
        headers={
            "Content-Disposition": f'{how}; filename="{name}"',
            "Content-Security-Policy": f"sandbox; {_ONLY_SHOWN}" if is_picture else _ONLY_SHOWN,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


@require_http_methods(["GET", "POST"])
@require(Permission.DOCUMENT_EDIT)
def document_remove(request: StaffRequest, pk: int) -> HttpResponse:
    """Asks once more, and why."""
    document = _document(request, pk)
    problem: DomainError | None = None
    if request.method == "POST":
        try:
            remove_document(document, by=request.user, reason=request.POST.get("reason", ""))
        except InvalidInput as error:
            problem = error
        else:
            done(request, _("“%(title)s” is removed.") % {"title": document.title})
            return redirect("patients:patient_detail", document.patient_id)
    context = {"document": document, "patient": document.patient, "problem": problem}
    return render(
        request, "patients/document_remove.html", context, status=problem.status if problem else 200
    )


def _document(request: StaffRequest, pk: int) -> PatientDocument:
    """A removed one is there only for who reads the audit."""
    document = get_object_or_404(PatientDocument.objects.select_related("patient"), pk=pk)
    if document.removed_at is not None and not request.user.can(Permission.AUDIT_VIEW):
        raise NotFound(_("This document was removed."))
    return document
