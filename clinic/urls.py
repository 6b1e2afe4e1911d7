from django.contrib import admin
from django.urls import include, path

from clinic import accounts, health, home

urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("login/", accounts.login_page, name="login"),
    path("logout/", accounts.logout_page, name="logout"),
    path("session/", accounts.session_state, name="session"),
    path("account/", accounts.own_account, name="own_account"),
    path("account/password/", accounts.password_change, name="password_change"),
    path("first-administrator/<str:token>/", accounts.first_administrator, name="first_administrator"),
    path("admin/", admin.site.urls),
    path("patients/", include("patients.urls")),
    path("", include("scheduling.urls")),
    path("", include("imaging.urls")),
    path("", include("reporting.urls")),
    path("audit/", include("audit.urls")),
    path("dicom/", include("dicomserver.urls")),
    path("lists/", include("clinic.spreadsheets.urls")),
]
