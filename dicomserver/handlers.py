"""One function for each thing a peer may ask for. They run on the association's own thread."""

import logging
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.db import Error as DatabaseError
from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event

from . import query as archive
from . import worklist
from .calls import Call, clean
from .connections import forget_connection
from .contexts import SharedContexts, private_contexts, verification_contexts
from .encoding import Encoder
from .find_responses import Responses
from .models import Outcome
from .retrieve import serve_retrievals
from .storage import take_file

if TYPE_CHECKING:
    from .server import DicomServer

log = logging.getLogger(__name__)

_PIECE = 1024 * 1024
_CANCELLED = 0xFE00
_IDENTIFIER_UNREADABLE = 0xC001
_WRONG_IDENTIFIER = 0xA900
# Result, source, reason of an A-ASSOCIATE-RJ (PS3.8 Table 9-21).
_REJECTIONS = {
    Outcome.UNKNOWN_CALLER: (0x01, 0x01, 0x03),
    Outcome.REFUSED_CALLER: (0x01, 0x01, 0x03),
    Outcome.WRONG_ADDRESS: (0x01, 0x01, 0x03),
    Outcome.WRONG_TITLE: (0x01, 0x01, 0x07),
    Outcome.TOO_MANY: (0x02, 0x03, 0x02),
}


def handle_request(event: Event, server: "DicomServer") -> None:
    """A-ASSOCIATE-RQ: decide who may call, before anything is negotiated."""
    association = event.assoc
    call = server.open_call(association)
    outcome = server.policy.judge(call.calling_ae_title, call.called_ae_title, call.address)
    if server.policy.is_health_check(call.calling_ae_title, call.address):
        call.is_health_check = True
        association.acceptor.supported_contexts = verification_contexts()
    elif outcome is None and server.established >= settings.DICOM_MAX_ASSOCIATIONS:
        outcome = Outcome.TOO_MANY
    if outcome is None:
        if server.policy.takes_private_classes and not call.is_health_check:
            more = private_contexts(association.requestor.requested_contexts)
            offered = association.acceptor.supported_contexts
            association.acceptor.supported_contexts = SharedContexts([*offered, *more])
        server.call_log.note(call)
        serve_retrievals(association, server)
        return
    association.acse.send_reject(*_REJECTIONS[outcome])
    server.close_call(association, outcome)
    association.kill()


def handle_extended(event: Event, server: "DicomServer") -> dict[UID, bytes]:
    """SOP Class Extended Negotiation (PS3.4 C.5.1): relational queries and retrievals, nothing else of it."""
    wishes: dict[UID, bytes] = event.app_info  # type: ignore[attr-defined]
    known = (*archive.FIND_CLASSES, *archive.MOVE_CLASSES, *archive.GET_CLASSES)
    return {uid: b"\1" + bytes(len(asked) - 1) for uid, asked in wishes.items() if uid in known}


def handle_release(event: Event, server: "DicomServer") -> None:
    server.close_call(event.assoc, Outcome.RELEASED)


def handle_abort(event: Event, server: "DicomServer") -> None:
    server.close_call(event.assoc, Outcome.ABORTED)


def handle_echo(event: Event, server: "DicomServer") -> int:
    call = server.call_of(event.assoc)
    if call is not None:
        call.echoed += 1
    return 0x0000


def handle_store(event: Event, server: "DicomServer") -> Dataset:
    """C-STORE as pynetdicom received it: into a file of its own, copied behind our file meta."""
    request = cast(C_STORE, event.request)
    reception = server.begin(
        event.assoc,
        str(request.AffectedSOPClassUID),
        str(request.AffectedSOPInstanceUID),
        str(event.context.transfer_syntax),
    )
    answer = take_file(event.dataset_path, reception)
    server.note_answer(event.assoc, answer)
    return answer.as_response()


def handle_find(event: Event, server: "DicomServer") -> Iterator[tuple[Dataset | int, None]]:
    """C-FIND on the Modality Worklist (PS3.4 K.4.1) and on the archive (PS3.4 C.4.1).

    Matches are sent as they come from the database: a peer that reads slowly costs no memory. What is
    yielded is a final status other than success.
    """
    call = server.call_of(event.assoc) or Call("", "", "")
    character_set = server.policy.character_set_of(call.calling_ae_title)
    encoder = Encoder(str(event.context.transfer_syntax), character_set)
    responses = Responses(event)
    try:
        with closing(_matches(event, call, encoder)) as matches:
            for match in matches:
                if responses.are_cancelled:
                    yield _CANCELLED, None
                    return
                if not responses.are_wanted:
                    return
                responses.send(match)
    except archive.WrongLevel as error:
        yield _status(_WRONG_IDENTIFIER, str(error)), None
    except worklist.BadQuery as error:
        yield _status(_IDENTIFIER_UNREADABLE, str(error)), None
    except DatabaseError:
        yield _status(_IDENTIFIER_UNREADABLE, "The clinic's database does not answer"), None
    except Exception:
        log.exception("C-FIND: cannot be answered")
        yield _status(_IDENTIFIER_UNREADABLE, "The query cannot be understood"), None
    finally:
        forget_connection()


def _matches(event: Event, call: Call, encoder: Encoder) -> Generator[bytes, None, None]:
    """The matches, counted in ``call``."""
    model = str(event.context.abstract_syntax)
    if model in archive.FIND_CLASSES:
        asked = archive.Query(event.identifier, model)
        call.searched += 1
        for match in archive.find(asked, encoder):
            call.found += 1
            yield match
        return
    query = worklist.Query(event.identifier)
    call.queried += 1
    found = 0
    for match in worklist.find(query, encoder):
        found += 1
        call.matches += 1
        yield match
    if not found:
        call.problem = clean(query.summary, 300)


def _status(status: int, comment: str) -> Dataset:
    answer = Dataset()
    answer.Status = status
    if comment:
        answer.ErrorComment = comment[:64]
    return answer
