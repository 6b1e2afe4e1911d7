"""Everything that may be done to orders and appointments, by subject in the modules named here."""

from .appointments import (
    book_appointment,
    book_consultation,
    cancel_appointment,
    reschedule_appointment,
)
from .closures import add_closure, remove_closure
from .flow import (
    call_in_appointment,
    check_in_appointment,
    complete_appointment,
    finish_examination,
    mark_no_show,
    mark_no_shows,
    start_examination,
    step_back,
)
from .image_orders import note_images_left, reassign_order, withdraw_order
from .importing import PastVisit, change_billing, import_visits
from .orders import (
    add_referrer,
    cancel_order,
    claim_order,
    hand_back_order,
    mark_acquired,
    mark_released,
    mark_reported,
    note_images_arrived,
    place_order,
    request_repeat,
    sign_order,
    unschedule_order,
)
from .performing import note_step_discontinued, note_step_started
from .reminders import record_call
from .safety import GivenAnswer, answer_safety_questions, safety_of
from .walk_ins import book_new_consultation, book_new_order, walk_in_patient

__all__ = [
    "GivenAnswer",
    "PastVisit",
    "add_closure",
    "add_referrer",
    "answer_safety_questions",
    "book_appointment",
    "book_consultation",
    "book_new_consultation",
    "book_new_order",
    "call_in_appointment",
    "cancel_appointment",
    "cancel_order",
    "change_billing",
    "check_in_appointment",
    "claim_order",
    "complete_appointment",
    "finish_examination",
    "hand_back_order",
    "import_visits",
    "mark_acquired",
    "mark_no_show",
    "mark_no_shows",
    "mark_released",
    "mark_reported",
    "note_images_arrived",
    "note_images_left",
    "note_step_discontinued",
    "note_step_started",
    "place_order",
    "reassign_order",
    "record_call",
    "remove_closure",
    "request_repeat",
    "reschedule_appointment",
    "safety_of",
    "sign_order",
    "start_examination",
    "step_back",
    "unschedule_order",
    "walk_in_patient",
    "withdraw_order",
]
