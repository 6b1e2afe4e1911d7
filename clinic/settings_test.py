"""Settings for the tests: the real ones, on a data folder and a database that are thrown away."""

import atexit
import os
import shutil
import tempfile

_folder = os.environ.get("CEDAR_TEST_DATA")
if not _folder:
    _folder = tempfile.mkdtemp(prefix="cedar-test-")
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
# Tests that run side by side share nothing: each worker has a folder, and so a database cluster, of its own.
# What a test starts as a program of its own inherits the folder, and the worker's name with it.
_worker = os.environ.get("PYTEST_XDIST_WORKER")
if _worker and os.path.basename(_folder) != _worker:
    _folder = os.path.join(_folder, _worker)
    os.makedirs(_folder, mode=0o700, exist_ok=True)
os.environ["CEDAR_TEST_DATA"] = _folder
# Whatever the environment says: tests never touch the data folder or the database of a clinic.
os.environ["CEDAR_DATA"] = _folder
os.environ.pop("DATABASE_URL", None)

from clinic.settings import *  # noqa: E402, F403

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]  # noqa: F405

# The cluster is the tests' own, so the test database may have the real one's name: the live bridge, the
# worker and the DICOM server of a test then find it by the ordinary settings.
DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}  # noqa: F405
