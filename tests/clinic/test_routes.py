"""Every route asks for a permission, or is on the short lists below."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

# Open to everybody.
PUBLIC = {"login", "first_administrator", "session", "healthz"} | {
    f"reporting:shared_{part}" for part in ("report", "pdf", "picture", "image")
}
# For everybody who is signed in, whatever the role.
SIGNED_IN = {"home", "logout", "own_account", "password_change"}


def routes(resolver: URLResolver | None = None, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every route of the project with its name, as in ``patients:patient_list``."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from routes(entry, inner)
        else:
            yield f"{space}{entry.name}", entry


def is_admin(route: URLPattern) -> bool:
    """Django's admin guards its views itself; ``CedarAdminSite.has_permission`` says who may."""
    return hasattr(route.callback, "admin_site") or hasattr(route.callback, "model_admin")


def test_every_route_has_a_name():
    """The matrix of permissions speaks of routes by their names."""
    nameless = [str(route.pattern) for name, route in routes() if route.name is None and not is_admin(route)]

    assert nameless == []


def test_every_view_asks_for_a_permission_or_is_on_a_list():
    open_views = {
        name
        for name, route in routes()
        if not name.startswith("admin:") and not getattr(route.callback, "required_permissions", None)
    }

    assert open_views == PUBLIC | SIGNED_IN


def test_the_public_views_are_the_listed_ones():
    public = {name for name, route in routes() if getattr(route.callback, "is_public", False)}

    assert public == PUBLIC


def test_no_other_view_is_open_to_strangers():
    without_login = {
        name for name, route in routes() if getattr(route.callback, "login_required", True) is False
    }

    assert without_login == PUBLIC | {"admin:login"}


def test_what_is_under_the_settings_is_guarded_by_the_admin():
    unguarded = [name for name, route in routes() if name.startswith("admin:") and not is_admin(route)]

    # The first leads to Cedar's own sign-in page; the second is guarded inside ``UserAdmin``, which
    # test_permissions shows.
    assert set(unguarded) == {"admin:login", "admin:auth_user_password_change"}
