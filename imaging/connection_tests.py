"""Images of a connection test: they show that a device can send, and belong to no patient.

They are known by their Patient ID. What carries it is kept like everything that was acknowledged, in
quarantine and settled at once, so that it is neither held for a decision nor filed with anybody.
"""

from django.utils.translation import gettext as _

from .identity import Identity

TEST_PATIENT_ID = "CEDAR-TEST"
# How such an entry of the quarantine is settled; the page that connects devices looks for it.
SETTLED = "connection test"


def is_test_image(identity: Identity) -> bool:
    return identity.patient_id.strip().upper() == TEST_PATIENT_ID


def reason() -> str:
    return _("A test image (Patient ID %(id)s): it shows that the device can send.") % {"id": TEST_PATIENT_ID}
