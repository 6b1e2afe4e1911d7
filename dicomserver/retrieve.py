"""C-MOVE and C-GET as SCP (PS3.4 C.4.2, C.4.3): sub-operations of our own, each answered with its counts.

pynetdicom's own loop encodes every object anew and names us instead of the requester as the originator of a
move; this one sends stored bytes as they are.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import Error as DatabaseError
from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_GET, C_MOVE, C_STORE
from pynetdicom.dsutils import decode, encode
from pynetdicom.presentation import PresentationContext
from pynetdicom.service_class import StorageServiceClass

from . import query
from .calls import clean
from .connections import forget_connection
from .contexts import is_private
from .matching import BadQuery
from .models import RemoteAE
from .scu import CallFailed, NothingAccepted, called
from .sub_operations import Storing, contexts_for, loaded, record_sent

if TYPE_CHECKING:
    from .server import DicomServer

log = logging.getLogger(__name__)

_PENDING, _SUCCESS, _WARNING, _CANCEL = 0xFF00, 0x0000, 0xB000, 0xFE00
_ALL_FAILED, _DESTINATION_UNKNOWN = 0xA702, 0xA801
_OUT_OF_RESOURCES, _WRONG_IDENTIFIER, _UNREADABLE = 0xA701, 0xA900, 0xC001
_MOST = 65_535  # sub-operations are counted in US
_CLASSES = {C_MOVE: query.MOVE_CLASSES, C_GET: query.GET_CLASSES}


class _Refused(Exception):
    def __init__(self, status: int, comment: str) -> None:
        super().__init__(comment)
        self.status = status


def serve_retrievals(association: Association, server: "DicomServer") -> None:
    """Let ``association`` answer C-MOVE, C-GET and C-STORE of private classes here instead of in
    pynetdicom."""
    serve = association._serve_request

    def serve_request(message: Any, context_id: int) -> None:
        context = association._accepted_cx.get(context_id)
        classes = _CLASSES.get(type(message), ())
        if context is not None and isinstance(message, C_STORE) and is_private(str(context.abstract_syntax)):
            # pynetdicom knows no service for classes that are not the Standard's.
            StorageServiceClass(association).SCP(message, context)
            return
        if context is None or context.abstract_syntax not in classes or not message.is_valid_request:
            serve(message, context_id)
            return
        association._is_paused = True  # this thread may call send_c_store meanwhile
        association.dimse.cancel_req = {}
        try:
            _Retrieval(association, message, context, server).run()
        finally:
            association._is_paused = False
            association.dimse.cancel_req = {}

    association._serve_request = serve_request  # type: ignore[method-assign,assignment]


class _Retrieval:
    def __init__(
        self,
        association: Association,
        message: C_MOVE | C_GET,
        context: PresentationContext,
        server: "DicomServer",
    ) -> None:
        self.association = association
        self.message = message
        self.context = context
        self.call = server.call_of(association)
        self._wanted: list[str] = []
        self.calling = self.call.calling_ae_title if self.call else ""

    def run(self) -> None:
        """Answer until the final response is sent."""
        try:
            self._run()
        except (_Refused, BadQuery) as error:
            wrong = isinstance(error, query.WrongLevel)
            status = getattr(error, "status", _WRONG_IDENTIFIER if wrong else _UNREADABLE)
            self._note_problem(str(error))
            failed = self._wanted if status == _ALL_FAILED else None
            counts = (len(failed), 0, 0) if failed else None
            self._respond(status, counts=counts, failed=failed, comment=str(error))
        except DatabaseError:
            self._respond(_OUT_OF_RESOURCES, comment="The clinic's database does not answer")
        except Exception:
            log.exception("retrieval: cannot be done")
            self._respond(_UNREADABLE, comment="The retrieval cannot be done")
        finally:
            forget_connection()

    def _run(self) -> None:
        wanted = query.instances(query.Query(self._identifier(), str(self.context.abstract_syntax)))
        rows = list(wanted.values_list("pk", "sop_instance_uid", "sop_class_uid", "transfer_syntax_uid"))
        if len(rows) > _MOST:
            raise _Refused(_OUT_OF_RESOURCES, f"{len(rows)} objects are more than {_MOST}")
        uids = {pk: uid for pk, uid, _sop_class, _syntax in rows}
        self._wanted = list(uids.values())
        kinds = {(sop_class, syntax) for _pk, _uid, sop_class, syntax in rows}
        with self._storing(kinds, is_needed=bool(rows)) as (storing, destination, address):
            if storing is None:
                self._respond(_SUCCESS, counts=(0, 0, 0))
                return
            is_cancelled = self._store_all(storing, uids)
        if self.call is not None:
            self.call.sent += storing.completed + storing.warned
        record_sent(storing.by_study, destination, address)
        if storing.problem:
            self._note_problem(storing.problem)
        self._respond_finally(storing, len(rows), is_cancelled)

    def _store_all(self, storing: Storing, uids: dict[int, str]) -> bool:
        """True when the requester cancelled; what it cancelled has not failed."""
        left = dict(uids)
        for instance in loaded(list(uids)):
            if self._is_cancelled():
                return True
            if self._is_gone() or not storing.association.is_established:
                break
            storing.store(instance)
            del left[instance.pk]
            if left:
                failed = len(storing.failed_uids)
                self._respond(_PENDING, counts=(failed, storing.warned, storing.completed), left=len(left))
        storing.fail_rest(left.values())
        return False

    # --- where to ------------------------------------------------------------------------------------

    @contextmanager
    def _storing(
        self, kinds: set[tuple[str, str]], *, is_needed: bool
    ) -> Iterator[tuple[Storing | None, str, str]]:
        """What stores at the destination, its AE title and its address; nothing where nothing is needed."""
        if isinstance(self.message, C_GET):
            address = self.call.address if self.call else ""
            yield (Storing(self.association) if is_needed else None), self.calling, address
            return
        node = _destination(clean(self.message.MoveDestination, 16))
        if not is_needed:
            yield None, node.ae_title, node.host
            return
        try:
            seconds = settings.DICOM_IDLE_SECONDS
            with called(node, contexts_for(kinds), answer_seconds=seconds) as association:
                storing = Storing(association, self.calling, self.message.MessageID)
                yield storing, node.ae_title, node.host
        except CallFailed as failure:
            is_there = isinstance(failure, NothingAccepted)
            raise _Refused(_ALL_FAILED if is_there else _DESTINATION_UNKNOWN, str(failure)) from None

    # --- speaking with the requester -----------------------------------------------------------------

    def _identifier(self) -> Dataset:
        syntax = UID(self.context.transfer_syntax[0])
        try:
            return decode(
                self.message.Identifier or BytesIO(),
                syntax.is_implicit_VR,
                syntax.is_little_endian,
                syntax.is_deflated,
            )
        except Exception:
            raise _Refused(_UNREADABLE, "The identifier cannot be read") from None

    def _is_cancelled(self) -> bool:
        return self.association.dimse.cancel_req.pop(self.message.MessageID or 0, None) is not None

    def _is_gone(self) -> bool:
        dul = self.association.dul
        return not dul.is_alive() or self.association.acse.is_aborted()

    def _respond_finally(self, storing: Storing, total: int, is_cancelled: bool) -> None:
        failed = storing.failed_uids
        counts = (len(failed), storing.warned, storing.completed)
        if is_cancelled:
            self._respond(_CANCEL, counts=counts, left=total - sum(counts), failed=failed)
        elif len(failed) == total:
            self._respond(_ALL_FAILED, counts=counts, failed=failed, comment=storing.problem)
        elif failed or storing.warned:
            self._respond(_WARNING, counts=counts, failed=failed, comment=storing.problem)
        else:
            self._respond(_SUCCESS, counts=counts)

    def _respond(
        self,
        status: int,
        *,
        counts: tuple[int, int, int] | None = None,
        left: int | None = None,
        failed: list[str] | None = None,
        comment: str = "",
    ) -> None:
        """One response; ``counts`` are failed, with a warning, completed."""
        if self._is_gone():
            return
        response = type(self.message)()
        response.MessageID = self.message.MessageID
        response.MessageIDBeingRespondedTo = self.message.MessageID
        response.AffectedSOPClassUID = self.message.AffectedSOPClassUID
        response.Status = status
        if comment and status != _WARNING:
            response.ErrorComment = comment.encode("ascii", "replace").decode()[:64]  # type: ignore[assignment]
        if counts is not None:
            response.NumberOfFailedSuboperations = counts[0]
            response.NumberOfWarningSuboperations = counts[1]
            response.NumberOfCompletedSuboperations = counts[2]
        if left is not None:
            response.NumberOfRemainingSuboperations = left
        if failed is not None:
            identifier = Dataset()
            identifier.FailedSOPInstanceUIDList = failed
            syntax = UID(self.context.transfer_syntax[0])
            encoded = encode(identifier, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated)
            response.Identifier = BytesIO(encoded or b"")
        self.association.dimse.send_msg(response, self.context.context_id or 0)

    def _note_problem(self, text: str) -> None:
        if self.call is not None:
            self.call.problem = clean(text, 300)


def _destination(ae_title: str) -> RemoteAE:
    """Only who is accepted and has an address and a port gets images."""
    node = RemoteAE.objects.accepted().filter(ae_title=ae_title).first()
    if node is None or not node.host or not node.port:
        raise _Refused(_DESTINATION_UNKNOWN, f"Move destination {ae_title} is not known")
    return node
