from django.urls import path, register_converter

from . import dicomweb, qido, views


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
    path("held/", views.held_list, name="held_list"),
    path("held/counts/", views.stuck_images, name="stuck_images"),
    path("held/<int:pk>/target/", views.held_target, name="held_target"),
    path("held/<int:pk>/resolve/", views.study_resolve, name="study_resolve"),
    path("held/steps/<int:pk>/link/", views.step_link, name="step_link"),
    path("held/steps/<int:pk>/dismiss/", views.step_dismiss, name="step_dismiss"),
    path("studies/<int:pk>/view/", views.study_viewer, name="study_viewer"),
    path("imaging/orders/<int:pk>/", views.order_images, name="order_images"),
    path("imaging/patients/<int:pk>/", views.patient_studies, name="patient_studies"),
    path("imaging/studies/<int:pk>/thumbnail/", views.study_thumbnail, name="study_thumbnail"),
    path("imaging/instances/<int:pk>/thumbnail/", views.instance_thumbnail, name="instance_thumbnail"),
    path("imaging/studies/<int:pk>/key-images/", views.key_image_create, name="key_image_create"),
    path("imaging/key-images/<int:pk>/", views.key_image_picture, name="key_image_picture"),
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
