"""Studies that wait for a person: the list, what differs, and where each of them could go.

What is decided is written by ``decisions.py``.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, QuerySet, Value, When
from django.utils.translation import gettext as _

from clinic.errors import NotFound
from clinic.models import User
from patients.models import Patient
from patients.records import resolve_patient_by_number
from patients.search import search_patients
from scheduling.days import clinic_zone, day_bounds
from scheduling.models import Order, Procedure

from .identity import Differences, Identity, differences, find_patient
from .linking import MAY_GET_IMAGES, SAME_MODALITY, refusal_of
from .models import Instance, Study, StudyDecision

SUGGESTED = 8
DECIDED_SINCE = dt.timedelta(days=14)


@dataclass(frozen=True)
class Target:
    """Where a held study could go. ``refusal`` says why it cannot; ``images`` are there already."""

    patient: Patient
    order: Order | None
    differences: Differences
    refusal: str = ""
    images: int = 0


def held_studies(user: User) -> QuerySet[Study]:
    """Oldest first, with what the list shows; those of an unknown patient stay until that is known."""
    drawn = Instance.objects.filter(series__study=OuterRef("pk"), thumbnail__gt="")
    return (
        Study.objects.visible_to(user)
        .undecided()
        .select_related("candidate_order__patient", "candidate_order__procedure", "patient", "order")
        .prefetch_related("candidate_order__patient__aliases", "candidate_order__patient__other_names")
        .annotate(has_picture=Exists(drawn))
        .order_by("first_received_at", "pk")
    )


def default_target(study: Study) -> Target | None:
    """The order that the images point at, else the patient whose number they carry."""
    if study.candidate_order is not None:
        return target_order(study, study.candidate_order)
    identity = Identity.of_study(study)
    patient = find_patient(identity) or resolve_patient_by_number(identity.patient_id)
    return target_patient(study, patient) if patient is not None else None


def find_target(study: Study, text: str) -> Target:
    """The order with this accession number, else the patient with this number."""
    text = text.replace("\0", "").strip()
    order = Order.objects.filter(accession_number__iexact=text).select_related("patient", "procedure").first()
    if order is not None:
        return target_order(study, order)
    patient = resolve_patient_by_number(text)
    if patient is None:
        raise NotFound(
            _("“%(text)s” is neither an accession number nor a patient number.") % {"text": text[:64]}
        )
    return target_patient(study, patient)


def target_order(study: Study, order: Order) -> Target:
    images = sum(other.instance_count for other in order.studies.all())
    found = differences(Identity.of_study(study), order.patient)
    return Target(order.patient, order, found, refusal_of(order), images)


def target_patient(study: Study, patient: Patient) -> Target:
    return Target(patient, None, differences(Identity.of_study(study), patient))


def suggested_orders(study: Study, patients: Collection[Patient] = ()) -> list[Order]:
    """Orders that these images could be of, the likeliest first: the patients', the machine's, the day's."""
    day = (study.performed_at or study.last_received_at).astimezone(clinic_zone()).date()
    start, end = day_bounds(day, clinic_zone())
    wanted = {other for one in study.modalities for other in SAME_MODALITY.get(one, {one})}
    orders = (
        Order.objects.filter(status__in=MAY_GET_IMAGES, procedure__modality__in=wanted)
        .select_related("patient", "procedure", "appointment__station")
        .annotate(
            studies_here=Count("studies"),
            rank=Case(
                When(patient__in=patients, then=Value(0)),
                When(
                    appointment__station__ae_title=study.source_ae_title,
                    appointment__starts_at__range=(start, end),
                    then=Value(1),
                ),
                When(appointment__starts_at__range=(start, end), then=Value(2)),
                default=Value(3),
                output_field=IntegerField(),
            ),
        )
    )
    orders = (
        orders.filter(rank__lt=3).exclude(pk=study.candidate_order_id or 0).exclude(pk=study.order_id or 0)
    )
    return list(orders.order_by("rank", "studies_here", "appointment__starts_at", "-pk")[:SUGGESTED])


def find_targets(study: Study, text: str, user: User) -> list[Target]:
    """Whom ``text`` may mean: an order by its number; patients as they are searched, with their orders."""
    order = Order.objects.numbered(text).select_related("patient", "procedure").first() if text else None
    if order is not None:
        return [target_order(study, order)]
    patients = [hit.patient for hit in search_patients(text, user, limit=SUGGESTED)]
    orders: dict[int, list[Order]] = defaultdict(list)
    takers = Order.objects.filter(patient__in=patients, status__in=MAY_GET_IMAGES)
    for order in takers.select_related("patient", "procedure").prefetch_related("studies").order_by("-pk"):
        orders[order.patient_id].append(order)
    return [
        target
        for patient in patients
        for target in [
            *(target_order(study, order) for order in orders[patient.pk][:SUGGESTED]),
            target_patient(study, patient),
        ]
    ]


def likely_procedure(study: Study) -> Procedure | None:
    """The examination that these images look like: by modality and, where it is told, body part."""
    wanted = {other for one in study.modalities for other in SAME_MODALITY.get(one, {one})}
    offered = list(Procedure.objects.filter(is_active=True, modality__in=wanted).order_by("pk"))
    parts = {part.upper() for part in study.series.values_list("body_part", flat=True) if part}
    matching = [procedure for procedure in offered if procedure.body_part.upper() in parts]
    return next(iter([*matching, *offered]), None)


def recent_decisions(user: User, now: dt.datetime) -> QuerySet[StudyDecision]:
    """What was decided lately, newest first, with what the list shows."""
    latest = StudyDecision.objects.filter(study=OuterRef("study"), undone_at=None, pk__gt=OuterRef("pk"))
    return (
        StudyDecision.objects.filter(at__gte=now - DECIDED_SINCE)
        .select_related("study", "by", "undone_by", "patient", "order__procedure")
        .annotate(has_later=Exists(latest))
        .order_by("-pk")
    )
