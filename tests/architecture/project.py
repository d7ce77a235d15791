"""The project's own code and tables, as the architecture tests look at them."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from django.apps import apps
from django.db import models

from kernel.flow import Flow

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("kernel", "billing", "workforce", "qualification", "marketplace")
"""The apps from the lowest to the highest: each knows those before it only."""


def own_models() -> list[type[models.Model]]:
    """Every table of ours, lowest app first, in the order of the app's registry."""
    return [model for package in PACKAGES for model in apps.get_app_config(package).get_models()]


def stateful_models() -> dict[type[models.Model], Flow]:
    """The models whose states are moved by `kernel.flow.move`, each with its flow."""
    return {model: model.FLOW for model in own_models() if hasattr(model, "FLOW")}


def state_field(model: type[models.Model]) -> "models.CharField[str, str]":
    """The column that holds a stateful model's state."""
    field = model._meta.get_field("state")
    assert isinstance(field, models.CharField)
    return field


def states_of(model: type[models.Model]) -> list[str]:
    """The states that rows of a model may be in, as they are declared."""
    return [str(value) for value, _ in state_field(model).choices or ()]


def sources() -> dict[Path, ast.Module]:
    """Every module of the packages by its path from the root, migrations aside, as a syntax tree."""
    return {path.relative_to(ROOT): _parsed(path) for package in PACKAGES for path in _python_files(ROOT / package)}


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every module of the packages, imported; processes of their own (settings, wsgi) aside."""
    return tuple(importlib.import_module(name) for package in PACKAGES for name in _module_names(package))


def calls_in(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """The calls in ``tree`` of a function or class that is called ``name``, with or without a module before it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if (isinstance(called, ast.Name) and called.id == name) or (
                isinstance(called, ast.Attribute) and called.attr == name
            ):
                yield node


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _python_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "migrations" not in path.parts)


def _module_names(package: str) -> Iterator[str]:
    for module in pkgutil.walk_packages([str(ROOT / package)], prefix=f"{package}."):
        if ".migrations" not in module.name and module.name.rpartition(".")[2] not in {"wsgi", "__main__"}:
            yield module.name
