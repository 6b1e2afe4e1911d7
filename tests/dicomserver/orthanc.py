"""Debian's Orthanc as the PACS next door: on loopback, in a folder of its own, led by its REST interface."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.ports import free_port


class Orthanc:
    ae_title = "ORTHANC"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.http_port = free_port(), free_port()
        settings = {
            "Name": "next door",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "DicomAet": self.ae_title,
            "DicomPort": self.port,
            "HttpPort": self.http_port,
            "HttpBindAddresses": ["127.0.0.1"],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomModalitiesInDatabase": True,
            "Plugins": [],
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "orthanc.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["Orthanc", str(self.folder / "orthanc.json")], stdout=log, stderr=log
            )
        end = time.monotonic() + 60
        while True:
            try:
                self.ask("/system")
                return
            except (urllib.error.URLError, OSError):
                assert time.monotonic() < end, "Orthanc does not start"
                assert self._process.poll() is None, (self.folder / "orthanc.log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """GET, or POST (``method`` PUT, DELETE) of JSON or of the bytes of a file."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
        return json.loads(text) if text else None

    def knows(self, ae_title: str, port: int) -> None:
        """Enter us in its list of modalities."""
        self.ask("/modalities/cedar", {"AET": ae_title, "Host": "127.0.0.1", "Port": port}, "PUT")

    def instances(self) -> list[dict[str, Any]]:
        """The main attributes of everything it has, by their names."""
        return [one["MainDicomTags"] for one in self.ask("/instances?expand")]

    def forget_everything(self) -> None:
        for patient in self.ask("/patients"):
            self.ask(f"/patients/{patient}", method="DELETE")
