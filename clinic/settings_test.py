"""Settings for the tests: the real ones, on a data folder and a database that are thrown away."""

import atexit
import os
import shutil
import tempfile

if "CEDAR_DATA" not in os.environ:
    _folder = tempfile.mkdtemp(prefix="cedar-test-")
    os.environ["CEDAR_DATA"] = _folder
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)

from clinic.settings import *  # noqa: F403

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]  # noqa: F405
