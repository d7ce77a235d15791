"""The policy table and what is served are one: each kind of hole between them is found, and closes what it is about."""

from dataclasses import replace
from typing import Any

import pytest

from kernel import policy
from kernel.api.checks import holes
from kernel.api.permissions import ByPolicy
from kernel.api.served import served
from kernel.policy import Rule, Table, allow, paths_in
from marketplace.policy import TABLE
from tests.marketplace.api_people import Person
from tests.marketplace.builders import a_client, owner_of

pytestmark = pytest.mark.django_db


def holes_in(table: Table) -> list[str]:
    return list(holes(table, list(served())))


def with_one_row_changed(action: str, **change: Any) -> Table:
    """The table with the first row of an action changed."""
    first = TABLE.of(action)[0]
    rules: tuple[Rule, ...] = tuple(replace(rule, **change) if rule is first else rule for rule in TABLE.rules)
    return replace(TABLE, rules=rules)


def test_the_table_covers_what_is_served_and_nothing_else() -> None:
    assert holes_in(TABLE) == []


@pytest.mark.parametrize(
    ("action", "where"),
    [
        ("launch_a_job", "POST /api/v1/jobs/<uuid:job_id>/launch/"),
        ("page.home", "/"),
        ("console.billing.payout", "/admin/"),
        ("console.billing.payout.drive_on", "/admin/"),
    ],
)
def test_an_address_without_a_row_is_found(action: str, where: str) -> None:
    assert holes_in(TABLE.without(action)) == [f"{where} has no row: nobody is let do {action}."]


def test_a_row_without_an_address_is_found() -> None:
    more = TABLE.plus(allow("launch_a_rocket", on="job", to="owner"))
    assert holes_in(more) == ["The table has rows for launch_a_rocket, but nothing of that name is served."]


@pytest.mark.parametrize(
    ("change", "hole"),
    [
        ({"role": "superuser"}, "The row of superuser for invite_a_member names a role that there is not: superuser."),
        (
            {"condition": "on Sundays"},
            "The row of owner for invite_a_member names a condition that there is not: on Sundays.",
        ),
        ({"scope": "all"}, "The row of owner for invite_a_member names a scope that there is not: all."),
    ],
)
def test_a_word_that_the_table_does_not_know_is_found(change: dict[str, str], hole: str) -> None:
    assert holes_in(with_one_row_changed("invite_a_member", **change)) == [hole]


def test_a_condition_that_opens_nothing_is_found() -> None:
    table = replace(TABLE, conditions={**TABLE.conditions, "on Sundays": "on Sundays only"})
    table = table.plus(allow("list_jobs", on="job", to="person", when="on Sundays", scope="jobs.read"))
    assert holes_in(table) == ["Nothing says which rows the condition on Sundays opens."]


def test_a_row_that_stands_twice_is_found() -> None:
    table = TABLE.plus(TABLE.of("invite_a_member"))
    assert holes_in(table) == ["The row of owner for invite_a_member stands twice under the condition of their client."]


def test_a_view_that_decides_for_itself_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = next(each for each in served() if each.action == "show_the_books")
    monkeypatch.setattr(offered.view, "permission_classes", [ByPolicy, ByPolicy])
    assert holes_in(TABLE) == ["BooksView decides for itself who may use it; only the policy table does."]


def test_an_operation_whose_rows_are_taken_away_is_closed() -> None:
    client = a_client()
    owner = Person(owner_of(client))
    assert owner.get(f"clients/{client.pk}/balance/")[0] == 200

    policy.install(TABLE.without("show_a_client_s_balance"))
    try:
        status, body = owner.get(f"clients/{client.pk}/balance/")
    finally:
        policy.install(TABLE)

    assert (status, body) == (
        403,
        {"code": "not_allowed", "message": "Nobody may do this: no row of the policy table allows it."},
    )


def test_fields_are_written_as_words_with_parts_in_brackets() -> None:
    assert list(paths_in("id title requirements(skill level(low high)) state")) == [
        "id",
        "title",
        "requirements",
        "requirements.skill",
        "requirements.level",
        "requirements.level.low",
        "requirements.level.high",
        "state",
    ]
