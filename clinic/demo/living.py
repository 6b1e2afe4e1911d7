"""The steps of the week: each through the real services, by the one whose work it is, and only once."""

from collections.abc import Callable

from clinic.demo.filming import how_many, send_images, take_images
from clinic.demo.founding import Clinic
from clinic.demo.people import PASSWORD
from clinic.demo.texts import REPORTS
from clinic.demo.timetable import Step
from clinic.models import User
from imaging.key_images import create_key_image
from imaging.models import Instance, KeyImage, Study
from imaging.thumbnails import draw_picture
from reporting.models import Report, ReportVersion
from reporting.services import insert_image, open_report, release_report, save_draft, sign_report
from reporting.tasks import render_report_pdf
from scheduling import services as flow
from scheduling.models import Appointment, Order
from scheduling.statuses import AppointmentStatus as A
from scheduling.statuses import OrderStatus as O

KEY_IMAGE_EDGE = 1000  # pixels
EXAMINED = {O.ACQUIRED, O.READING, O.REPORTED, O.RELEASED, O.CANCELLED}
CLAIMED = EXAMINED - {O.ACQUIRED}
SIGNED = CLAIMED - {O.READING}
RELEASED = SIGNED - {O.REPORTED}


class Week:
    """Does the steps of the week. An order is found again by its patient and the moment it was placed."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.orders: dict[str, Order] = {}

    def do(self, step: Step) -> None:
        """Do one step, unless an earlier run has done it."""
        if step.name == "place":
            self._place(step)
            return
        order = Order.objects.select_related(
            "patient", "procedure", "referrer", "appointment__station", "reader"
        ).get(pk=self.orders[step.planned.visit.key].pk)
        actions: dict[str, Callable[[Step, Order], None]] = {
            "book": self._book,
            "cancel_order": self._cancel_order,
            "images": self._images,
            "acquire": self._acquire,
            "claim": self._claim,
            "draft": self._draft,
            "sign": self._sign,
            "release": self._release,
        }
        if step.name in actions:
            actions[step.name](step, order)
        elif order.appointment is not None:
            self._move(step, order.appointment)

    def _user(self, name: str) -> User:
        return self.clinic.users[name]

    def _place(self, step: Step) -> None:
        visit = step.planned.visit
        patient = self.clinic.patients[visit.patient]
        known = Order.objects.filter(patient=patient, ordered_at=step.at).first()
        self.orders[visit.key] = known or flow.place_order(
            patient,
            by=self._user("reception"),
            procedure=self.clinic.procedures[visit.procedure],
            indication=visit.indication,
            priority=visit.priority,
            referrer=self.clinic.referrers[visit.referrer],
        )

    def _book(self, step: Step, order: Order) -> None:
        visit, starts_at = step.planned.visit, step.planned.starts_at
        if order.appointment_id is not None or order.status != O.ORDERED or starts_at is None:
            return
        flow.book_appointment(
            order.patient,
            by=self._user("reception"),
            station=self.clinic.stations[visit.station],
            starts_at=starts_at,
            orders=[order],
            is_walk_in=visit.walk_in,
        )

    def _move(self, step: Step, appointment: Appointment) -> None:
        """One step of the patient through the clinic, if the visit is still where that step begins."""
        desk, room = self._user("reception"), self._user("technician")
        starts_from, action = {
            "check_in": (A.BOOKED, lambda: flow.check_in_appointment(appointment, by=desk)),
            "call_in": (A.WAITING, lambda: flow.call_in_appointment(appointment, by=room)),
            "start": (A.IN_ROOM, lambda: _start(appointment, by=room)),
            "finish": (A.IN_SCAN, lambda: flow.finish_examination(appointment, by=room)),
            "no_show": (A.BOOKED, lambda: flow.mark_no_show(appointment, by=desk)),
            "cancel": (
                A.BOOKED,
                lambda: flow.cancel_appointment(appointment, by=desk, reason=step.planned.visit.reason),
            ),
        }[step.name]
        if appointment.status == starts_from:
            action()

    def _cancel_order(self, step: Step, order: Order) -> None:
        if order.status != O.CANCELLED:
            flow.cancel_order(order, by=self._user("reception"), reason=step.planned.visit.reason)

    def _images(self, step: Step, order: Order) -> None:
        visit = step.planned.visit
        study = Study.objects.filter(study_instance_uid=order.study_instance_uid).first()
        if not visit.images or (study is not None and study.instance_count >= how_many(visit)):
            return
        wrong_patient = self.clinic.patients.get(visit.sent_as)
        images = take_images(visit, order, at=step.at, wrong_patient=wrong_patient)
        send_images(images, station=visit.station, at=step.at)

    def _acquire(self, step: Step, order: Order) -> None:
        if order.status not in EXAMINED:
            flow.mark_acquired(order, by=self._user("technician"))

    def _claim(self, step: Step, order: Order) -> None:
        if order.status not in CLAIMED:
            flow.claim_order(order, by=self._user(step.planned.visit.reader))

    def _draft(self, step: Step, order: Order) -> None:
        known = Report.objects.filter(order=order).first()
        if order.status in SIGNED or (known is not None and known.revision):
            return
        reader = self._user(step.planned.visit.reader)
        report = open_report(order, by=reader)
        if step.planned.visit.key_image:
            self._mark_key_image(report, reader, step.planned.visit.key_image)
        sections = {section["key"] for section in report.template.sections}
        text = {key: html for key, html in REPORTS[step.planned.visit.report].items() if key in sections}
        save_draft(report, by=reader, revision=report.revision, content=report.content | text)

    def _mark_key_image(self, report: Report, reader: User, caption: str) -> None:
        study = Study.objects.get(order=report.order)
        marked = KeyImage.objects.filter(study=study).first()
        if marked is None:
            instance = Instance.objects.filter(series__study=study).latest("pk")
            picture = draw_picture(instance, 1, edge=KEY_IMAGE_EDGE, quality=90)
            marked = create_key_image(
                study,
                by=reader,
                instance=instance,
                frame=1,
                picture=picture,
                presentation={},
                caption=caption,
            )
        insert_image(report, by=reader, key_image=marked)

    def _sign(self, step: Step, order: Order) -> None:
        if order.status not in SIGNED:
            reader = self._user(step.planned.visit.reader)
            sign_report(Report.objects.get(order=order), by=reader, password=PASSWORD, despite_warnings=True)

    def _release(self, step: Step, order: Order) -> None:
        if order.status in RELEASED:
            return
        version = ReportVersion.objects.filter(report__order=order).latest("number")
        render_report_pdf(version.pk)  # the worker's own job, done now because it is handed out now
        version.refresh_from_db()
        if not version.pdf:
            return  # the worker tries again every minute; until then the result waits to be handed out
        recipient = order.referrer.name if order.referrer else order.patient.display_name
        release_report(version, by=self._user("reception"), method="print", recipient=recipient)


def _start(appointment: Appointment, *, by: User) -> None:
    """The technician has asked what is to be asked; nobody in the village says yes."""
    for safety in flow.safety_of(appointment):
        answers = [flow.GivenAnswer(asked.question.pk, "no") for asked in safety.open]
        if answers:
            flow.answer_safety_questions(safety.order, by=by, answers=answers)
    flow.start_examination(appointment, by=by)
