from django.urls import path

from .views import board, booking, calendar, exams, orders, safety, visits, walk_in

app_name = "scheduling"
urlpatterns = [
    path("board/", board.board, name="board"),
    path("walk-in/", walk_in.walk_in, name="walk_in"),
    path("walk-in/patients/", walk_in.walk_in_patients, name="walk_in_patients"),
    path("calendar/", calendar.calendar, name="calendar"),
    path("examinations/", exams.worklist, name="worklist"),
    path("examinations/<int:pk>/", exams.exam, name="exam"),
    path("orders/search/", orders.order_search, name="order_search"),
    path("orders/new/<int:pk>/", orders.order_new, name="order_new"),
    path("orders/of-patient/<int:pk>/", orders.patient_orders, name="patient_orders"),
    path("orders/<int:pk>/", orders.order_detail, name="order_detail"),
    path("orders/<int:pk>/book/", booking.appointment_book, name="appointment_book"),
    path("orders/<int:pk>/cancel/", orders.order_cancel, name="order_cancel"),
    path("orders/<int:pk>/take-off/", orders.order_unschedule, name="order_unschedule"),
    path("orders/<int:pk>/safety/", safety.order_safety, name="order_safety"),
    path("orders/<int:pk>/repeat/", orders.order_repeat, name="order_repeat"),
    path("appointments/<int:pk>/sheet/", booking.appointment_sheet, name="appointment_sheet"),
    path("appointments/<int:pk>/other-time/", booking.appointment_reschedule, name="appointment_reschedule"),
    path("appointments/<int:pk>/cancel/", visits.appointment_cancel, name="appointment_cancel"),
    path("appointments/<int:pk>/check-in/", visits.appointment_check_in, name="appointment_check_in"),
    path("appointments/<int:pk>/call-in/", visits.appointment_call_in, name="appointment_call_in"),
    path("appointments/<int:pk>/start/", visits.appointment_start, name="appointment_start"),
    path("appointments/<int:pk>/finish/", visits.appointment_finish, name="appointment_finish"),
    path("appointments/<int:pk>/complete/", visits.appointment_complete, name="appointment_complete"),
    path("appointments/<int:pk>/no-show/", visits.appointment_no_show, name="appointment_no_show"),
    path("appointments/<int:pk>/undo/", visits.appointment_undo, name="appointment_undo"),
]
