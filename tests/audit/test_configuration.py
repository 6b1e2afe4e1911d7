import pytest
from django.urls import reverse

from audit.models import Entry
from clinic.models import ClinicProfile, User
from clinic.permissions import Role
from tests.factories import make_user


@pytest.fixture
def administrator(client, db):
    ClinicProfile.get()
    user = make_user(Role.ADMINISTRATOR, full_name="Ingrid Haugen", username="admin")
    client.force_login(user)
    return user


def newest() -> Entry:
    return Entry.objects.filter(action__startswith="config.").newest_first()[0]


def test_a_change_in_the_settings_is_in_the_one_trail(client, administrator):
    url = reverse("admin:clinic_clinicprofile_change", args=[1])
    form = client.get(url).context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields if name != "logo"}

    client.post(url, sent | {"name": "Cedar Village", "country": "KE", "day_first": "on"})

    assert (newest().action, newest().actor_id, newest().address) == (
        "config.changed",
        administrator.pk,
        "127.0.0.1",
    )
    assert newest().changes == {"name": ["My clinic", "Cedar Village"], "country": ["GB", "KE"]}


def test_a_new_colleague_is_audited_without_the_password(client, administrator):
    client.post(
        reverse("admin:clinic_user_add"),
        {
            "username": "rosa",
            "full_name": "Rosa Delgado",
            "roles": ["receptionist", "technician"],
            "password1": "correct-horse-7",
            "password2": "correct-horse-7",
        },
    )

    entry = newest()
    assert (entry.action, entry.actor_id, entry.subject_label) == (
        "config.added",
        administrator.pk,
        "Rosa Delgado",
    )
    assert entry.changes["roles"] == [None, ["receptionist", "technician"]]
    assert entry.changes["password"] == [None, "…"]
    assert User.objects.get(username="rosa").check_password("correct-horse-7")


def test_no_part_of_a_password_is_kept_by_the_library_either(db):
    from auditlog.models import LogEntry

    user = User.objects.create_user("rosa", "correct-horse-7", full_name="Rosa")

    kept = LogEntry.objects.get_for_object(user).get()
    assert kept.changes["password"][1] == "…"


def test_without_a_person_the_set_up_did_it(db):
    make_user(Role.RECEPTIONIST, full_name="Rosa Delgado")

    entry = Entry.objects.get(action="config.added", subject_label="Rosa Delgado")
    assert entry.actor_label == "Cedar setup"


def test_signing_in_is_no_change_of_the_settings(client, db):
    User.objects.create_user("rosa", "correct-horse-7", full_name="Rosa")
    before = Entry.objects.filter(action__startswith="config.").count()

    client.post(reverse("login"), {"username": "rosa", "password": "correct-horse-7"})

    assert Entry.objects.filter(action__startswith="config.").count() - before <= 1  # the clinic's own row
    assert not Entry.objects.filter(action="config.changed").exists()
