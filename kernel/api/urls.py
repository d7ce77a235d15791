"""The kernel's part of `/api/v1/`."""

from django.urls import path

from kernel.api.api_keys import ApiKeysView, ApiKeyView
from kernel.api.people import MeView, SessionView, UsersView

urlpatterns = [
    path("users/", UsersView.as_view()),
    path("session/", SessionView.as_view()),
    path("me/", MeView.as_view()),
    path("api-keys/", ApiKeysView.as_view()),
    path("api-keys/<uuid:api_key_id>/", ApiKeyView.as_view()),
]
