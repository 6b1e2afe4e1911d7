"""C-GET as SCU (PS3.4 C.4.3): an archive that cannot connect back sends on the connection that we opened.

What comes goes through the same ``Reception`` into the spool as what a modality sends: byte for byte, and
durable before it is acknowledged.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from django.conf import settings
from pydicom import Dataset, uid
from pynetdicom import build_role, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.presentation import StoragePresentationContexts, build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelGet as Get,
)

from .models import RemoteAE
from .scu import called
from .storage import Reception, StoreRequest, prepare_incoming, take_file

# Of those an archive may have stored the ones that devices write; with more the request is too long for some.
_SYNTAXES = [
    uid.ExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.JPEG2000Lossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.RLELossless,
    uid.HTJ2KLossless,
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEG2000,
    uid.JPEGLSNearLossless,
    uid.HTJ2K,
    uid.MPEG4HP41,
    uid.MPEG2MPML,
]


@contextmanager
def getting_from(node: RemoteAE, *, answer_seconds: int) -> Iterator[Association]:
    """An association on which ``send_c_get`` stores into the spool. Raises ``CallFailed``."""
    tempfile.tempdir = str(prepare_incoming())
    names = [str(context.abstract_syntax) for context in StoragePresentationContexts]
    contexts = [build_context(Get), *(build_context(name, list(_SYNTAXES)) for name in names)]
    with called(
        node,
        contexts,
        roles=[build_role(name, scp_role=True) for name in names],
        handlers=[(evt.EVT_C_STORE, _take, [node])],
        answer_seconds=answer_seconds,
    ) as association:
        yield association


def _take(event: evt.Event, node: RemoteAE) -> Dataset:
    request = cast(C_STORE, event.request)
    reception = Reception(
        StoreRequest(
            sop_class_uid=str(request.AffectedSOPClassUID),
            sop_instance_uid=str(request.AffectedSOPInstanceUID),
            transfer_syntax_uid=str(event.context.transfer_syntax),
            calling_ae_title=node.ae_title,
            called_ae_title=settings.DICOM_AE_TITLE,
            address=node.called_host,
        )
    )
    return take_file(event.dataset_path, reception).as_response()
