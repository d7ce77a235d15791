"""Django's entry to the kernel app."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "kernel"
    default_auto_field = "django.db.models.BigAutoField"
