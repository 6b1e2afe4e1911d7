from django.urls import path

from . import views

app_name = "dicomserver"
urlpatterns = [
    path("", views.node_list, name="node_list"),
    path("add/", views.node_add, name="node_add"),
    path("<int:pk>/", views.node_edit, name="node_edit"),
    path("<int:pk>/accept/", views.node_accept, name="node_accept"),
    path("<int:pk>/refuse/", views.node_refuse, name="node_refuse"),
    path("<int:pk>/echo/", views.node_echo, name="node_echo"),
]
