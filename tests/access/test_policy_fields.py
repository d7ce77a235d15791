"""Fields are shown and taken as the rows of the policy say: what no row names is neither shown nor taken."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from kernel import policy
from kernel.api.checks import holes
from kernel.api.served import served
from kernel.policy import Rule, Table
from kernel.shown_fields import not_taken, paths_of, shown, tree_of
from marketplace.policy import TABLE
from tests.marketplace.api_people import Person, somebody
from tests.marketplace.builders import a_client, a_draft, a_share, a_worker, an_open_job, owner_of
from tests.qualification.builders import an_answer

pytestmark = pytest.mark.django_db


def without_field(action: str, path: str, *, part: str = "reads", role: str = "") -> Table:
    """The table in which the rows of an action (or those of one role) do not name a field."""

    def cut(rule: Rule) -> Rule:
        if rule.action != action or (role and rule.role != role):
            return rule
        kept = tuple(name for name in getattr(rule, part) if name != path and not name.startswith(f"{path}."))
        return replace(rule, writes=kept) if part == "writes" else replace(rule, reads=kept)

    return replace(TABLE, rules=tuple(map(cut, TABLE.rules)))


@contextmanager
def in_force(table: Table) -> Iterator[None]:
    policy.install(table)
    try:
        yield
    finally:
        policy.install(TABLE)


def holes_in(table: Table) -> list[str]:
    return list(holes(table, list(served())))


@pytest.mark.parametrize(
    ("action", "path"),
    [("show_a_client", "country"), ("claim_a_task", "label_schema.parsed.needs"), ("sign_in", "token")],
)
def test_a_field_that_no_row_lets_anybody_read_is_found(action: str, path: str) -> None:
    assert holes_in(without_field(action, path)) == [f"No row lets anybody read {path} of {action}."]


def test_a_field_that_no_row_lets_anybody_write_is_found() -> None:
    table = without_field("post_a_job", "requirements.skill", part="writes")
    assert holes_in(table) == ["No row lets anybody write requirements.skill of post_a_job."]


def test_a_row_that_names_a_field_that_there_is_not_is_found() -> None:
    first = TABLE.of("show_the_books")[0]
    table = replace(TABLE, rules=(replace(first, role="access", reads=(*first.reads, "secret")), *TABLE.rules))
    assert holes_in(table) == ["A row lets somebody read secret of show_the_books, which has no such field."]


def test_a_field_that_the_schema_promises_to_all_and_a_row_withholds_is_found() -> None:
    assert holes_in(without_field("show_a_client", "country", role="auditor")) == [
        "The schema promises country of show_a_client to everybody, but not every row reads it: required=False."
    ]


def test_a_field_that_the_role_may_not_read_is_not_in_the_answer() -> None:
    client = a_client()
    owner = Person(owner_of(client))
    with in_force(without_field("show_a_client", "country")):
        assert sorted(owner.get(f"clients/{client.pk}/")[1]) == ["created_at", "id", "name"]
    with in_force(without_field("list_clients", "name")):
        (row,) = owner.get("clients/")[1]["results"]
        assert sorted(row) == ["country", "created_at", "id"]


def test_a_part_that_the_role_may_not_read_is_cut_out_of_its_field_also_where_answers_are_put_together_by_hand() -> (
    None
):
    job = an_open_job(tasks=2, gold=1, gold_share_basis_points=0)
    worker = Person(a_worker(job).user)
    with in_force(without_field("claim_a_task", "label_schema.xml")):
        turn = worker.post("assignments/", {"job": str(job.pk)})[1]
    assert sorted(turn["label_schema"]) == ["parsed"]
    with in_force(without_field("submit_an_answer", "rejection")):
        answered = worker.post(f"assignments/{turn['id']}/submit/", {"result": an_answer("dog")})[1]
    assert "rejection" not in answered


def test_a_field_that_the_role_may_not_write_is_refused_as_if_it_were_not_there() -> None:
    owner = somebody()
    with in_force(without_field("create_a_client", "country", part="writes")):
        status, said = owner.post("clients/", {"name": "Museum", "country": "GB"})
    assert (status, said["errors"]) == (
        400,
        [{"field": "country", "message": "There is no such field here. Known fields: name."}],
    )


def test_what_is_kept_of_an_answer_is_shown_as_the_policy_is_when_it_is_asked_for_again() -> None:
    owner, body = somebody(), {"name": "Museum", "country": "GB"}
    first = owner.post("clients/", body, key="one")[1]
    with in_force(without_field("create_a_client", "country")):
        again = owner.post("clients/", body, key="one")[1]
    assert again == {name: value for name, value in first.items() if name != "country"}


def test_what_one_reads_of_a_job_follows_from_the_role_that_one_has_on_this_very_job() -> None:
    own, others = a_client(funds_minor=5_000), a_client(funds_minor=7_000)
    person = owner_of(own)
    mine, shared = a_draft(client=own, tasks=1), a_draft(client=others, tasks=1)
    a_share(shared, guest=person)
    at_the_api = Person(person)

    assert at_the_api.get(f"jobs/{mine.pk}/estimate/")[1]["available_minor"] == 5_000
    assert "available_minor" not in at_the_api.get(f"jobs/{shared.pk}/estimate/")[1]


def test_a_worker_is_shown_of_a_job_what_workers_are_and_its_client_what_clients_are() -> None:
    job = an_open_job(tasks=1)
    _, to_worker = Person(a_worker(job).user).get(f"jobs/{job.pk}/")
    _, to_owner = Person(owner_of(job.client)).get(f"jobs/{job.pk}/")
    by_role = {rule.role: {path for path in rule.reads if "." not in path} for rule in TABLE.of("show_a_job")}

    assert to_worker.keys() == by_role["worker"]
    assert to_owner.keys() == by_role["owner"]
    assert {"progress", "fee_minor", "gold_share_basis_points"} & to_worker.keys() == set()


def test_rows_that_may_open_different_fields_show_what_they_have_in_common_until_the_row_is_known() -> None:
    owner, viewer = (rule for rule in TABLE.of("estimate_a_job") if rule.role in ("owner", "viewer"))
    both = TABLE.fields_of((owner, viewer), "reads")
    assert set(paths_of(both)) == set(viewer.reads)
    assert "available_minor" in TABLE.fields_of((owner,), "reads")


def test_a_field_whose_parts_are_all_withheld_is_shown_empty_and_not_whole() -> None:
    one = Rule("owner", "x", "a", "own", reads=("money", "money.spent"))
    other = Rule("viewer", "x", "a", "shared", reads=("money", "money.held"))
    tree = Table({}, {}, {}, (one, other)).fields_of((one, other), "reads")
    assert shown({"money": {"spent": 1, "held": 2}}, tree) == {"money": {}}


def test_trees_of_fields_cut_answers_and_find_what_is_not_taken() -> None:
    tree = tree_of(["id", "parts", "parts.size", "any"])
    value = {"id": 1, "secret": 2, "parts": [{"size": 1, "price": 2}, {"price": 3}], "any": {"kept": {"as": "it is"}}}

    assert shown(value, tree) == {"id": 1, "parts": [{"size": 1}, {}], "any": {"kept": {"as": "it is"}}}
    assert shown(None, tree) is None
    assert not_taken(value, tree) == {
        "secret": "There is no such field here. Known fields: any, id, parts.",
        "parts": {
            "0": {"price": "There is no such field here. Known fields: size."},
            "1": {"price": "There is no such field here. Known fields: size."},
        },
    }
