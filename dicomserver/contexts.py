"""What the server offers in association negotiation (PS3.8 9.3.2): SOP classes and transfer syntaxes."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Self

from pydicom import uid
from pynetdicom.presentation import AllStoragePresentationContexts, PresentationContext, build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    Verification,
)

from .query import FIND_CLASSES, GET_CLASSES, MOVE_CLASSES

UNCOMPRESSED = [
    uid.ExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
]
_LOSSLESS = [
    uid.DeflatedExplicitVRLittleEndian,
    uid.RLELossless,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000MCLossless,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
]
_LOSSY = [
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLSNearLossless,
    uid.JPEG2000,
    uid.JPEG2000MC,
    uid.HTJ2K,
    uid.MPEG2MPML,
    uid.MPEG2MPMLF,
    uid.MPEG2MPHL,
    uid.MPEG2MPHLF,
    uid.MPEG4HP41,
    uid.MPEG4HP41F,
    uid.MPEG4HP41BD,
    uid.MPEG4HP41BDF,
    uid.MPEG4HP422D,
    uid.MPEG4HP422DF,
    uid.MPEG4HP423D,
    uid.MPEG4HP423DF,
    uid.MPEG4HP42STEREO,
    uid.MPEG4HP42STEREOF,
    uid.HEVCMP51,
    uid.HEVCM10P51,
]
# In the order in which we choose where a sender offers several for one context: so that no picture
# loses detail only because of the negotiation.
STORAGE_TRANSFER_SYNTAXES = [str(syntax) for syntax in [*UNCOMPRESSED, *_LOSSLESS, *_LOSSY]]
STEP_CLASSES = [str(ModalityPerformedProcedureStep)]
STORAGE_CLASSES = frozenset(str(context.abstract_syntax) for context in AllStoragePresentationContexts)


class SharedContexts(list[PresentationContext]):
    """The same contexts for every association: pynetdicom copies them deeply for each one, which takes 60 ms
    for these many, and only ever reads the copy."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self


def is_private(sop_class_uid: str) -> bool:
    """A maker's own SOP class, as Cedar may take for storage: not from the DICOM Standard's root."""
    return sop_class_uid not in STORAGE_CLASSES and not sop_class_uid.startswith("1.2.840.10008.")


def is_stored(sop_class_uid: str) -> bool:
    """Whether a C-STORE of this class is taken where its context was accepted."""
    return sop_class_uid in STORAGE_CLASSES or is_private(sop_class_uid)


def private_contexts(asked: Iterable[PresentationContext]) -> list[PresentationContext]:
    """For the private classes among those that a peer asks for."""
    names = {str(context.abstract_syntax) for context in asked}
    return [build_context(name, STORAGE_TRANSFER_SYNTAXES) for name in sorted(names) if is_private(name)]


def verification_contexts() -> SharedContexts:
    return SharedContexts([build_context(Verification, [str(syntax) for syntax in UNCOMPRESSED])])


@cache
def supported_contexts() -> SharedContexts:
    """Everything the server does for an accepted node; made once, which takes a while."""
    contexts = verification_contexts()
    contexts.append(build_context(ModalityWorklistInformationFind, [str(syntax) for syntax in UNCOMPRESSED]))
    for name in (*FIND_CLASSES, *MOVE_CLASSES, *GET_CLASSES, *STEP_CLASSES):
        contexts.append(build_context(name, [str(syntax) for syntax in UNCOMPRESSED]))
    commitment = build_context(StorageCommitmentPushModel, [str(syntax) for syntax in UNCOMPRESSED])
    # A peer may name its roles; ours is the SCP's all the same (PS3.4 J.3).
    commitment.scu_role, commitment.scp_role = True, False
    contexts.append(commitment)
    for name in sorted(STORAGE_CLASSES):
        context = build_context(name, STORAGE_TRANSFER_SYNTAXES)
        # Who asks with C-GET proposes to be the SCP of storage; who sends proposes nothing (PS3.7 D.3.3.4).
        context.scu_role = context.scp_role = True
        contexts.append(context)
    return contexts
