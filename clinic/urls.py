from django.contrib import admin
from django.urls import include, path

from clinic import health, home

urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("patients/", include("patients.urls")),
    path("", include("scheduling.urls")),
    path("", include("imaging.urls")),
    path("", include("reporting.urls")),
    path("audit/", include("audit.urls")),
    path("dicom/", include("dicomserver.urls")),
]
