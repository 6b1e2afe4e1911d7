"""Cedar's settings: one file, read from the environment, refusing what it does not understand."""

import os
import secrets
import socket
from pathlib import Path
from typing import Any

import psutil
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from clinic.postgres import default_url

BASE_DIR = Path(__file__).resolve().parent.parent


def _number(name: str, default: int, low: int, high: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdigit() or not low <= int(text) <= high:
        raise ImproperlyConfigured(f"{name} is {text!r}; a whole number from {low} to {high} is accepted.")
    return int(text)


def _flag(name: str, default: str = "0") -> bool:
    text = os.environ.get(name, default)
    if text not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} is {text!r}; 0 or 1 is accepted.")
    return text == "1"


# --- where things are -------------------------------------------------------------------------------
CEDAR_DATA = Path(os.environ.get("CEDAR_DATA") or BASE_DIR / "var").resolve()
SPOOL_DIR = CEDAR_DATA / "spool"
STUDIES_DIR = CEDAR_DATA / "studies"
QUARANTINE_DIR = CEDAR_DATA / "quarantine"
DOCUMENTS_DIR = CEDAR_DATA / "documents"
SECRETS_DIR = CEDAR_DATA / "secrets"
CEDAR_DEMO = _flag("CEDAR_DEMO") or (CEDAR_DATA / "demo").exists()  # once demo data, always demo data
CEDAR_HOST = os.environ.get("CEDAR_HOST", "127.0.0.1")
CEDAR_PORT = _number("CEDAR_PORT", 8000, 1, 65535)

DICOM_AE_TITLE = os.environ.get("CEDAR_AE_TITLE", "CEDAR")
DICOM_HOST = CEDAR_HOST
DICOM_PORT = _number("CEDAR_DICOM_PORT", 11112, 1, 65535)
# 0: no encrypted port. The files are PEM; without them Cedar makes a certificate for itself.
DICOM_TLS_PORT = _number("CEDAR_DICOM_TLS_PORT", 2762, 0, 65535)
DICOM_TLS_CERT = os.environ.get("CEDAR_DICOM_TLS_CERT", "")
DICOM_TLS_KEY = os.environ.get("CEDAR_DICOM_TLS_KEY", "") or DICOM_TLS_CERT
# Who calls on the encrypted port has to show one of these certificates, or one issued by them.
DICOM_TLS_CLIENT_CA = os.environ.get("CEDAR_DICOM_TLS_CLIENT_CA", "")
DICOM_MAX_PDU = 128 * 1024
DICOM_MAX_ASSOCIATIONS = _number("CEDAR_DICOM_ASSOCIATIONS", 50, 1, 1000)
DICOM_CONNECTIONS_PER_ADDRESS = _number("CEDAR_DICOM_PER_ADDRESS", 30, 1, 1000)
DICOM_FAST_RECEIVE = _flag("CEDAR_FAST_RECEIVE", default="1")
DICOM_IDLE_SECONDS = _number("CEDAR_DICOM_IDLE_SECONDS", 120, 1, 3600)
# The first pause before sending is tried again; each further one is twice as long, up to a day.
DICOM_RETRY_SECONDS = _number("CEDAR_DICOM_RETRY_SECONDS", 60, 1, 86400)
DICOM_ARTIM_SECONDS = _number("CEDAR_DICOM_ARTIM_SECONDS", 15, 1, 300)
# Files of discarded received objects are removed after this many days; 0 keeps them for ever.
DISCARDED_DAYS = _number("CEDAR_DISCARDED_DAYS", 0, 0, 36_500)
DISK_RESERVE_BYTES = _number("CEDAR_DISK_RESERVE_MB", 500, 0, 1_000_000) * 1024 * 1024


def _secret_key() -> str:
    """The key of this installation, made at first use and kept where only the owner can read it."""
    path = SECRETS_DIR / "secret-key"
    try:
        return path.read_text()
    except FileNotFoundError:
        SECRETS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return path.read_text()


def _hosts() -> list[str]:
    named = [host.strip() for host in os.environ.get("CEDAR_ALLOWED_HOSTS", "").split(",") if host.strip()]
    hosts = ["localhost", "127.0.0.1", "[::1]", *named]
    if CEDAR_HOST not in {"127.0.0.1", "localhost", "::1"}:
        hosts += [CEDAR_HOST, socket.gethostname(), socket.getfqdn(), f"{socket.gethostname()}.local"]
        for addresses in psutil.net_if_addrs().values():
            hosts += [address.address for address in addresses if address.family == socket.AF_INET]
    return hosts


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = _hosts()

# --- applications -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "clinic.admin_config.CedarAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "channels",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "django_prose_editor",
    "clinic",  # before django_q: its qcluster command is Cedar's own
    "django_q",
    "axes",
    "auditlog",
    "csp",
    "audit",
    "patients",
    "scheduling",
    "imaging",
    "reporting",
    "dicomserver",
    "clinic.spreadsheets",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "clinic.urls"
ASGI_APPLICATION = "clinic.asgi.application"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "clinic.http.CallerMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "clinic.sessions.IdleTimeoutMiddleware",
    "clinic.sessions.LoginRedirectMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "auditlog.middleware.AuditlogMiddleware",
    "clinic.sessions.TimeZoneMiddleware",
    "clinic.http.DomainErrorMiddleware",
    "axes.middleware.AxesMiddleware",
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "clinic.home.page_frame",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "clinic.templatetags.cedar",
                "django.templatetags.i18n",
                "django.templatetags.static",
            ],
        },
    }
]

# --- database, queue, live updates ------------------------------------------------------------------
DATABASE_CONNINFO = make_conninfo(os.environ.get("DATABASE_URL") or default_url(CEDAR_DATA))
_database = conninfo_to_dict(DATABASE_CONNINFO)
_database.setdefault("connect_timeout", "5")  # a machine that waits for an answer gets one
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.pop("dbname", "cedar"),
        "USER": _database.pop("user", ""),
        "PASSWORD": _database.pop("password", ""),
        "HOST": _database.pop("host", ""),
        "PORT": str(_database.pop("port", "")),
        "OPTIONS": _database,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
if _flag("CEDAR_DB_POOL"):
    # Under ASGI every request runs in a thread of its own, so kept connections would pile up: the web
    # process (clinic/asgi.py) takes them from a pool. The worker forks, which a pool does not survive.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 20, "timeout": 10}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
Q_CLUSTER = {
    "name": "cedar",
    "orm": "default",
    "broker_class": "clinic.broker.PostgresBroker",
    "workers": 2,
    "timeout": 1800,
    "retry": 3600,
    "max_attempts": 3,
    "queue_limit": 1,
    "bulk": 1,
    "poll": 0.2,
    "catch_up": False,
    "save_limit": 1000,
    "ack_failures": False,
    "label": "Background work",
}

# --- people and sessions ----------------------------------------------------------------------------
AUTH_USER_MODEL = "clinic.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False  # clinic/admin.py shows what an administrator needs
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "clinic.http.address_of"
AXES_LOCKOUT_CALLABLE = "clinic.accounts.locked"
IDLE_TIMEOUT_SECONDS = _number("CEDAR_IDLE_MINUTES", 30, 1, 1440) * 60
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_NAME = "cedar_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
# In a cookie of its own: a request that runs beside it writes the whole session back, and words with it away.
MESSAGE_STORAGE = "django.contrib.messages.storage.fallback.FallbackStorage"

# --- the browser ------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE, "'wasm-unsafe-eval'"],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF, "blob:"],
        "media-src": [SELF, "blob:"],
        "object-src": [NONE],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
    }
}

# --- files ------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": DOCUMENTS_DIR,
            "base_url": None,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False
# Kept by browsers for ever: names with Django's hash of the content, and those that the viewer's build gives.
WHITENOISE_IMMUTABLE_FILE_TEST = r"\.[0-9a-f]{12}\.\w+$|/build/viewer/[^/]+-[0-9A-Z]{8}\.\w+$"
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024

# --- language and time ------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # the clinic's own zone is in its profile, activated for each request

# --- audit of configuration changes -----------------------------------------------------------------
AUDITLOG_INCLUDE_TRACKING_MODELS = [
    {"model": "clinic.User", "exclude_fields": ["last_login"], "mask_fields": ["password"]},
    "clinic.ClinicProfile",
    "scheduling.Procedure",
    "scheduling.Station",
    "scheduling.Consultant",
    "scheduling.Indication",
    "scheduling.SafetyQuestion",
    "scheduling.SignedModality",
    "scheduling.Referrer",
    "reporting.ReportTemplate",
    "reporting.Subspecialty",
]
AUDITLOG_DISABLE_REMOTE_ADDR = True  # it would believe X-Forwarded-For
AUDITLOG_MASK_CALLABLE = "audit.configuration.hidden"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "pynetdicom": {"level": "ERROR"},
        "pydicom": {"level": "ERROR"},
        "daphne": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
    },
}
SILENCED_SYSTEM_CHECKS: list[str] = []
