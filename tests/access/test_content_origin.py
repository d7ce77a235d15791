"""The content origin: who is shown a file, until when, and with what said beside it; and that there is nothing else."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as project
from django.core.signing import Signer
from django.test import Client as Browser
from pytest_django import Settings

from kernel import clock
from kernel.models import ApiKey, Session, User
from kernel.services.access import sign_in
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, JobUserObjectPermission, Task
from marketplace.services.allocation import claim_task
from marketplace.services.escalations import open_escalation
from marketplace.services.expiry import return_assignment
from tests.access.world import PASSWORD, in_person
from tests.by_hand import by_hand
from tests.kernel.pictures import a_picture
from tests.marketplace.api_people import Person, an_admin
from tests.marketplace.builders import ALWAYS_GOLD, NEVER_GOLD, a_share, a_worker, owner_of
from tests.marketplace.media_flows import SHOWS_AN_IMAGE, Got, a_job_of_pictures, get, on_the_content_origin, send
from tests.qualification.builders import a_skill, a_user, an_answer
from tests.qualification.builders import a_worker as an_uncertified_worker
from tests.qualification.builders import an_admin as an_acting_admin
from workforce.models import Worker
from workforce.services import standing

pytestmark = pytest.mark.django_db

GONE = b"This address is good no more: it has run out, or what it was made for is over. Ask for a new one.\n"


def shown_to(worker: Worker, *, person: Person | None = None, **which: Any) -> tuple[Person, str, str]:
    """A worker at a task: themselves, the assignment, and the address of the picture that it shows."""
    at_work = person or in_person(worker.user)
    turn = claim_task(worker=worker, **which)
    status, shown = at_work.get(f"assignments/{turn.pk}/")
    assert status == 200
    return at_work, str(turn.pk), shown["item"]["image"]


def is_gone(got: Got) -> bool:
    """Whether an address is refused: in the same words, whatever stands in the way."""
    return (got.status, got.body, got.headers["Content-Type"]) == (403, GONE, "text/plain; charset=utf-8")


def test_a_worker_is_shown_the_picture_of_the_task_that_they_hold() -> None:
    job = a_job_of_pictures()
    _, _, address = shown_to(a_worker(job))

    got = get(address)

    assert got.status == 200
    assert got.headers == {
        "Content-Type": "image/png",
        "Content-Length": str(len(got.body)),
        "Content-Disposition": got.headers["Content-Disposition"],
        "Content-Security-Policy": "default-src 'none'; sandbox; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Accept-Ranges": "none",
    }
    assert got.headers["Content-Disposition"].startswith("attachment; filename=")
    assert get(address, method="HEAD") == Got(200, got.headers, b"")
    assert get(address, range="bytes=0-3") == got
    assert get(address, range="bytes=9-1,x") == got
    assert get(address, if_none_match='"x"', cookie="sessionid=1", origin="null", referer="https://x.test/") == got


def test_a_claim_over_http_gives_the_address_and_so_does_every_look_while_it_lasts() -> None:
    job = a_job_of_pictures()
    worker = a_worker(job)
    person = in_person(worker.user)

    status, turn = person.post("assignments/", {"job": str(job.pk)})
    with clock.ahead_by(timedelta(minutes=5)):
        again = person.get(f"assignments/{turn['id']}/")[1]

    assert status == 201
    assert turn["item"]["image"] != again["item"]["image"]
    assert get(turn["item"]["image"]).body == get(again["item"]["image"]).body
    person.post(f"assignments/{turn['id']}/submit/", {"result": an_answer_about_a_picture("cat")})
    over = person.get(f"assignments/{turn['id']}/")[1]
    assert over["item"]["image"].startswith("media:")


def an_answer_about_a_picture(animal: str) -> list[dict[str, object]]:
    return [{**an_answer(animal)[0], "from_name": "animal", "to_name": "picture"}]


ENDS: dict[str, Callable[[Worker, Assignment], object]] = {
    "returned": lambda worker, turn: return_assignment(assignment_id=turn.pk, worker=worker),
    "suspended": lambda worker, _: standing.suspend_worker(worker_id=worker.pk, why="Copied.", by=an_acting_admin()),
    "offboarded": lambda worker, _: standing.offboard_worker(worker_id=worker.pk, why="Bye.", by=an_acting_admin()),
    "signed out": lambda worker, _: Session.objects.filter(user=worker.user).update(revoked_at=clock.now()),
    "signed in elsewhere": lambda worker, _: sign_in(email=worker.user.email, password=PASSWORD),
    "not active any more": lambda worker, _: User.objects.filter(pk=worker.user_id).update(is_active=False),
}


@pytest.mark.parametrize("how", ENDS)
def test_what_ends_a_claim_or_a_session_ends_the_address(how: str) -> None:  # [B121, B143]
    job = a_job_of_pictures(tasks=2)
    worker = a_worker(job)
    _, turn_id, address = shown_to(worker)
    assert get(address).status == 200

    with by_hand():
        ENDS[how](worker, Assignment.objects.get(pk=turn_id))

    assert is_gone(get(address))


def test_an_answer_ends_the_address() -> None:  # [B143]
    job = a_job_of_pictures()
    person, turn_id, address = shown_to(a_worker(job))

    person.post(f"assignments/{turn_id}/submit/", {"result": an_answer_about_a_picture("cat")})

    assert is_gone(get(address))


def test_an_address_lasts_ten_minutes_and_no_longer_than_the_reservation() -> None:  # [B143]
    long, short = a_job_of_pictures(reservation_seconds=3600), a_job_of_pictures(reservation_seconds=60)
    for job, lasts in ((long, timedelta(minutes=10)), (short, timedelta(seconds=60))):
        person, turn_id, address = shown_to(a_worker(job))
        with clock.ahead_by(lasts - timedelta(seconds=5)):
            person.get(f"assignments/{turn_id}/")
            assert get(address).status == 200
        with clock.ahead_by(lasts + timedelta(seconds=1)):
            person.get(f"assignments/{turn_id}/")
            assert is_gone(get(address))


def test_a_suspended_worker_who_signs_in_again_is_shown_nothing() -> None:  # [B121]
    worker = a_worker(a_job_of_pictures())
    _, turn_id, _ = shown_to(worker)
    standing.suspend_worker(worker_id=worker.pk, why="Copied.", by=an_acting_admin())

    shown = in_person(worker.user).get(f"assignments/{turn_id}/")[1]

    assert is_gone(get(shown["item"]["image"]))


def test_a_paused_worker_finishes_what_they_hold() -> None:
    worker = a_worker(a_job_of_pictures())
    _, _, address = shown_to(worker)
    standing.pause_worker(
        worker_id=worker.pk, until=clock.now() + timedelta(hours=1), why="Too fast.", by=an_acting_admin()
    )
    assert get(address).status == 200


def altered(address: str) -> list[str]:
    """The address with a character changed at every place, and in other ways."""
    origin, _, written = address.rpartition("/")
    said, _, signature = written.partition(".")
    other = {True: "B", False: "A"}
    changed = [written[:n] + other[letter == "A"] + written[n + 1 :] for n, letter in enumerate(written)]
    packed = base64.urlsafe_b64decode(said)
    later = base64.urlsafe_b64encode(packed[:-4] + bytes(4 * [0xFF])).decode()
    foreign = Signer(key="another key of fifty characters, and a few more of them", salt="assay.content", sep=".")
    other_salt = Signer(salt="django.core.signing", sep=".")
    return [
        *(f"{origin}/{each}" for each in changed if "." in each),
        f"{origin}/{later}.{signature}",
        f"{origin}/{foreign.sign(said)}",
        f"{origin}/{other_salt.sign(said)}",
        f"{origin}/{said}.{'A' * 43}",
    ]


def test_an_altered_address_is_refused_whatever_was_altered() -> None:  # [B142, B143]
    _, _, address = shown_to(a_worker(a_job_of_pictures()))
    tried = altered(address)
    assert len(tried) > 135
    assert [each for each in tried if not is_gone(get(each))] == []
    assert get(address).status == 200


def test_the_key_of_yesterday_signs_nothing_today(settings: Settings) -> None:  # [B146]
    _, _, address = shown_to(a_worker(a_job_of_pictures()))
    settings.SECRET_KEY = "another key of fifty characters, and a few more of them"
    assert is_gone(get(address))


NOT_HERE = [
    "/", "//", "/media/", "/static/admin/css/base.css", "/api/v1/me/", "/admin/", "/health/live", "/favicon.ico",
    "/static../settings.py", "/media/../secret_key", "/..%2f..%2fsecret_key", "/%2e%2e/secret_key", "/media/%2e%2e/x",
    "/\u00e9", "/" + "a" * 5_000, "/a.b", "/" + "A" * 92 + "." + "A" * 43 + "/x.png",
]  # fmt: skip


@pytest.mark.parametrize("path", NOT_HERE)
def test_nothing_else_is_here(path: str) -> None:  # [B062]
    got = get(on_the_content_origin(path))
    assert (got.status, got.body) == (404, b"There is nothing here.\n")
    assert got.headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox;")
    assert "Set-Cookie" not in got.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"])
def test_only_reading_is_answered(method: str) -> None:  # [B017]
    _, _, address = shown_to(a_worker(a_job_of_pictures()))
    got = get(address, method=method)
    assert (got.status, got.headers["Allow"]) == (405, "GET, HEAD")


def test_media_are_served_under_no_other_name_and_the_web_server_has_none() -> None:  # [B062, B101]
    _, _, address = shown_to(a_worker(a_job_of_pictures()))
    path = address.removeprefix(project.CONTENT_ORIGIN)

    for host in ("localhost", "assay.example.org", "", "127.0.0.1:8000"):
        assert get(address, host=host).status == 404
    for elsewhere in (path, f"/media{path}", f"/static{path}", "/media/", "/static/../media/"):
        assert Browser().get(elsewhere).status_code == 404


def test_a_content_type_that_cannot_be_read_changes_nothing() -> None:  # [B017]
    _, _, address = shown_to(a_worker(a_job_of_pictures()))
    assert get(address, content_type="x").status == 200


def test_gold_and_work_have_the_same_addresses_and_answers() -> None:  # [B123]
    job = a_job_of_pictures(tasks=1, gold=1)
    seen = []
    for chance, is_gold in ((ALWAYS_GOLD, True), (NEVER_GOLD, False)):
        worker = a_worker(job)
        person = in_person(worker.user)
        _, turn_id, address = shown_to(worker, person=person, job_id=job.pk, chance=chance)
        assert (Assignment.objects.get(pk=turn_id).task.gold_question_id is not None) == is_gold
        got = get(address)
        seen.append((len(address), got.status, sorted(got.headers), len(got.headers["Content-Disposition"])))
    assert seen[0] == seen[1]


def test_who_reviews_sees_the_pictures_until_the_job_is_not_shared_any_more() -> None:  # [B121]
    job = a_job_of_pictures()
    guest = a_user()
    a_share(job, guest=guest, role="reviewer")
    (shown,) = in_person(guest).every(f"jobs/{job.pk}/media/")
    assert get(shown["url"]).status == 200

    with by_hand():
        JobUserObjectPermission.objects.filter(user=guest).delete()

    assert is_gone(get(shown["url"]))


def test_an_api_key_is_shown_media_until_it_is_revoked() -> None:  # [B121]
    job = a_job_of_pictures()
    (shown,) = Person(owner_of(job.client)).every(f"jobs/{job.pk}/media/")
    assert get(shown["url"]).status == 200

    ApiKey.objects.update(revoked_at=clock.now())

    assert is_gone(get(shown["url"]))


def test_an_admin_who_decides_a_task_is_shown_its_picture() -> None:
    job = a_job_of_pictures()
    task = Task.objects.get(job=job)
    escalation = open_escalation(kind=Escalation.Kind.NO_CONSENSUS, by=Actor.system("test"), why="", task=task, job=job)

    matter = an_admin().get(f"escalations/{escalation.pk}/")[1]["matter"]

    assert get(matter["item"]["image"]).status == 200


def test_a_question_of_an_exam_shows_its_picture_while_the_exam_lasts() -> None:
    admin, skill = an_admin(), a_skill(bank=0, questions=1, unpaid_limit=10)
    wrong = [{"from_name": "animal", "to_name": "picture", "type": "choices", "value": {"choices": ["dog"]}}]
    bank = []
    for size in (8, 9, 10):
        _, media = send(admin, f"skills/{skill.pk}/media/", a_picture(size=(size, 6)))
        right = [{**wrong[0], "value": {"choices": ["cat"]}}]
        bank.append({"item": {"image": media["reference"]}, "result": right, "reason": "It has whiskers."})
    asked = {"skill": str(skill.pk), "label_schema": SHOWS_AN_IMAGE, "questions": bank}
    assert admin.post("gold-questions/", asked)[0] == 201
    worker = in_person(an_uncertified_worker().user)

    _, exam = worker.post("exams/", {"skill": str(skill.pk)})

    address = exam["questions"][0]["item"]["image"]
    assert get(address).status == 200
    worker.post(f"exams/{exam['id']}/answers/", {"position": 1, "result": wrong})
    _, over = worker.post(f"exams/{exam['id']}/finish/")
    assert is_gone(get(address))
    assert get(over["misses"][0]["item"]["image"]).status == 200
    other = in_person(an_uncertified_worker().user)
    assert other.get(f"exams/{exam['id']}/")[0] == 404


@pytest.mark.parametrize("image", ["https://example.org/1.png", "media:00000000-0000-4000-8000-000000000000"])
def test_an_exam_lets_no_browser_call_out_and_refers_to_its_own_media(image: str) -> None:  # [B089, B106]
    admin, skill = an_admin(), a_skill(bank=0)
    right = [{"from_name": "animal", "to_name": "picture", "type": "choices", "value": {"choices": ["cat"]}}]
    question = {"item": {"image": image}, "result": right, "reason": "So."}

    status, said = admin.post(
        "gold-questions/", {"skill": str(skill.pk), "label_schema": SHOWS_AN_IMAGE, "questions": [question]}
    )

    assert (status, said["code"], len(said["errors"])) == (400, "invalid_gold", 1)


def test_the_job_and_its_jobs_media_stay_each_with_their_own() -> None:  # [B106, B107]
    one, other = a_job_of_pictures(), a_job_of_pictures()
    (shown,) = Person(owner_of(one.client)).every(f"jobs/{one.pk}/media/")
    stranger = Person(owner_of(other.client))

    for path in (f"jobs/{one.pk}/media/{shown['id']}/", f"jobs/{other.pk}/media/{shown['id']}/"):
        assert stranger.get(path)[0] == 404
        assert stranger.delete(path)[0] == 404
        assert stranger.post(f"{path}withdraw/", {"why": "Mine."})[0] == 404
