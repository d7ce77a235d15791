"""Signals over real rows: who stands out comes before a person, and nothing else follows from it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kernel import clock
from kernel.services.audit import Actor
from marketplace.background import look_for_signals as the_nightly_look
from marketplace.models import Assignment, Escalation, Job, Signal, SignalLook, Task
from marketplace.queries import turns
from marketplace.services.recall import recall_gold
from marketplace.services.signals import WINDOW, look_for_signals
from qualification.models import GoldQuestion, Score
from qualification.services.doubted_gold import doubt
from qualification.statistics.signals.words import meaning_of
from tests.kernel.people import console_of, made_admin
from tests.marketplace.api_people import Person, an_admin, code_of, somebody
from tests.marketplace.builders import owner_of
from tests.marketplace.signal_crowds import ASKED, COMPARED, GOLD, HONEST, ODD, Crowd, answered, at_work
from tests.qualification.builders import a_user, a_worker
from workforce.models import Worker

pytestmark = pytest.mark.django_db

TOLD = "You answer in about a second. Please look at each text before you answer."
ANSWER = "I use the number keys, and I knew these texts from another job."


def a_crowd_with_odd_ones() -> tuple[Job, dict[str, Worker]]:
    job, workers = at_work(Crowd(people=("honest",) * HONEST + ODD))
    return job, dict(zip(ODD, workers[HONEST:], strict=True))


def a_day_later() -> Any:
    return clock.ahead_by(timedelta(days=1))


def shown(**which: Any) -> dict[Any, set[str]]:
    """The names of the signals that show, by worker."""
    found: dict[Any, set[str]] = {}
    for signal in Signal.objects.filter(state="shown", **which):
        found.setdefault(signal.worker_id, set()).add(signal.name)
    return found


def the_signal(name: str) -> Signal:
    return Signal.objects.get(name=name)


def decide(signal: Signal, decision: str, note: str, *, by: Person | None = None) -> tuple[int, Any]:
    escalation = Signal.objects.get(pk=signal.pk).escalation_id
    return (by or an_admin()).post(f"escalations/{escalation}/decision/", {"decision": decision, "note": note})


def test_those_with_whom_something_is_the_matter_are_named_and_nobody_else() -> None:
    job, odd = a_crowd_with_odd_ones()
    assert shown() == {}

    the_nightly_look()

    assert shown() == {
        odd["hasty"].pk: {"too_fast"},
        odd["same"].pk: {"gold_below_chance", "straight_lines", "one_place"},
        odd["drifting"].pk: {"drift"},
        odd["source"].pk: {"shared_errors"},
        odd["copier"].pk: {"shared_errors"},
    }
    pair = Signal.objects.filter(name="shared_errors").values_list("worker", "partner")
    both = (odd["source"].pk, odd["copier"].pk)
    assert set(pair) == {both, both[::-1]}
    escalations = Escalation.objects.filter(kind="signal", state="open", job=job)
    assert {each.worker_id for each in escalations} == {worker.pk for worker in odd.values()}


def test_gold_that_is_doubted_is_no_reason_for_a_signal() -> None:
    _, odd = a_crowd_with_odd_ones()
    for question in GoldQuestion.objects.filter(for_exam=False):
        doubt(gold_question_id=question.pk, why="Good workers miss it.", by=Actor.system("test"))

    look_for_signals()

    assert "gold_below_chance" not in {name for names in shown().values() for name in names}
    assert shown()[odd["same"].pk] == {"straight_lines", "one_place"}


def test_honest_people_are_left_alone_and_what_was_looked_at_is_written_down() -> None:
    job, _ = at_work(Crowd(seed=2))

    assert look_for_signals() == 1

    assert (Signal.objects.count(), Escalation.objects.count()) == (0, 0)
    assert SignalLook.objects.filter(job=job).values_list("answers", "workers").get() == (900, 10)


def test_nothing_follows_from_a_signal() -> None:
    _, odd = a_crowd_with_odd_ones()
    before = (list(Assignment.objects.order_by("pk").values()), list(Score.objects.order_by("pk").values()))

    look_for_signals()

    assert (list(Assignment.objects.order_by("pk").values()), list(Score.objects.order_by("pk").values())) == before
    assert {Worker.objects.get(pk=worker.pk).state for worker in odd.values()} == {"active"}


def test_a_second_look_on_the_same_day_does_nothing_and_one_without_new_answers_neither() -> None:
    a_crowd_with_odd_ones()
    look_for_signals()
    before = list(Signal.objects.order_by("pk").values())

    assert look_for_signals() == 0
    with a_day_later():
        assert look_for_signals() == 0

    assert list(Signal.objects.order_by("pk").values()) == before


def test_answers_of_today_are_not_looked_at() -> None:
    with clock.ahead_by(timedelta(days=2)):
        a_crowd_with_odd_ones()

    assert look_for_signals() == 0


def test_two_people_are_no_crowd_to_compare_anybody_with() -> None:
    at_work(Crowd(people=("honest", "hasty")))

    assert look_for_signals() == 1

    assert Signal.objects.count() == 0


def test_a_job_is_read_in_few_statements_and_no_more_rows_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = a_crowd_with_odd_ones()
    monkeypatch.setattr(turns, "MOST_ANSWERS", 500)

    with CaptureQueriesContext(connection) as asked:
        look_for_signals()

    assert SignalLook.objects.get(job=job).answers == 500
    assert len(asked) < 60


def test_what_no_longer_shows_passes_with_its_escalation_unless_somebody_has_claimed_it() -> None:
    job, _ = a_crowd_with_odd_ones()
    look_for_signals()
    drift, fast = the_signal("drift"), the_signal("too_fast")
    an_admin().post(f"escalations/{fast.escalation_id}/claim/")
    with clock.ahead_by(WINDOW):
        answered(job, [a_worker()], [(0, GOLD, 1, 9.0)], ordinal=40)  # all others are older than the window by now
        assert look_for_signals() == 1

    drift.refresh_from_db()
    fast.refresh_from_db()
    assert (drift.state, Escalation.objects.get(pk=drift.escalation_id).state) == ("passed", "withdrawn")
    assert (fast.state, Escalation.objects.get(pk=fast.escalation_id).state) == ("shown", "claimed")
    assert code_of(decide(drift, "dismiss", "Seen.")) == (409, "wrong_state")


def test_what_rested_on_gold_that_was_recalled_passes_at_the_next_look_without_a_new_answer() -> None:
    job, odd = a_crowd_with_odd_ones()
    look_for_signals()
    assert "gold_below_chance" in shown()[odd["same"].pk]
    for task in Task.objects.filter(job=job, gold_question__isnull=False):
        assert task.gold_question_id is not None
        recall_gold(gold_question_id=task.gold_question_id, why="It is a rook.", by=owner_of(job.client))

    assert look_for_signals() == 0
    with a_day_later():
        assert (look_for_signals(), look_for_signals()) == (1, 0)

    assert the_signal("gold_below_chance").state == "passed"
    assert shown()[odd["same"].pk] == {"straight_lines", "one_place"}


def test_an_admin_reads_a_signal_with_its_numbers_in_words_and_the_answers_behind_it() -> None:
    job, odd = a_crowd_with_odd_ones()
    look_for_signals()
    admin = an_admin()

    (row,) = admin.every("signals/", name="one_place", job=job.pk)
    status, whole = admin.get(f"signals/{row['id']}/")
    matter = admin.get(f"escalations/{row['escalation']}/")[1]["matter"]

    assert (row["worker"], row["state"], row["jobs"]) == (str(odd["same"].pk), "shown", 1)
    assert row["sentence"].startswith("Choice owl was picked 90 times of 90; the tasks explain ")
    assert (status, len(whole["turns"])) == (200, 50)
    assert {turn["result"][0]["value"]["choices"][0] for turn in whole["turns"]} == {"owl"}
    assert {name: matter[name] for name in ("name", "sentence", "numbers")} == {
        name: row[name] for name in ("name", "sentence", "numbers")
    }
    assert len(admin.every("signals/", worker=odd["same"].pk, limit=2)) == 3
    assert admin.every("signals/", state="dismissed") == []


def test_signals_are_for_admins_and_auditors_alone() -> None:
    job, odd = a_crowd_with_odd_ones()
    look_for_signals()
    signal = the_signal("too_fast")

    for person in (somebody(), Person(owner_of(job.client)), Person(odd["hasty"].user)):
        assert code_of(person.get("signals/")) == (403, "not_allowed")
        assert code_of(person.get(f"signals/{signal.pk}/")) == (403, "not_allowed")
    auditor = Person(made_admin(a_user(), "auditor"))
    assert auditor.get(f"signals/{signal.pk}/")[0] == 200
    assert code_of(decide(signal, "dismiss", "Seen.", by=auditor)) == (403, "not_allowed")


def test_a_worker_learns_nothing_of_a_signal_that_nobody_acted_upon() -> None:
    _, odd = a_crowd_with_odd_ones()
    look_for_signals()
    worker = Person(odd["hasty"].user)
    assert worker.get("signals/me/")[1]["results"] == []

    assert decide(the_signal("too_fast"), "dismiss", "They know these texts.")[0] == 201

    assert worker.get("signals/me/")[1]["results"] == []
    assert the_signal("too_fast").state == "dismissed"


def test_a_worker_who_is_told_reads_why_answers_once_and_another_admin_decides() -> None:
    job, odd = a_crowd_with_odd_ones()
    look_for_signals()
    signal, admin, worker = the_signal("too_fast"), an_admin(), Person(odd["hasty"].user)

    assert code_of(decide(signal, "uphold", TOLD)) == (400, "invalid")
    assert code_of(decide(signal, "tell", "Slow down.")) == (400, "invalid")
    assert decide(signal, "tell", TOLD, by=admin)[0] == 201
    (told,) = worker.every("signals/me/")
    assert (told["state"], told["reason"], told["job"], told["title"]) == ("told", TOLD, str(job.pk), job.title)
    assert told["sentence"].startswith("8.") and told["sentence"].endswith(" over 90 answers.")
    at = f"signals/{signal.pk}/answer/"
    assert code_of(Person(odd["same"].user).post(at, {"text": ANSWER})) == (404, "not_found")
    status, said = worker.post(at, {"text": ANSWER})
    assert (status, said["state"], said["answer"]) == (201, "answered", ANSWER)
    assert code_of(worker.post(at, {"text": ANSWER})) == (409, "nothing_to_answer")

    assert code_of(decide(signal, "dismiss", "Explained.", by=admin)) == (409, "not_yours_to_decide")
    assert decide(signal, "dismiss", "That explains it.")[0] == 201

    (last,) = worker.every("signals/me/")
    assert (last["state"], last["note"]) == ("dismissed", "That explains it.")


def test_what_a_worker_reads_tells_neither_gold_nor_another_worker() -> None:
    _, odd = a_crowd_with_odd_ones()
    look_for_signals()
    signal = the_signal("gold_below_chance")
    decide(signal, "tell", TOLD)
    pair = Signal.objects.get(name="shared_errors", worker=odd["copier"])
    decide(pair, "tell", TOLD)

    (gold,) = Person(odd["same"].user).every("signals/me/")
    (errors,) = Person(odd["copier"].user).every("signals/me/")

    assert not any(character.isdigit() for character in gold["sentence"])
    assert not any(character.isdigit() for character in errors["sentence"])
    assert str(odd["source"].pk) not in str(errors)
    assert set(gold) == set(errors) == {
        "id", "name", "meaning", "sentence", "state", "job", "title", "since", "until", "told_at", "reason",
        "answered_at", "answer", "decided_at", "note",
    }  # fmt: skip


def test_what_a_person_has_looked_at_does_not_come_back_with_the_same_answers() -> None:
    job, odd = a_crowd_with_odd_ones()
    look_for_signals()
    decide(the_signal("too_fast"), "dismiss", "They know these texts.")
    SignalLook.objects.filter(job=job).update(until=clock.now() - timedelta(days=5))

    look_for_signals()

    assert [signal.state for signal in Signal.objects.filter(worker=odd["hasty"])] == ["dismissed"]
    assert len(shown()) == 4


def test_who_works_in_two_jobs_has_one_budget() -> None:
    crowd = Crowd(people=("honest",) * HONEST + ODD)
    _, workers = at_work(crowd)
    at_work(crowd, workers=workers)

    assert look_for_signals() == 2

    assert {signal.jobs for signal in Signal.objects.all()} == {2}


def test_where_no_single_choice_is_asked_times_alone_are_looked_at() -> None:
    asked = ASKED.replace("required", 'choice="multiple" required')
    _, workers = at_work(Crowd(people=("honest",) * HONEST + ODD), asked=asked)

    look_for_signals()

    assert shown() == {workers[HONEST].pk: {"too_fast"}}


def test_of_two_sides_who_always_says_the_same_one_is_seen() -> None:
    people = ("honest",) * HONEST + ("same",)
    _, workers = at_work(Crowd(people=people, choices=2), asked=COMPARED)

    look_for_signals()

    assert shown() == {workers[HONEST].pk: {"gold_below_chance", "straight_lines", "one_place"}}
    assert the_signal("one_place").choice == "right"


def test_the_console_explains_a_signal_and_lets_those_who_certify_decide() -> None:
    _, odd = a_crowd_with_odd_ones()
    look_for_signals()
    signal, admin = the_signal("too_fast"), made_admin(a_user(), "certification")
    console = console_of(admin)
    rows = reverse("admin:marketplace_signal_changelist")

    shown = console.get(reverse("admin:marketplace_signal_change", args=[signal.pk])).content.decode()
    asked = {"action": "tell", "_selected_action": [str(signal.pk)], "reason": TOLD}
    messages = [str(message) for message in console.post(rows, asked, follow=True).context["messages"]]

    assert meaning_of("too_fast") in shown
    assert "times as fast as others at the same items, over 90 answers." in shown
    assert messages == ["1 decided."]
    assert Signal.objects.filter(worker=odd["hasty"]).values_list("state", "told_by").get() == ("told", admin.pk)
    assert console.get(reverse("admin:marketplace_job_change", args=[signal.job_id])).status_code == 403
    assert console_of(made_admin(a_user(), "finance")).get(rows).status_code == 403


def test_the_console_shows_how_evenly_last_weeks_turns_were_shared_out() -> None:
    job, _ = at_work(Crowd(people=("honest",)))
    page = reverse("admin:marketplace_job_change", args=[job.pk])
    console = console_of(made_admin(a_user(), "escalations"))

    assert "turns of the last week" in console.get(page).content.decode().lower()
