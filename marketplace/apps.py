"""Django's entry to the marketplace app."""

from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    name = "marketplace"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Wire the apps together, once all their models are loaded."""
        from marketplace.wiring import wire  # noqa: PLC0415  (models exist only now)

        wire()
