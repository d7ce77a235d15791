"""What the documents say is so: names, links, addresses and commands lead somewhere, and words are the words."""

import importlib
import re
from collections.abc import Iterator
from functools import cache
from inspect import isfunction
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from celery import current_app
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from kernel import policy
from tests.architecture import reference
from tests.architecture.project import PACKAGES, ROOT, modules, own_models

PAGES: Final = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
}
SOME_ID: Final = "00000000-0000-4000-8000-000000000000"
LONGEST_ARCHITECTURE: Final = 250
LONGEST_DECISION: Final = 60


def in_code_marks(text: str) -> set[str]:
    """What a page sets in code marks, its blocks of code aside."""
    without_blocks = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"`([^`\n]+)`", without_blocks))


@cache
def by_last_name() -> dict[str, list[str]]:
    """Every module by the last part of its name, for pages that say `posting.post_job`."""
    found: dict[str, list[str]] = {}
    for module in modules():
        found.setdefault(module.__name__.rpartition(".")[2], []).append(module.__name__)
    return found


@cache
def declared() -> frozenset[str]:
    """The names of background tasks, and the actions and scopes of the policy table: looked for once, as that takes."""
    current_app.loader.import_default_modules()
    return frozenset([*current_app.tasks, *policy.table().by_action, *policy.table().scopes])


def resolves(dotted: str) -> bool:
    """Whether a dotted name leads to something in the code, or is a word of the policy table."""
    if dotted in declared():
        return True
    first, *rest = dotted.split(".")
    starts = [first] if first in PACKAGES else by_last_name().get(first, [])
    return any(leads_on(importlib.import_module(start), rest) for start in starts)


def leads_on(thing: Any, names: list[str]) -> bool:
    for place, name in enumerate(names):
        if hasattr(thing, name):
            thing = getattr(thing, name)
            continue
        try:
            importlib.import_module(f"{thing.__name__}.{'.'.join(names[place:])}")
        except (ImportError, AttributeError):
            return False
        return True
    return True


@pytest.mark.parametrize("page", PAGES)
def test_names_of_code_lead_to_code(page: str) -> None:
    known = {*PACKAGES, *by_last_name()}
    dotted = {word for word in in_code_marks(PAGES[page]) if re.fullmatch(r"[a-z_]+(\.[A-Za-z_]\w*)+", word)}
    files = (".md", ".py", ".lock", ".toml", ".csv", ".gz")

    named = {word for word in dotted if word.partition(".")[0] in known and not word.endswith(files)}

    assert sorted(word for word in named if not resolves(word)) == []


@pytest.mark.parametrize("page", PAGES)
def test_named_files_and_links_are_there(page: str) -> None:
    text, folder = PAGES[page], (ROOT / page).parent
    tops = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - {"var"}
    files = {word for word in in_code_marks(text) if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", word) and "/" in word}
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link}

    gone = [name for name in files if name.split("/")[0] in tops and not (ROOT / name).exists()]
    dead = [link for link in links if link and not (folder / link).exists()]

    assert sorted([*gone, *dead]) == []


@pytest.mark.parametrize("page", PAGES)
def test_named_addresses_are_served(page: str) -> None:
    named = set(re.findall(r"(?<![\w.])/(?:api/v1|health|webhooks|admin)/[\w/{}-]*", PAGES[page]))

    assert sorted(address for address in named if not is_served(address)) == []


def is_served(address: str) -> bool:
    """Whether some view is at this address, with an id or a number in each of its places."""
    pieces = re.split(r"\{\w+\}", address)
    filled = ("".join(map(str.__add__, pieces, (*ids, ""))) for ids in product((SOME_ID, "7"), repeat=len(pieces) - 1))
    return address == "/api/v1/" or any(map(leads_somewhere, filled))


def leads_somewhere(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


@pytest.mark.parametrize("page", PAGES)
def test_named_commands_are_there(page: str) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", PAGES[page]))

    assert sorted(named - get_commands().keys() - {"help", "version"}) == []


def test_files_that_the_code_sends_its_reader_to_are_there() -> None:
    sent = {
        (str(path.relative_to(ROOT)), page.replace("ADR ", "docs/adr/"))
        for package in (*PACKAGES, "tests")
        for path in (ROOT / package).rglob("*.py")
        for page in re.findall(r"(?<![\w./])docs/(?:adr/\d{4}|[\w-]+\.md)|ADR \d{4}", path.read_text(encoding="utf-8"))
    }

    assert sorted((path, page) for path, page in sent if not list(ROOT.glob(f"{page}*"))) == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, to_read = set[Path](), [ROOT / "README.md"]
    while to_read:
        page = to_read.pop()
        if page not in reached and page.exists():
            reached.add(page)
            links = re.findall(r"\]\(([^)\s#]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
            to_read += [(page.parent / link).resolve() for link in links if "://" not in link]

    assert sorted({ROOT / page for page in PAGES} - reached) == []


def test_decisions_have_a_number_of_their_own_and_are_short() -> None:
    decisions = sorted(Path(page) for page in PAGES if re.match(r"docs/adr/\d", page))
    numbers = [path.name[:4] for path in decisions]

    assert numbers == sorted(set(numbers))
    assert all(PAGES[str(path)].startswith(f"# {path.name[:4]}: ") for path in decisions)
    assert [path.name for path in decisions if len(PAGES[str(path)].splitlines()) > LONGEST_DECISION] == []


def test_the_page_of_architecture_can_be_read_in_one_go() -> None:
    assert len(PAGES["docs/architecture.md"].splitlines()) < LONGEST_ARCHITECTURE


def glossary() -> Iterator[tuple[str, list[str]]]:
    """Our words, each with what the thing is never called."""
    for row in re.findall(r"^\| \*\*.*\|$", PAGES["docs/glossary.md"], re.MULTILINE):
        word, _, _, _, never = (cell.strip() for cell in row.strip("|").split("|"))
        yield word, [] if never == "–" else [name.strip() for name in never.split(",")]


def public_names() -> Iterator[str]:
    """What tables, events, refusals, services and addresses are called."""
    yield from (model.__name__ for model in own_models())
    yield from reference.events()
    yield from reference.published_schema()["paths"]
    for module in modules():
        yield module.__name__
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", "") == module.__name__ and not name.startswith("_"):
                in_services = ".services." in module.__name__ and isfunction(thing)
                if in_services or (isinstance(thing, type) and issubclass(thing, Exception)):
                    yield name


def words_of(name: str) -> str:
    """The words of a name, each between spaces: `SchemaBreaksAnswers` and `schema_breaks_answers` have the same."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return f" {' '.join(re.findall(r'[A-Za-z]+', split)).lower()} "


def test_nothing_is_called_what_the_glossary_forbids() -> None:
    never = {name: word for word, names in glossary() for name in names}
    ours = [name for name in public_names() if "stripe" not in name.lower() and ".demo" not in name]

    misnamed = {
        f"{name}: not {wrong}, but {never[wrong]}"
        for name in ours
        for wrong in never
        if f" {wrong} " in words_of(name) or f" {wrong}s " in words_of(name)
    }

    assert len(never) > 40
    assert sorted(misnamed) == []
