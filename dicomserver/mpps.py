"""Modality Performed Procedure Step as SCP (PS3.4 Annex F): a message in, one service called, a status out.

What the standard asks of a message is checked here; what becomes of orders and visits is decided by
``imaging.performed_steps``, and nothing in the clinic makes a message fail.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from django.db import Error as DatabaseError
from django.db import connection, transaction
from pydicom import Dataset
from pynetdicom.dimse_primitives import N_CREATE, N_SET
from pynetdicom.events import Event
from pynetdicom.sop_class import ModalityPerformedProcedureStep  # type: ignore[attr-defined]

from clinic.errors import NotFound
from clinic.models import User
from imaging import performed_steps
from imaging.step_facts import Attributes
from scheduling.models import new_study_uid

from .calls import clean
from .connections import forget_connection
from .services import MACHINE

if TYPE_CHECKING:
    from .server import DicomServer

log = logging.getLogger(__name__)

MPPS = str(ModalityPerformedProcedureStep)
# PS3.7 Annex C, PS3.4 Table F.7.2-2.
SUCCESS = 0x0000
INVALID_VALUE, PROCESSING_FAILURE = 0x0106, 0x0110
DUPLICATE, NO_SUCH_INSTANCE = 0x0111, 0x0112
MISSING_ATTRIBUTE, MISSING_VALUE = 0x0120, 0x0121
NO_SUCH_CLASS, NO_RESOURCES = 0x0118, 0x0213
_MAY_NO_LONGER_BE_UPDATED = 0xA710
_STATUS_TAG = "00400252"
# Who waits for a lock or an answer of the database longer than this is told so; a modality tries again.
PATIENCE = "8s"


class Refused(Exception):
    """The message cannot be taken; ``status`` and the text go back to the modality."""

    def __init__(self, status: int, comment: str, error_id: int | None = None) -> None:
        super().__init__(comment)
        self.status, self.error_id = status, error_id


def handle_create(event: Event, server: "DicomServer") -> tuple[Dataset, Dataset | None]:
    """N-CREATE: a machine begins (F.7.2.1)."""
    request = event.request
    assert isinstance(request, N_CREATE)
    given = clean(request.AffectedSOPInstanceUID, 64)
    uid = given or new_study_uid()

    def create(by: User, source: str, address: str) -> None:
        _check_class(request.AffectedSOPClassUID)
        attributes = _attributes(event.attribute_list)
        status = _status_of(attributes)
        if status is None:
            raise Refused(MISSING_ATTRIBUTE, "Performed Procedure Step Status is missing")
        if status != "IN PROGRESS":
            raise Refused(INVALID_VALUE, "A performed procedure step begins as IN PROGRESS")
        try:
            performed_steps.create_step(uid, attributes, by=by, source=source, address=address)
        except performed_steps.DuplicateStep:
            raise Refused(DUPLICATE, "There is a performed procedure step with this UID") from None

    answer = _answer(event, server, create)
    if answer.Status != SUCCESS or given:
        return answer, None
    made = Dataset()
    made.AffectedSOPInstanceUID = uid
    return answer, made


def handle_set(event: Event, server: "DicomServer") -> tuple[Dataset, Dataset | None]:
    """N-SET: the machine goes on, has completed, or broke off (F.7.2.2)."""
    request = event.request
    assert isinstance(request, N_SET)

    def update(by: User, _source: str, address: str) -> None:
        _check_class(request.RequestedSOPClassUID)
        attributes = _attributes(event.modification_list)
        status = _status_of(attributes)
        if status is not None and status not in performed_steps.STATUSES:
            raise Refused(INVALID_VALUE, "Status is not IN PROGRESS, COMPLETED or DISCONTINUED")
        uid = clean(request.RequestedSOPInstanceUID, 64)
        try:
            performed_steps.update_step(uid, attributes, by=by, address=address)
        except NotFound:
            raise Refused(NO_SUCH_INSTANCE, "No such performed procedure step") from None
        except performed_steps.StepIsFinal:
            text = "Performed Procedure Step Object may no longer be updated"
            raise Refused(PROCESSING_FAILURE, text, _MAY_NO_LONGER_BE_UPDATED) from None
        except performed_steps.MissingAttributes as error:
            raise Refused(MISSING_VALUE, f"Missing: {error}") from None

    return _answer(event, server, update), None


def _answer(event: Event, server: "DicomServer", work: Callable[[User, str, str], None]) -> Dataset:
    """Do ``work`` as the machine; every way in which it can end is a status."""
    call = server.call_of(event.assoc)
    source, address = (call.calling_ae_title, call.address) if call else ("", "")
    try:
        with impatient_transaction():
            work(User.objects.machine(MACHINE), source, address)
    except Refused as refused:
        log.info("MPPS of %s refused: %s", source, refused)
        answer = status(refused.status, str(refused), refused.error_id)
    except DatabaseError:
        answer = status(NO_RESOURCES, "The clinic's database does not answer")
    except Exception:
        log.exception("MPPS of %s cannot be processed", source)
        answer = status(PROCESSING_FAILURE, "The message cannot be processed")
    else:
        answer = status(SUCCESS)
    finally:
        forget_connection()
    if call is not None and answer.Status == SUCCESS:
        call.steps += 1
    elif call is not None:
        call.problem = f"MPPS {answer.Status:04X}: {answer.ErrorComment}"
    return answer


@contextmanager
def impatient_transaction() -> Iterator[None]:
    """A transaction that gives up instead of waiting long for a lock: a modality must not hang."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
        yield


def status(code: int, comment: str = "", error_id: int | None = None) -> Dataset:
    answer = Dataset()
    answer.Status = code
    if comment:
        answer.ErrorComment = comment.encode("ascii", "replace").decode()[:64]
    if error_id is not None:
        answer.ErrorID = error_id
    return answer


def _check_class(uid: object) -> None:
    if str(uid) != MPPS:
        raise Refused(NO_SUCH_CLASS, "Only Modality Performed Procedure Step is taken")


def _attributes(dataset: Dataset) -> Attributes:
    """The data set in the DICOM JSON model; an element that cannot be read is left out."""
    found: Attributes = {}
    for tag in list(dataset.keys()):
        with suppress(ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
            part = Dataset()
            part.add(dataset[tag])
            found |= part.to_json_dict(suppress_invalid_tags=True)
    return {tag: _storable(element) for tag, element in found.items()}


def _storable(value: Any) -> Any:
    """Without NUL, which PostgreSQL does not keep."""
    if isinstance(value, dict):
        return {key: _storable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_storable(part) for part in value]
    return value.replace("\0", "") if isinstance(value, str) else value


def _status_of(attributes: Attributes) -> str | None:
    """None when the message does not speak of it."""
    element = attributes.get(_STATUS_TAG)
    if element is None:
        return None
    values = element.get("Value") or [""]
    if not values[0]:
        raise Refused(MISSING_VALUE, "Performed Procedure Step Status is empty")
    return str(values[0]).strip()
