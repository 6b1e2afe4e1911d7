from django.urls import path

from . import connect_views, exchange_views, views

app_name = "dicomserver"
urlpatterns = [
    path("", views.node_list, name="node_list"),
    path("add/", views.node_add, name="node_add"),
    path("sends/", exchange_views.send_list, name="send_list"),
    path("sends/stuck/", exchange_views.stuck_transfers, name="stuck_transfers"),
    path("sends/<int:pk>/retry/", exchange_views.send_retry, name="send_retry"),
    path("sends/<int:pk>/cancel/", exchange_views.send_cancel, name="send_cancel"),
    path("fetches/<int:pk>/retry/", exchange_views.fetch_retry, name="fetch_retry"),
    path("fetches/<int:pk>/cancel/", exchange_views.fetch_cancel, name="fetch_cancel"),
    path("commitments/<int:pk>/retry/", exchange_views.commitment_retry, name="commitment_retry"),
    path("studies/<int:pk>/send/", exchange_views.study_send, name="study_send"),
    path("patients/<int:pk>/priors/", exchange_views.prior_list, name="prior_list"),
    path("patients/<int:pk>/priors/fetch/", exchange_views.prior_fetch, name="prior_fetch"),
    path("settings/", views.settings_change, name="settings_change"),
    path("certificate/", connect_views.own_certificate_file, name="own_certificate_file"),
    path("<int:pk>/connect/", connect_views.node_connect, name="node_connect"),
    path("<int:pk>/reach/", connect_views.node_reach, name="node_reach"),
    path("<int:pk>/try/<str:what>/", connect_views.node_try, name="node_try"),
    path("<int:pk>/trust/", connect_views.node_trust, name="node_trust"),
    path("<int:pk>/", views.node_edit, name="node_edit"),
    path("<int:pk>/accept/", views.node_accept, name="node_accept"),
    path("<int:pk>/refuse/", views.node_refuse, name="node_refuse"),
    path("<int:pk>/echo/", views.node_echo, name="node_echo"),
]
