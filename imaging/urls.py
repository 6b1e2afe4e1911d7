from django.urls import path, register_converter

from . import dicomweb, qido
from .views import held, key_images, parts, quarantine, steps


class UidConverter:
    """A DICOM UID (PS3.5 9): digits and dots; anything else is no address of ours."""

    regex = "[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(UidConverter, "uid")

app_name = "imaging"
_STUDY = "dicom-web/studies/<uid:study_uid>"
_SERIES = f"{_STUDY}/series/<uid:series_uid>"
_INSTANCE = f"{_SERIES}/instances/<uid:instance_uid>"
urlpatterns = [
    path("held/", held.held_list, name="held_list"),
    path("held/counts/", parts.stuck_images, name="stuck_images"),
    path("held/<int:pk>/", held.held_study, name="held_study"),
    path("held/<int:pk>/state/", held.held_state, name="held_state"),
    path("held/<int:pk>/resolve/", held.study_resolve, name="study_resolve"),
    path("held/<int:pk>/new-order/", held.study_new_order, name="study_new_order"),
    path("held/<int:pk>/new-patient/", held.study_new_patient, name="study_new_patient"),
    path("held/<int:pk>/unknown/", held.study_unknown, name="study_unknown"),
    path("held/<int:pk>/discard/", held.study_discard, name="study_discard"),
    path("held/decisions/<int:pk>/undo/", held.decision_undo, name="decision_undo"),
    path("held/steps/<int:pk>/link/", steps.step_link, name="step_link"),
    path("held/steps/<int:pk>/dismiss/", steps.step_dismiss, name="step_dismiss"),
    path("held/quarantine/", quarantine.quarantine_list, name="quarantine_list"),
    path("held/quarantine/<int:pk>/", quarantine.quarantine_item, name="quarantine_item"),
    path("held/quarantine/<int:pk>/preview/", quarantine.quarantine_preview, name="quarantine_preview"),
    path("held/quarantine/<int:pk>/file/", quarantine.quarantine_file, name="quarantine_file"),
    path("held/quarantine/<int:pk>/kept/", quarantine.quarantine_kept, name="quarantine_kept"),
    path("held/quarantine/retry/", quarantine.quarantine_retry, name="quarantine_retry"),
    path("held/quarantine/discard/", quarantine.quarantine_discard, name="quarantine_discard"),
    path("held/quarantine/<int:pk>/restore/", quarantine.quarantine_restore, name="quarantine_restore"),
    path("studies/<int:pk>/view/", parts.study_viewer, name="study_viewer"),
    path("imaging/orders/<int:pk>/", parts.order_images, name="order_images"),
    path("imaging/orders/<int:pk>/arrivals/", parts.order_arrivals, name="order_arrivals"),
    path("imaging/patients/<int:pk>/", parts.patient_studies, name="patient_studies"),
    path("imaging/studies/<int:pk>/thumbnail/", parts.study_thumbnail, name="study_thumbnail"),
    path("imaging/instances/<int:pk>/thumbnail/", parts.instance_thumbnail, name="instance_thumbnail"),
    path("imaging/studies/<int:pk>/key-images/", key_images.key_image_create, name="key_image_create"),
    path("imaging/key-images/<int:pk>/", key_images.key_image_picture, name="key_image_picture"),
    # DICOMweb, PS3.18: no slash at the end
    path("dicom-web/studies", qido.studies, name="qido_studies"),
    path(f"{_STUDY}/series", qido.series, name="qido_series"),
    path(f"{_STUDY}/instances", qido.instances, name="qido_study_instances"),
    path(f"{_SERIES}/instances", qido.instances, name="qido_instances"),
    path(f"{_STUDY}/metadata", dicomweb.metadata, name="study_metadata"),
    path(f"{_SERIES}/metadata", dicomweb.metadata, name="series_metadata"),
    path(f"{_INSTANCE}/metadata", dicomweb.metadata, name="instance_metadata"),
    path(f"{_STUDY}/thumbnail", dicomweb.thumbnail, name="wado_study_thumbnail"),
    path(f"{_SERIES}/thumbnail", dicomweb.thumbnail, name="wado_series_thumbnail"),
    path(f"{_INSTANCE}/thumbnail", dicomweb.thumbnail, name="wado_instance_thumbnail"),
    path(f"{_INSTANCE}/rendered", dicomweb.rendered, name="instance_rendered"),
    path(f"{_INSTANCE}/frames/<int:number>/rendered", dicomweb.rendered, name="frame_rendered"),
    path(f"{_INSTANCE}/frames/<str:numbers>", dicomweb.frames, name="frames"),
    path(_INSTANCE, dicomweb.instance, name="instance"),
]
