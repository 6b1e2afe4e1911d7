"""Which order do these images belong to: Study UID, then accession number, then patient, modality and date.

A match is followed only when the identity in the images agrees with the order's patient. Everything else
is held for a person, with the differences: images are never filed silently with somebody they do not name.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from patients.models import Patient, PatientIdentifier
from patients.numbers import number_key
from scheduling.days import clinic_zone, day_bounds
from scheduling.models import Order
from scheduling.statuses import OrderStatus

from .identity import Differences, Identity, differences, find_patient, same_person
from .models import Study, StudyState

# An X-ray is booked as one of these and may come as the other.
SAME_MODALITY = {"CR": {"CR", "DX"}, "DX": {"CR", "DX"}}
MAY_GET_IMAGES = [OrderStatus.ORDERED, OrderStatus.SCHEDULED, OrderStatus.ACQUIRED, OrderStatus.READING]


@dataclass(frozen=True)
class Decision:
    """Where a new study goes. ``candidate`` is the order that held images point at."""

    state: StudyState
    patient: Patient | None = None
    order: Order | None = None
    candidate: Order | None = None
    reason: str = ""
    differences: Differences = field(default_factory=dict)


def decide(facts: dict[str, Any], modalities: Collection[str], received_at: dt.datetime) -> Decision:
    """Where the study goes whose first object says ``facts``; ``modalities`` are all it has so far."""
    identity = Identity.of_object(facts)
    by_uid = _order(study_instance_uid=facts["study_instance_uid"])
    by_accession = _order(accession_number__iexact=facts["accession_number"] or None)
    if by_uid and by_accession and by_uid != by_accession:
        reason = _("The Study UID belongs to order %(one)s, the accession number to order %(other)s.")
        return _held(
            reason % {"one": by_uid.accession_number, "other": by_accession.accession_number},
            by_uid,
            differences(identity, by_uid.patient)
            | {"accession_number": [by_accession.accession_number, by_uid.accession_number]},
        )
    if order := by_uid or by_accession:
        return _with_order(order, identity)
    return _by_patient(identity, facts, modalities, received_at)


def patients_meant(objects: Sequence[dict[str, Any]]) -> set[int]:
    """The records (ids) with which new studies of these objects may be filed: by number, or by the order.

    They are held while the objects are filed, so that no merge and no undoing comes in between.
    """
    uids = {facts["study_instance_uid"] for facts in objects}
    here = Study.objects.filter(study_instance_uid__in=uids)
    uids -= set(here.values_list("study_instance_uid", flat=True))
    named, by_order = set(), Q()
    for facts in objects:
        if facts["study_instance_uid"] in uids:
            named.add(number_key(facts["patient_id"]))
            by_order |= Q(study_instance_uid=facts["study_instance_uid"])
            if facts["accession_number"]:
                by_order |= Q(accession_number__iexact=facts["accession_number"])
    if not uids:
        return set()
    named.discard("")
    return {
        *Patient.objects.filter(mrn_key__in=named).values_list("pk", flat=True),
        *PatientIdentifier.objects.filter(value_key__in=named).values_list("patient", flat=True),
        *Order.objects.filter(by_order).values_list("patient", flat=True),
    }


def belongs(study: Study, identity: Identity) -> bool:
    """Whether a later object may join ``study``: it names whom the first one named, or the study's patient.

    So all images of a study name one person. The second case is a study that a person gave to its patient,
    where the modality was corrected and now sends the right name.
    """
    if same_person(Identity.of_study(study), identity):
        return True
    return study.patient is not None and not differences(identity, study.patient)


def refusal_of(order: Order) -> str:
    """Why ``order`` cannot take a study, in words; empty when it can."""
    if order.status == OrderStatus.CANCELLED:
        return _("Order %(number)s is cancelled.") % {"number": order.accession_number}
    return ""


def _order(**key: Any) -> Order | None:
    if None in key.values():
        return None
    return Order.objects.filter(**key).select_related("patient", "procedure").first()


def _held(reason: str, candidate: Order | None, found: Differences) -> Decision:
    return Decision(StudyState.HELD, candidate=candidate, reason=reason[:300], differences=found)


def _with_order(order: Order, identity: Identity) -> Decision:
    found = differences(identity, order.patient)
    if found:
        return _held(
            _("The images name another patient than order %(number)s.") % {"number": order.accession_number},
            order,
            found,
        )
    if refusal := refusal_of(order):
        return _held(refusal, order, {})
    return Decision(StudyState.LINKED, patient=order.patient, order=order)


def _by_patient(
    identity: Identity, facts: dict[str, Any], modalities: Collection[str], received_at: dt.datetime
) -> Decision:
    patient = find_patient(identity)
    if patient is None:
        text = (
            _("No patient has the number %(number)s.") % {"number": identity.patient_id}
            if identity.patient_id
            else _("The images carry no patient number.")
        )
        return _held(text, None, {})
    if found := differences(identity, patient):
        reason = _("The number is that of patient %(number)s, but more differs.") % {"number": patient.mrn}
        return _held(reason, None, found)
    orders = list(_fitting_orders(patient, modalities, _study_day(facts, received_at))[:2])
    if len(orders) > 1:
        return _held(_("More than one order of this patient fits: say which."), orders[0], {})
    if orders:
        return Decision(StudyState.LINKED, patient=patient, order=orders[0])
    return Decision(StudyState.FILED, patient=patient)


def _fitting_orders(patient: Patient, modalities: Collection[str], day: dt.date) -> QuerySet[Order]:
    """Orders without images, of this patient and modality, for that day of the clinic."""
    wanted = {other for modality in modalities for other in SAME_MODALITY.get(modality, {modality})}
    start, end = day_bounds(day, clinic_zone())
    on_that_day = Q(appointment__starts_at__gte=start, appointment__starts_at__lt=end) | Q(
        appointment=None, ordered_at__gte=start, ordered_at__lt=end
    )
    return (
        Order.objects.filter(
            on_that_day,
            patient=patient,
            procedure__modality__in=wanted,
            status__in=MAY_GET_IMAGES,
            studies=None,
        )
        .select_related("patient", "procedure")
        .order_by("pk")
    )


def _study_day(facts: dict[str, Any], received_at: dt.datetime) -> dt.date:
    try:
        return dt.datetime.strptime(facts["study_date"], "%Y%m%d").date()  # noqa: DTZ007  a day has no zone
    except ValueError:
        return received_at.astimezone(clinic_zone()).date()
