import pytest
from django.urls import reverse

from clinic.models import ClinicProfile, User
from clinic.permissions import Role

PASSWORD = "correct-horse-7"


@pytest.fixture
def administrator(client, db):
    ClinicProfile.get()
    user = User.objects.create_user("ingrid", PASSWORD, full_name="Ingrid", roles=[Role.ADMINISTRATOR])
    client.force_login(user)
    return user


def page_of(user: User) -> str:
    return reverse("admin:clinic_user_change", args=[user.pk])


def fields_of(user: User) -> dict[str, object]:
    return {"username": user.username, "full_name": user.full_name, "roles": user.roles, "is_active": "on"}


def test_roles_are_ticked(client, administrator):
    rosa = User.objects.create_user("rosa", PASSWORD, full_name="Rosa", roles=[Role.RECEPTIONIST])

    page = client.get(page_of(rosa)).text
    client.post(page_of(rosa), fields_of(rosa) | {"roles": ["technician", "radiologist"]})

    rosa.refresh_from_db()
    assert page.count('type="checkbox" name="roles"') == 4
    assert (rosa.roles, rosa.check_password(PASSWORD)) == (["technician", "radiologist"], True)


@pytest.mark.parametrize("change", [{"roles": ["receptionist"]}, {"roles": []}, {"is_active": ""}])
def test_the_only_administrator_cannot_be_taken_away(client, administrator, change):
    response = client.post(page_of(administrator), fields_of(administrator) | change)

    administrator.refresh_from_db()
    assert "This is the only administrator" in response.text
    assert (administrator.roles, administrator.is_active) == (["administrator"], True)


def test_one_of_two_administrators_can(client, administrator):
    User.objects.create_user("second", PASSWORD, full_name="Second", roles=[Role.ADMINISTRATOR])

    client.post(page_of(administrator), fields_of(administrator) | {"roles": ["receptionist"]})

    administrator.refresh_from_db()
    assert administrator.roles == ["receptionist"]


def test_an_administrator_who_left_does_not_count(client, administrator):
    gone = User.objects.create_user("gone", PASSWORD, full_name="Gone", roles=[Role.ADMINISTRATOR])
    User.objects.filter(pk=gone.pk).update(is_active=False)

    response = client.post(page_of(administrator), fields_of(administrator) | {"roles": []})

    assert "This is the only administrator" in response.text


def test_nobody_is_ever_deleted(client, administrator):
    assert client.get(reverse("admin:clinic_user_delete", args=[administrator.pk])).status_code == 403


def test_machines_are_not_shown(client, administrator):
    machine = User.objects.machine("dicom")

    assert "machine-dicom" not in client.get(reverse("admin:clinic_user_changelist")).text
    assert client.get(page_of(machine)).status_code == 302


def test_an_administrator_gives_a_new_password(client, administrator):
    rosa = User.objects.create_user("rosa", PASSWORD, full_name="Rosa")

    client.post(
        reverse("admin:auth_user_password_change", args=[rosa.pk]),
        {"password1": "another-horse-8", "password2": "another-horse-8"},
    )

    rosa.refresh_from_db()
    assert rosa.check_password("another-horse-8")


def test_the_clinic_is_one_page(client, administrator):
    response = client.get(reverse("admin:clinic_clinicprofile_changelist"))

    assert response.url == reverse("admin:clinic_clinicprofile_change", args=[1])


@pytest.mark.parametrize(
    ("field", "typed"),
    [("time_zone", "Mars/Olympus"), ("country", "XX"), ("mrn_pattern", "CVC"), ("accession_pattern", "A^01")],
)
def test_what_would_break_the_clinic_is_refused(client, administrator, field, typed):
    url = reverse("admin:clinic_clinicprofile_change", args=[1])
    form = client.get(url).context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields if name != "logo"}

    response = client.post(url, sent | {field: typed})

    assert list(response.context["adminform"].form.errors) == [field]


def test_the_admin_has_no_sign_in_page_of_its_own(client, db):
    response = client.get(reverse("admin:login"), {"next": "/admin/clinic/user/"})

    assert response.url == "/login/?next=/admin/clinic/user/"


def test_the_rooms_come_in_order_and_the_libraries_with_words(client, administrator):
    rooms = [room["app_label"] for room in client.get(reverse("admin:index")).context["app_list"]]
    names = [str(room["name"]) for room in client.get(reverse("admin:index")).context["app_list"]]

    assert rooms[0] == "clinic"
    assert names[rooms.index("axes")] == "Sign-ins"
    assert set(rooms) & {"auth", "auditlog", "sessions", "contenttypes"} == set()
