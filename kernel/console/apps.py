"""Django's entry to the console."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Django's admin, with a site of ours."""

    default_site = "kernel.console.site.Console"
