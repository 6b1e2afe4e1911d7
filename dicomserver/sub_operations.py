"""Storing at others: the images that are to go, the contexts they need, and one C-STORE after the other.

C-MOVE, C-GET and the send queue differ only in the association and in whom they tell.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from audit.services import record
from clinic.models import User
from imaging.models import Instance, Study
from imaging.outgoing import CannotSend, Corrector, outgoing, outgoing_file

from .calls import clean
from .services import MACHINE

log = logging.getLogger(__name__)

_AT_ONCE = 100
_MOST_CONTEXTS = 128
_UNCOMPRESSED = [str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian)]


def contexts_for(kinds: Iterable[tuple[str, str]]) -> list[PresentationContext]:
    """One for each (SOP class, stored transfer syntax), so that the peer cannot choose another one instead,
    and the uncompressed ones to fall back on."""
    offered: dict[tuple[str, str], None] = {}
    for sop_class, syntax in sorted(kinds):
        offered |= dict.fromkeys((sop_class, name) for name in [syntax, *_UNCOMPRESSED])
    return [build_context(sop_class, syntax) for sop_class, syntax in list(offered)[:_MOST_CONTEXTS]]


def loaded(pks: Sequence[int]) -> Iterator[Instance]:
    """The images with these keys, in this order, some at a time."""
    for start in range(0, len(pks), _AT_ONCE):
        some = pks[start : start + _AT_ONCE]
        found = outgoing(Instance.objects.all()).in_bulk(some)
        yield from (found[pk] for pk in some if pk in found)


@dataclass
class Storing:
    """C-STORE on ``association``, and what became of each image."""

    association: Association
    # Whoever asked for a C-MOVE, and its message (PS3.7 9.1.1.1).
    originator: str | None = None
    originator_id: int | None = None
    completed: int = 0
    warned: int = 0
    failed_uids: list[str] = field(default_factory=list)
    problem: str = ""
    by_study: Counter[int] = field(default_factory=Counter)
    _corrector: Corrector = field(default_factory=Corrector)
    _message_id: int = 0

    def __post_init__(self) -> None:
        self._accepted: dict[str, set[str]] = {}
        for context in self.association.accepted_contexts:
            if context.as_scu:
                syntaxes = self._accepted.setdefault(str(context.abstract_syntax), set())
                syntaxes.add(str(context.transfer_syntax[0]))

    def store(self, instance: Instance) -> bool:
        """True when the peer has it; else its UID is in ``failed_uids`` and ``problem`` says why."""
        try:
            status = self._store(instance)
        except CannotSend as error:
            return self._fail(instance, str(error))
        except (OSError, ValueError, RuntimeError, AttributeError) as error:
            log.warning("C-STORE of %s failed: %s", instance.sop_instance_uid, error)
            return self._fail(instance, _("It could not be sent: %(error)s") % {"error": error})
        if status is None:
            return self._fail(instance, _("The receiver stopped answering."))
        if status == 0x0000 or status & 0xF000 == 0xB000 or status in (0x0107, 0x0116):
            self.completed += status == 0x0000
            self.warned += status != 0x0000
            self.by_study[instance.series.study_id] += 1
            return True
        return self._fail(
            instance, _("The receiver refused an image (status %(status)04X).") % {"status": status}
        )

    def fail_rest(self, uids: Iterable[str]) -> None:
        self.failed_uids += uids

    def _store(self, instance: Instance) -> int | None:
        self._message_id = self._message_id % 65535 + 1
        accepted = self._accepted.get(instance.sop_class_uid, set())
        with outgoing_file(instance, accepted, self._corrector) as path:
            answer = self.association.send_c_store(
                path,
                msg_id=self._message_id,
                originator_aet=self.originator,
                originator_id=self.originator_id,
            )
        return int(answer.Status) if "Status" in answer else None

    def _fail(self, instance: Instance, problem: str) -> bool:
        self.failed_uids.append(instance.sop_instance_uid)
        self.problem = clean(problem, 300)
        return False


@transaction.atomic
def record_sent(by_study: Counter[int], destination: str, address: str, *, by: User | None = None) -> None:
    """One row in the trail for each study that left."""
    by = by or User.objects.machine(MACHINE)
    for study in Study.objects.filter(pk__in=by_study).select_related("patient").order_by("pk"):
        record(
            by=by,
            action="study.sent",
            subject=study,
            patient=study.patient,
            changes={"images": [None, by_study[study.pk]], "destination": [None, destination]},
            address=address,
        )
