from django.urls import path

from .views import editor, phrases, reading, reports, results, sharing, signing

app_name = "reporting"
urlpatterns = [
    path("reading/", reading.reading_list, name="reading_list"),
    path("reading/next/", reading.reading_next, name="reading_next"),
    path("reading/subspecialty/", reading.subspecialty_choose, name="subspecialty_choose"),
    path("reading/<int:pk>/", reading.read, name="read"),
    path("reading/<int:pk>/claim/", reading.order_claim, name="order_claim"),
    path("reading/<int:pk>/hand-back/", reading.order_hand_back, name="order_hand_back"),
    path("reading/phrases/", phrases.phrase_list, name="phrase_list"),
    path("reading/phrases/<int:pk>/delete/", phrases.phrase_delete, name="phrase_delete"),
    path("reports/<int:pk>/", reports.report_view, name="report_view"),
    path("reports/<int:pk>/text/", reports.report_text, name="report_text"),
    path("reports/<int:pk>/save/", editor.report_save, name="report_save"),
    path("reports/<int:pk>/template/", editor.report_template, name="report_template"),
    path("reports/<int:pk>/images/", editor.report_image_insert, name="report_image_insert"),
    path("reports/images/<int:pk>/", editor.report_image_change, name="report_image_change"),
    path("reports/<int:pk>/sign/", signing.report_sign, name="report_sign"),
    path("reports/<int:pk>/addendum/", signing.report_addendum, name="report_addendum"),
    path("reports/versions/<int:pk>/pdf/", reports.report_pdf, name="report_pdf"),
    path("reports/versions/<int:pk>/pdf/again/", reports.report_pdf_retry, name="report_pdf_retry"),
    path("reports/versions/<int:pk>/images/<int:place>/", reports.report_picture, name="report_picture"),
    path("reports/versions/<int:pk>/release/", results.report_release, name="report_release"),
    path("reports/of-order/<int:pk>/", reports.order_report, name="order_report"),
    path("reports/of-patient/<int:pk>/", reports.patient_reports, name="patient_reports"),
    path("results/", results.release_list, name="release_list"),
    path("reports/versions/<int:pk>/share/", sharing.share_create, name="share_create"),
    path("results/links/<int:pk>/close/", sharing.share_revoke, name="share_revoke"),
    path("shared/<str:token>/", sharing.shared_report, name="shared_report"),
    path("shared/<str:token>/report.pdf", sharing.shared_pdf, name="shared_pdf"),
    path("shared/<str:token>/pictures/<int:place>/", sharing.shared_picture, name="shared_picture"),
    path("shared/<str:token>/images/<int:pk>/", sharing.shared_image, name="shared_image"),
]
