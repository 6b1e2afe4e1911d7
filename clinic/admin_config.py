"""Which admin Cedar has, and what of the libraries is shown in it."""

from django.apps import apps
from django.contrib.admin.apps import AdminConfig

# Registered by libraries, of no use to an administrator of a clinic: roles replace groups, the audit page
# shows what changed, the health page shows the queue.
HIDDEN = [
    "auth.Group",
    "auditlog.LogEntry",
    "django_q.OrmQ",
    "django_q.Schedule",
    "django_q.Success",
]


class CedarAdminConfig(AdminConfig):
    """Django's admin as the clinic's settings pages."""

    default_site = "clinic.admin_site.CedarAdminSite"

    def ready(self) -> None:
        super().ready()
        from django.contrib import admin

        for label in HIDDEN:
            model = apps.get_model(label)
            if admin.site.is_registered(model):
                admin.site.unregister(model)
