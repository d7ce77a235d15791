"""Habits that no linter knows, as facts about the code."""

import ast
import dataclasses
import re
from typing import Final

from celery import current_app
from django.conf import settings
from django.db import models

from kernel.services.outbox import subscriptions
from tests.architecture import reference
from tests.architecture.project import PACKAGES, ROOT, calls_in, own_models, sources, stateful_models, states_of

LONGEST_FILE: Final = 400

SPEAK_TO_STRIPE: Final = {f"billing/stripe_{part}.py" for part in ("gateway", "records", "transport", "webhooks")}
STRIPE_DOUBLE: Final = "billing/demo/stripe_double/"

SENT_BY_OTHERS: Final = {"kernel.deliver_message", "kernel.show_worker_life", "kernel.show_pulse"}
"""Background functions that the relay or a supervisor wakes up, and not the clock."""

STATES_WITHOUT_A_FLOW: Final = {"OutboxMessage"}
"""Led by its lease: each step is one UPDATE with the condition that makes it safe."""

MOVED_IN_BULK: Final = {"marketplace/services/completion.py"}
"""Where many rows change state at once; the flow is held by the trigger."""

READ_THE_RIGHT_ANSWER: Final = {
    "marketplace/queries/confusions.py",  # of trusted gold
    "marketplace/services/gold.py",  # judges who answered, until a recall
    "marketplace/services/gold_review.py",  # doubts it
    "marketplace/services/slots.py",  # what a worker has met, and which class seldom
    "qualification/queries.py",  # `trusted_gold` itself
    "qualification/services/exams.py",  # judges who answered, until a recall
}
"""Whatever else wants to know what is right by gold asks `qualification.queries.trusted_gold`."""

GONE_WITH_WHAT_THEY_BELONG_TO: Final = {
    "ApiKey.user",
    "Challenge.user",
    "EmailLink.user",
    "ClientUserObjectPermission.content_object",
    "ClientUserObjectPermission.permission",
    "ClientUserObjectPermission.user",
    "IdempotencyRecord.user",
    "JobUserObjectPermission.content_object",
    "JobUserObjectPermission.permission",
    "JobUserObjectPermission.user",
    "Membership.client",
    "Membership.user",
    "Requirement.job",
    "Session.user",
}
"""Ways in, memberships and grants. Labels, answers and money are never deleted with a person."""


def files_where(found: dict[str, bool]) -> list[str]:
    return sorted(path for path, is_so in found.items() if is_so)


def imports_of(tree: ast.Module) -> set[str]:
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return imported | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_one_file_speaks_to_stripe_over_one_that_reaches_it() -> None:
    speaking = {
        str(path)
        for path, tree in sources().items()
        if any(name.partition(".")[0] == "stripe" for name in imports_of(tree))
    }

    assert {path for path in speaking if not path.startswith(STRIPE_DOUBLE)} == SPEAK_TO_STRIPE


def test_gold_is_taken_for_the_truth_through_one_door() -> None:
    read = re.compile(r"qualification_goldquestion|gold_question(\.|__)answer_key|\bquestion\.answer_key")
    assert {str(path) for path in sources() if read.search((ROOT / path).read_text())} == READ_THE_RIGHT_ANSWER


def test_one_file_speaks_to_other_peoples_servers() -> None:
    clients = {"http.client", "urllib.request", "requests", "urllib3", "httpx", "httpcore", "aiohttp", "pycurl"}
    speaking = files_where({str(path): bool(imports_of(tree) & clients) for path, tree in sources().items()})

    to_our_own = ("/demo/", "/bench/", "/chaos/")
    assert [path for path in speaking if not any(each in path for each in to_our_own)] == ["kernel/outbound.py"]


def test_nothing_of_the_business_happens_by_signal() -> None:
    signals = {"django.db.models.signals", "django.dispatch", "django.core.signals", "django.contrib.auth.signals"}

    assert files_where({str(path): bool(imports_of(tree) & signals) for path, tree in sources().items()}) == []


def test_all_reactions_are_wired_on_one_page() -> None:
    wiring = {str(path): any(calls_in(tree, "subscribe")) for path, tree in sources().items()}

    assert files_where(wiring) == ["marketplace/wiring.py"]


def test_reactions_follow_declared_events() -> None:
    assert {s.event for s in subscriptions()} <= set(reference.events().values())


def test_events_are_frozen_and_plain() -> None:
    plain = {"str", "int", "float", "bool", str, int, float, bool}

    for name, event in reference.events().items():
        frozen = event.__dataclass_params__.frozen  # type: ignore[attr-defined]  # each is a dataclass
        assert frozen, f"{name} could be changed after it was announced."
        assert {field.type for field in dataclasses.fields(event)} <= plain, f"{name} is more than plain JSON values."


def test_every_event_is_announced_by_the_app_that_declares_it() -> None:
    announced = {
        (path.parts[0], name)
        for path, tree in sources().items()
        for announcement in calls_in(tree, "announce")
        for name in reference.events()
        if announcement.args and any(calls_in(announcement.args[0], name))
    }

    assert announced == {(event.__module__.partition(".")[0], name) for name, event in reference.events().items()}


def test_every_sweep_is_on_the_clock() -> None:
    current_app.loader.import_default_modules()
    ours = {name for name in current_app.tasks if not name.startswith("celery.")}

    assert {task for task, _ in settings.BEAT.values()} == ours - SENT_BY_OTHERS


def test_models_with_states_have_a_flow() -> None:
    with_states = {model.__name__ for model in own_models() if hasattr(model, "State")}

    assert with_states - STATES_WITHOUT_A_FLOW == {model.__name__ for model in stateful_models()}
    assert all(states_of(model) == list(model.State.values) for model in stateful_models())  # type: ignore[attr-defined]


def test_states_are_moved_through_one_door() -> None:
    def assigns_state(tree: ast.Module) -> bool:
        targets = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "state")
        return any(isinstance(target.ctx, ast.Store) for target in targets)

    def updates_state(tree: ast.Module) -> bool:
        return any(keyword.arg == "state" for call in calls_in(tree, "update") for keyword in call.keywords)

    doors = {"kernel/flow.py", "kernel/services/outbox.py"}
    assert set(files_where({str(path): assigns_state(tree) for path, tree in sources().items()})) == doors
    assert set(files_where({str(path): updates_state(tree) for path, tree in sources().items()})) == {
        "kernel/services/outbox.py",
        *MOVED_IN_BULK,
    }


def test_rows_are_locked_without_meeting_the_locks_of_foreign_keys() -> None:
    def locks_too_hard(tree: ast.Module) -> bool:
        return any(
            not any(keyword.arg == "no_key" for keyword in call.keywords)
            for call in calls_in(tree, "select_for_update")
        )

    # Repricing keeps out those who refer to its job, and says why; it locks nothing before.
    assert files_where({str(path): locks_too_hard(tree) for path, tree in sources().items()}) == [
        "marketplace/services/repricing.py"
    ]


def test_the_time_comes_from_the_clock() -> None:
    def asks_elsewhere(tree: ast.Module) -> bool:
        return any(
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id in {"datetime", "timezone", "date"}
            for name in ("now", "utcnow", "today")
            for call in calls_in(tree, name)
        )

    assert files_where({str(path): asks_elsewhere(tree) for path, tree in sources().items()}) == ["kernel/clock.py"]


def test_deleting_takes_along_nothing_but_ways_in_and_grants() -> None:
    cascading = {
        f"{model.__name__}.{field.name}"
        for model in own_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.remote_field.on_delete is models.CASCADE
    }

    assert cascading == GONE_WITH_WHAT_THEY_BELONG_TO


def test_tables_are_plain() -> None:
    for model in own_models():
        assert not model._meta.ordering, f"{model.__name__}: lists say themselves in which order they are."
        assert "save" not in vars(model) and "delete" not in vars(model), f"{model.__name__}: writing is for services."
        assert (model.__doc__ or "").strip(), f"{model.__name__} says what its rows are."


def test_every_file_says_what_it_is_for_and_is_short() -> None:
    silent = {str(path): bool(tree.body) and ast.get_docstring(tree) is None for path, tree in sources().items()}
    lengths = {
        str(path): max((node.end_lineno or 0 for node in tree.body), default=0) for path, tree in sources().items()
    }

    assert files_where(silent) == []
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_scripts_of_ours_listen_to_no_other_window_and_write_no_markup() -> None:  # [B105]
    words = ("message", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(")
    scripts = [path for package in (*PACKAGES, "templates") for path in (ROOT / package).rglob("*.js")]

    assert [path.name for path in scripts] == ["security_key.js"]
    assert [word for path in scripts for word in words if word in path.read_text(encoding="utf-8")] == []
