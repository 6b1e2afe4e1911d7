"""Synthetic images, all computed here: the same seed always gives the same object.

    chest_xray(identity, seed=3)               DX, PA chest, 12 bits, 2800 × 2400
    hand_xray(identity, side="L")              DX, PA hand
    ct_series(identity, slices=60, size=512)   CT, chest and upper abdomen
    ultrasound_clip(identity, frames=40)       US multi-frame, JPEG Baseline, calibrated
    ultrasound_still(identity, scene="fetus")  US, RGB
    doppler_still(identity)                    US, RGB with colour flow

Each returns a list of data sets with their file meta information, ready for `write_part10` or `storescu`.
"""

from clinic.demo.images.ct import ct_series
from clinic.demo.images.identity import StudyIdentity, derived_uid, write_part10
from clinic.demo.images.radiography import CHEST_FINDINGS, chest_xray, hand_xray
from clinic.demo.images.ultrasound import doppler_still, ultrasound_clip, ultrasound_still

__all__ = [
    "CHEST_FINDINGS",
    "StudyIdentity",
    "chest_xray",
    "ct_series",
    "derived_uid",
    "doppler_still",
    "hand_xray",
    "ultrasound_clip",
    "ultrasound_still",
    "write_part10",
]
