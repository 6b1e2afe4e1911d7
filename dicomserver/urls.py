from django.urls import URLPattern

app_name = "dicomserver"
urlpatterns: list[URLPattern] = []
