from django.urls import path

from . import document_views, identity_views, merge_views, page_views, taking_views, views

app_name = "patients"
urlpatterns = [
    path("", views.patient_list, name="patient_list"),
    path("new/", views.patient_register, name="patient_register"),
    path("candidates/", views.patient_candidates, name="patient_candidates"),
    path("<int:pk>/", page_views.patient_detail, name="patient_detail"),
    path("<int:pk>/edit/", views.patient_edit, name="patient_edit"),
    path("quick/", views.patient_quick, name="patient_quick"),
    path("<int:pk>/take/", taking_views.patient_take, name="patient_take"),
    path("<int:pk>/summary/", page_views.patient_summary, name="patient_summary"),
    path("<int:pk>/identities/", identity_views.patient_identities, name="patient_identities"),
    path("identifiers/<int:pk>/remove/", identity_views.identifier_remove, name="identifier_remove"),
    path("other-names/<int:pk>/remove/", identity_views.other_name_remove, name="other_name_remove"),
    path("<int:pk>/documents/add/", document_views.document_add, name="document_add"),
    path("documents/<int:pk>/", document_views.document_file, name="document_file"),
    path("documents/<int:pk>/remove/", document_views.document_remove, name="document_remove"),
    path("<int:pk>/merge/", merge_views.patient_merge_choose, name="patient_merge_choose"),
    path("<int:pk>/merge/<int:other>/", merge_views.patient_merge, name="patient_merge"),
    path("merges/<int:pk>/undo/", merge_views.patient_merge_undo, name="patient_merge_undo"),
]
