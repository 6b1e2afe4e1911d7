"""The page of a reader's own phrases."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission as P

from .. import services
from ..forms import PhraseForm
from ..models import Phrase


@require(P.REPORT_WRITE)
@require_http_methods(["GET", "POST"])
def phrase_list(request: StaffRequest) -> HttpResponse:
    """My phrases, with a form for a new or a changed one (``?change=nl``)."""
    phrases = Phrase.objects.filter(owner=request.user)
    changed = phrases.filter(shortcut=request.GET.get("change", "")).first()
    initial = {"shortcut": changed.shortcut, "html": changed.html} if changed else {}
    form = PhraseForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            phrase = services.save_phrase(by=request.user, **form.cleaned_data)
        except InvalidInput as refused:
            form.add_error(refused.field, refused.message)
        else:
            done(request, _("%(phrase)s is saved.") % {"phrase": phrase})
            return redirect("reporting:phrase_list")
    context = {
        "phrases": phrases,
        "form": form,
        "form_media": form.media.with_nonce(request.csp_nonce),  # type: ignore[attr-defined]
    }
    return render(request, "reporting/phrase_list.html", context)


@require(P.REPORT_WRITE)
@require_POST
def phrase_delete(request: StaffRequest, pk: int) -> HttpResponse:
    phrase = get_object_or_404(Phrase, pk=pk, owner=request.user)
    services.delete_phrase(phrase, by=request.user)
    done(request, _("%(phrase)s is deleted.") % {"phrase": phrase})
    return redirect("reporting:phrase_list")
