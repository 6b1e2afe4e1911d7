import pytest
from django.utils import timezone

from imaging.models import Study
from imaging.plausibility import doubts_about, views_ordered
from tests.factories import make_order, make_procedure, make_user

from .sender import receive_for_order

pytestmark = pytest.mark.django_db


def receive(name="Hand X-ray", *, modality="DX", indication="Pain", count=1, is_complete=False, **attributes):
    """Images of an order for ``name``; by default of the modality that was ordered."""
    order = make_order(
        status="scheduled", procedure=make_procedure(name=name, modality=modality), indication=indication
    )
    receive_for_order(count, order, **{"Modality": modality} | attributes)
    if is_complete:
        Study.objects.filter(order=order).update(stable_at=timezone.now())
    return order


@pytest.mark.parametrize(
    ("name", "indication", "marked", "doubt"),
    [
        ("Right hand X-ray", "Pain", "L", "The order says “right”; the images are marked “left”."),
        ("Hand X-ray", "Fell on the left hand", "R", "The order says “left”; the images are marked “right”."),
        ("Right hand X-ray", "Pain", "R", ""),
        ("Right hand X-ray", "Pain", "B", ""),
        ("Right hand X-ray", "Pain", "", ""),
        ("Both hands X-ray", "Pain", "L", ""),
        ("Hand X-ray", "Pain", "L", ""),
    ],
)
@pytest.mark.parametrize("tag", ["Laterality", "ImageLaterality"])
def test_the_side_of_the_images_against_the_order(name, indication, marked, doubt, tag):
    order = receive(name, indication=indication, **{tag: marked})

    assert doubts_about(order) == ([doubt] if doubt else [])


@pytest.mark.parametrize(
    ("count", "is_complete", "doubts"),
    [
        (1, True, ["2 views are ordered, and 1 is here."]),
        (1, False, []),
        (2, True, []),
        (3, True, []),
    ],
)
def test_fewer_images_than_views_are_noticed_when_all_are_here(count, is_complete, doubts):
    order = receive("Wrist X-ray, two views", count=count, is_complete=is_complete)

    assert doubts_about(order) == doubts


@pytest.mark.parametrize(
    ("ordered", "made", "doubts"),
    [
        ("US", "CT", ["Ordered is Ultrasound; the images are CT."]),
        ("DX", "CR", []),
        ("CT", "CT", []),
        ("CT", "SR", []),
    ],
)
def test_images_of_another_kind_of_machine_are_noticed(ordered, made, doubts):
    order = receive("Abdomen", modality=ordered, Modality=made)

    assert doubts_about(order) == doubts


def test_without_images_there_is_nothing_to_doubt():
    assert doubts_about(make_order(status="scheduled")) == []


@pytest.mark.parametrize(
    ("name", "views"),
    [
        ("Wrist X-ray, two views", 2),
        ("Knee 3 views", 3),
        ("Chest X-ray PA and lateral", 2),
        ("Chest X-ray PA", 0),
        ("CT abdomen, two phases", 0),
    ],
)
def test_how_many_views_a_name_asks_for(name, views):
    assert views_ordered(name) == views


def test_the_technician_reads_it_beside_the_images(client):
    order = receive("Right hand X-ray", Laterality="L")
    client.force_login(make_user("technician"), backend="django.contrib.auth.backends.ModelBackend")

    text = client.get(f"/imaging/orders/{order.pk}/").content.decode()

    assert "The order says “right”; the images are marked “left”." in text
