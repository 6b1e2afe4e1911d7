"""What Cedar Village asks for the shipped examinations, and its two rooms."""

from dataclasses import dataclass

PRICES = {
    "XCHEST": "25.00",
    "XCHEST2": "35.00",
    "XRIBS": "30.00",
    "XABDOMEN": "28.00",
    "XHANDL": "20.00",
    "XHANDR": "20.00",
    "XWRIST": "22.00",
    "XKNEE": "24.00",
    "XANKLE": "24.00",
    "XPELVIS": "28.00",
    "XLSPINE": "34.00",
    "XCSPINE": "32.00",
    "UABDOMEN": "45.00",
    "ULIVER": "40.00",
    "UKUB": "40.00",
    "UPELVIS": "42.00",
    "UOB1": "45.00",
    "UOB2": "55.00",
    "UTHYROID": "38.00",
    "UBREAST": "45.00",
    "UCAROTID": "60.00",
    "CTCHESTABD": "220.00",
    "CTHEAD": "150.00",
}
ELSEWHERE = "Done at the district hospital; the images come to us."
# Cedar Village has no room for these, only the images that come from elsewhere.
DONE_ELSEWHERE = ("CTCHESTABD", "CTHEAD")


@dataclass(frozen=True, kw_only=True)
class DemoStation:
    name: str
    room: str
    ae_title: str
    modalities: tuple[str, ...]


STATIONS = (
    DemoStation(name="X-ray", room="Room 1", ae_title="CEDAR_XR", modalities=("DX", "CR")),
    DemoStation(name="Ultrasound", room="Room 2", ae_title="CEDAR_US", modalities=("US",)),
)
