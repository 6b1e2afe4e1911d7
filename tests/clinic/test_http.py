"""A refusal of a service reaches the user as words, in the form the caller understands."""

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.http import DomainErrorMiddleware, is_background, require
from clinic.models import User
from clinic.permissions import Permission, Role

pytestmark = pytest.mark.django_db


def make_request(user=None, **headers):
    request = RequestFactory().get("/somewhere/", headers=headers)
    request.user = user or AnonymousUser()
    request.session = {}
    request.htmx = HtmxDetails(request)
    request._messages = FallbackStorage(request)
    return request


def answer(error, **headers):
    return DomainErrorMiddleware(lambda request: None).process_exception(make_request(**headers), error)


def test_page_shows_the_words():
    response = answer(Conflict("Someone else changed this order."))

    assert response.status_code == 409
    assert "Someone else changed this order." in response.content.decode()


def test_htmx_request_gets_a_message_and_keeps_its_page():
    response = answer(InvalidInput("A name is required."), **{"HX-Request": "true"})

    assert (response.status_code, response["HX-Retarget"], response["HX-Reswap"]) == (
        400,
        "#messages",
        "innerHTML",
    )
    assert "<html" not in response.content.decode()


def test_json_caller_gets_json():
    response = answer(Conflict("Changed meanwhile."), Accept="application/json")

    assert response.status_code == 409
    assert json.loads(response.content) == {"error": "Changed meanwhile."}


def test_other_exceptions_are_left_to_django():
    assert answer(ValueError("a fault of ours")) is None


def test_words_are_escaped():
    response = answer(InvalidInput("<script>alert(1)</script>"))

    assert "<script>alert" not in response.content.decode()


def test_required_permission_is_asked_of_the_user():
    @require(Permission.REPORT_SIGN, Permission.AUDIT_VIEW)
    def view(request):
        return "shown"

    administrator = User.objects.create_user("a", "x", full_name="A", roles=[Role.ADMINISTRATOR])
    receptionist = User.objects.create_user("r", "x", full_name="R", roles=[Role.RECEPTIONIST])

    assert view(make_request(administrator)) == "shown"
    with pytest.raises(NotAllowed):
        view(make_request(receptionist))


def test_inactive_user_may_nothing():
    user = User.objects.create_user("gone", "x", full_name="G", roles=list(Role.values), is_active=False)

    assert [permission for permission in Permission if user.can(permission)] == []


def test_requests_a_page_makes_by_itself_are_known():
    assert is_background(make_request(**{"X-Cedar-Background": "1"})) is True
    assert is_background(make_request()) is False
