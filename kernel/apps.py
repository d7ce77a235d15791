"""Django's entry to the kernel app."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "kernel"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let `manage.py check` look at the policy."""
        from kernel.api import checks  # noqa: F401, PLC0415  (models exist only now; importing it registers it)
