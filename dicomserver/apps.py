from django.apps import AppConfig


class DicomserverConfig(AppConfig):
    name = "dicomserver"
