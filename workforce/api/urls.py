"""Workforce's part of `/api/v1/`."""

from django.urls import path

from workforce.api.applications import ApplicationsView, ApplicationView, ApprovalView, DeclineView
from workforce.api.workers import (
    IdentityReadingView,
    MyTaxIdView,
    MyWorkerView,
    OffboardingView,
    PauseView,
    ReinstatementView,
    ResumptionView,
    SuspensionView,
    WorkersView,
    WorkerView,
)

urlpatterns = [
    path("applications/", ApplicationsView.as_view()),
    path("applications/<uuid:application_id>/", ApplicationView.as_view()),
    path("applications/<uuid:application_id>/approve/", ApprovalView.as_view()),
    path("applications/<uuid:application_id>/decline/", DeclineView.as_view()),
    path("workers/", WorkersView.as_view()),
    path("workers/me/", MyWorkerView.as_view()),
    path("workers/me/tax-id/", MyTaxIdView.as_view()),
    path("workers/<uuid:worker_id>/", WorkerView.as_view()),
    path("workers/<uuid:worker_id>/pause/", PauseView.as_view()),
    path("workers/<uuid:worker_id>/resume/", ResumptionView.as_view()),
    path("workers/<uuid:worker_id>/suspend/", SuspensionView.as_view()),
    path("workers/<uuid:worker_id>/reinstate/", ReinstatementView.as_view()),
    path("workers/<uuid:worker_id>/offboard/", OffboardingView.as_view()),
    path("workers/<uuid:worker_id>/identity-reading/", IdentityReadingView.as_view()),
]
