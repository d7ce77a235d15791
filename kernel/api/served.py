"""Every address that is served, and what the policy table calls it: for the system check, the docs and the tests."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Served:
    """One thing that can be asked for: by which method where, and the action that it is."""

    action: str
    address: str
    method: str = ""
    view: type[Any] | None = None

    @property
    def handler(self) -> Callable[..., Any] | None:
        """The method of the view that answers, with what its operation declares; None for a page."""
        return getattr(self.view, self.method) if self.view is not None else None


def served() -> Iterator[Served]:
    """All of it: the operations of the API, the pages, and the console's sections and actions."""
    yield from _addresses(get_resolver().url_patterns, "/", "")
    if any(pattern.app_name == "admin" for pattern in _resolvers(get_resolver().url_patterns)):
        yield from _sections()


def _addresses(patterns: Iterable[Any], above: str, namespace: str) -> Iterator[Served]:
    for pattern in patterns:
        address = above + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, address, pattern.namespace or namespace)
        elif isinstance(pattern, URLPattern):
            yield from _at(pattern, address, namespace)


def _at(pattern: URLPattern, address: str, namespace: str) -> Iterator[Served]:
    view = getattr(pattern.callback, "cls", None)
    operations = [name for name in METHODS if hasattr(getattr(view, name, None), "action")]
    if operations:
        yield from (Served(getattr(view, name).action, address, name, view) for name in operations)
    elif not (namespace == "admin" and _is_inside_a_section(pattern)):
        name = f"{namespace}:{pattern.name}" if namespace else str(pattern.name)
        yield Served(f"page.{name}", address)


def _is_inside_a_section(pattern: URLPattern) -> bool:
    """Whether an address of the console shows rows, or leads nowhere: its section's row speaks for it."""
    sections = tuple(f"{model._meta.app_label}_{model._meta.model_name}_" for model in admin.site._registry)
    return pattern.name is None or pattern.name.startswith(sections)


def _resolvers(patterns: Iterable[Any]) -> Iterator[URLResolver]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield pattern
            yield from _resolvers(pattern.url_patterns)


def _sections() -> Iterator[Served]:
    for model, shown in admin.site._registry.items():
        section = f"console.{model._meta.label_lower}"
        yield Served(section, "/admin/")
        for action in shown.actions or ():
            name = action if isinstance(action, str) else action.__name__
            yield Served(f"{section}.{name}", "/admin/")
