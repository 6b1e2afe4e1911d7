from django.urls import path

from . import views

app_name = "spreadsheets"
urlpatterns = [
    path("", views.run_list, name="list"),
    path("upload/", views.run_upload, name="upload"),
    path("<int:pk>/", views.run_detail, name="run"),
    path("<int:pk>/check/", views.run_check, name="check"),
    path("<int:pk>/import/", views.run_start, name="start"),
    path("<int:pk>/refused/", views.run_refused, name="refused"),
]
