"""What the tests of the demo clinic share."""

from collections.abc import Iterator

import pytest

from clinic.demo import filming

FOLDERS = ("SPOOL_DIR", "STUDIES_DIR", "QUARANTINE_DIR", "DOCUMENTS_DIR")


@pytest.fixture(scope="module")
def demo_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Demo mode with data folders that are thrown away."""
    data = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.CEDAR_DEMO", True)
        for name in FOLDERS:
            (data / name).mkdir(mode=0o700)
            patch.setattr(f"django.conf.settings.{name}", data / name)
        yield


@pytest.fixture(scope="module")
def small_images() -> Iterator[None]:
    """The demo's images in small: what is tested with them is the clinic, not the pictures."""
    film, screen = {"rows": 280, "columns": 240}, {"rows": 120, "columns": 160}
    makers = filming.MAKERS.copy()
    filming.MAKERS |= {
        "chest": (1, lambda who, seed, **how: filming.chest_xray(who, seed=seed, **film, **how)),
        "hand": (1, lambda who, seed, **how: filming.hand_xray(who, seed=seed, **film, **how)),
        "ct": (60, lambda who, seed, **how: filming.ct_series(who, seed=seed, size=32, **how)),
        "stills": (1, lambda who, seed, **how: filming.ultrasound_still(who, seed=seed, **screen, **how)),
        "clip": (1, lambda who, seed, **how: filming.ultrasound_clip(who, seed=seed, **screen, **how)),
        "doppler": (1, lambda who, seed, **how: filming.doppler_still(who, seed=seed, **screen, **how)),
    }
    yield
    filming.MAKERS.update(makers)
