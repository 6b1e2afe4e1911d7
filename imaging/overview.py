"""What lists show of images: series with a few thumbnails each, cheap enough to fetch as slices arrive."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from scheduling.models import Order

from .completeness import missing_instances
from .models import Instance, PerformedStep, Quarantined, Series, Study, StudyState

ALL_UP_TO = 8
FROM_STACK = 3


@dataclass
class SeriesStrip:
    """A series and the images that stand for it: all of a few, some of a stack."""

    series: Series
    pictures: list[Instance] = field(default_factory=list)

    @property
    def hidden(self) -> int:
        return max(0, self.series.instance_count - len(self.pictures))


def strips_of(studies: list[Study]) -> dict[int, list[SeriesStrip]]:
    """By study; two queries, however many images there are."""
    strips = {series.pk: SeriesStrip(series) for series in Series.objects.filter(study__in=studies)}
    candidates: dict[int, list[Instance]] = defaultdict(list)
    shown = Q(thumbnail__gt="") | Q(display_problem__gt="") | Q(frames=0)
    rows = (
        Instance.objects.filter(shown, series__study__in=studies)
        .only("pk", "series_id", "number", "thumbnail", "display_problem", "frames", "sop_class_uid")
        .order_by("number", "pk")
    )
    for instance in rows:
        candidates[instance.series_id].append(instance)
    grouped: dict[int, list[SeriesStrip]] = {study.pk: [] for study in studies}
    for pk, strip in strips.items():
        strip.pictures = _some_of(candidates[pk], strip.series.instance_count)
        grouped[strip.series.study_id].append(strip)
    return grouped


def _some_of(pictures: list[Instance], count: int) -> list[Instance]:
    """All of a small series; of a stack some from evenly along it."""
    return pictures if count <= ALL_UP_TO else evenly(pictures, FROM_STACK)


def evenly(pictures: list[Instance], wanted: int) -> list[Instance]:
    """``wanted`` of ``pictures`` along their instance numbers, which may be denser at one end."""
    numbers = [picture.number or 0 for picture in pictures]
    if not pictures or min(numbers) == max(numbers):
        return pictures[:wanted]
    low, span = min(numbers), max(numbers) - min(numbers)
    goals = [low + span * (2 * at + 1) / (2 * wanted) for at in range(wanted)]
    chosen = [min(pictures, key=lambda picture: abs((picture.number or 0) - goal)) for goal in goals]
    return list({picture.pk: picture for picture in chosen}.values())


def order_overview(order_pk: int) -> dict[str, Any]:
    """Everything ``imaging/order_images.html`` shows of an order."""
    studies = list(Study.objects.filter(order_id=order_pk).order_by("pk"))
    held = list(Study.objects.held().filter(candidate_order_id=order_pk).order_by("pk"))
    steps = PerformedStep.objects.filter(orders=order_pk).defer("attributes", "dose").order_by("pk")
    set_aside = (
        Quarantined.objects.open().filter(study__in=[*studies, *held]).count() if studies or held else 0
    )
    strips = strips_of(studies)
    return {
        "studies": [(study, strips[study.pk]) for study in studies],
        "held": held,
        "steps": [(step, missing_instances(step)) for step in steps],
        "set_aside": set_aside,
    }


def arrivals_of(order: Order, seen: int | None) -> dict[str, Any]:
    """What somebody should know who reads ``order`` and had ``seen`` images when the page was made."""
    studies = list(Study.objects.filter(order=order).order_by("pk"))
    images = sum(study.instance_count for study in studies)
    late = 0
    if order.reported_at is not None:
        late = Instance.objects.filter(series__study__in=studies, received_at__gt=order.reported_at).count()
    return {
        "images": images,
        "more": max(0, images - seen) if seen is not None else 0,
        "fewer": max(0, seen - images) if seen is not None else 0,
        "is_arriving": any(study.stable_at is None for study in studies),
        "late": late,
        "last_at": max((study.last_received_at for study in studies), default=None),
        "is_unknown": any(study.state == StudyState.UNKNOWN for study in studies),
    }


def studies_overview(studies: list[Study]) -> list[tuple[Study, list[Instance]]]:
    """Studies with up to three thumbnails each, in one query."""
    rows: dict[int, list[Instance]] = defaultdict(list)
    drawn = (
        Instance.objects.filter(series__study__in=studies, thumbnail__gt="")
        .only("pk", "number", "thumbnail", "display_problem", "frames", "series__study_id", "series__number")
        .select_related("series")
        .order_by("series__number", "number", "pk")
    )
    for instance in drawn:
        rows[instance.series.study_id].append(instance)
    return [(study, _some_of(rows[study.pk], ALL_UP_TO + 1)) for study in studies]
