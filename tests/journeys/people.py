"""People of the journeys: each speaks to the installation over HTTP only, as its own programs would."""

import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.demo.api import Api, ApiError, press
from marketplace.demo.mailbox import Mailboxes
from marketplace.demo.people_at_work import open_payout_account
from marketplace.stack import Stack
from tests.qualification.builders import ANIMALS, an_answer
from workforce.services.applying import TERMS_VERSION

ADMIN = "admin@example.org"
PASSWORD = "a journey of many steps"

_numbers = itertools.count(1)

__all__ = ["ADMIN", "PASSWORD", "ApiError", "Client", "Installation", "Worker", "an_answer", "eventually"]


def eventually(look: Callable[[], Any], *, seconds: float = 60) -> Any:
    """What ``look`` sees, once it is something: background work has its own pace."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, "It did not come about in time."
        time.sleep(0.1)
    return seen


@dataclass
class Installation:
    """The running stack, and its admin."""

    stack: Stack

    def __post_init__(self) -> None:
        self.mailboxes = Mailboxes(self.stack.var / "mail")
        self.admin = Api(self.stack.url)
        self.admin.sign_in(email=ADMIN, password=PASSWORD)
        self._app = self.admin.add_authenticator_app()
        self._connected = [self.admin]

    def let_the_admin_in(self) -> None:
        """Sign the admin in again where other tests took so long since the last journey that the session ended."""
        try:
            self.admin.get("/api/v1/me/")
        except ApiError as refusal:
            if refusal.code != "not_signed_in":
                raise
            self.admin.sign_in(email=ADMIN, password=PASSWORD, app=self._app)

    def hang_up(self) -> None:
        """Let all connections go; whoever asks again opens a new one."""
        for api in self._connected:
            api.close()

    def person(self, name: str) -> Api:
        """Somebody new, signed up and signed in."""
        api, email = Api(self.stack.url), f"{name}{next(_numbers)}@example.org"
        self._connected.append(api)
        api.sign_up(email=email, password=PASSWORD, name=name.title(), mailboxes=self.mailboxes)
        return api

    def skill(self, *, questions: int = 2) -> str:
        """A skill whose exam asks two questions."""
        exam = {
            "questions": questions,
            "pass_mark_basis_points": 7500,
            "time_limit_seconds": 600,
            "retry_after_seconds": 3600,
            "unpaid_limit": 20,
        }
        asked = {
            "slug": f"animals-{next(_numbers)}",
            "name": "Animals",
            "description": "Tell animals apart.",
            "grants_by": "score",
            "exam": exam,
            "certificate_valid_seconds": None,
        }
        skill: str = self.admin.post("/api/v1/skills/", asked)["id"]
        bank = [
            {"item": {"text": f"It meows {n} times."}, "result": an_answer("cat"), "reason": "Only cats meow."}
            for n in range(questions * 3)
        ]
        self.admin.post("/api/v1/gold-questions/", {"skill": skill, "label_schema": ANIMALS, "questions": bank})
        return skill

    def client(self, *, funds_minor: int = 10_000) -> "Client":
        """A client that has paid money in, on Stripe's page."""
        api = self.person("client")
        client = Client(api, api.post("/api/v1/clients/", {"name": f"Client {next(_numbers)}", "country": "US"})["id"])
        client.fund(funds_minor)
        return client

    def worker(self, skill: str) -> "Worker":
        """A worker who was approved by the admin and has passed the exam."""
        worker = Worker(self.person("worker"))
        self.admin.post(f"/api/v1/applications/{worker.apply()}/approve/", {})
        worker.pass_exam(skill)
        return worker


@dataclass
class Client:
    """A member of a client, and the client."""

    api: Api
    id: str

    def fund(self, minor: int) -> None:
        path = f"/api/v1/clients/{self.id}/fundings/"
        funding = f"{path}{self.api.post(path, {'amount_minor': minor, 'currency': 'USD'})['id']}/"
        press(eventually(lambda: self.api.get(funding)["checkout_url"]))
        eventually(lambda: self.api.get(funding)["state"] == "settled")

    def draft(self, skill: str, **order: Any) -> str:
        """A job without tasks."""
        asked = {
            "client": self.id,
            "title": "Animals",
            "instructions": "Say which animal the text is about.",
            "label_schema": ANIMALS,
            "currency": "USD",
            "reward_minor": 100,
            "skill": skill,
            "requirements": [],
            "overlap_min": 2,
            "overlap_max": 3,
            "confidence_basis_points": 8500,
            "gold_share_basis_points": 0,
        }
        job: str = self.api.post("/api/v1/jobs/", asked | order)["id"]
        return job

    def job(self, skill: str, *, tasks: int = 1, **order: Any) -> str:
        """An open job of so many tasks."""
        job = self.draft(skill, **order)
        lines = "\n".join(json.dumps({"external_id": f"t{n}", "item": {"text": f"Text {n}"}}) for n in range(tasks))
        self.api.upload(f"/api/v1/jobs/{job}/tasks/", lines.encode(), content_type="application/x-ndjson")
        self.api.post(f"/api/v1/jobs/{job}/launch/")
        return job

    def available(self) -> int:
        """What can be spent or taken back, in cents."""
        balances: Sequence[Any] = self.api.get(f"/api/v1/clients/{self.id}/balance/")["balances"]
        return sum(balance["available_minor"] for balance in balances)

    def sees(self, job: str) -> Any:
        return self.api.get(f"/api/v1/jobs/{job}/")

    def results(self, job: str) -> list[Any]:
        return self.api.lines(f"/api/v1/jobs/{job}/results/")

    def answers(self, job: str, **which: str) -> list[Any]:
        return list(self.api.every(f"/api/v1/jobs/{job}/assignments/", **which))


@dataclass
class Worker:
    """Somebody who works."""

    api: Api

    def apply(self) -> str:
        asked = {
            "country": "US",
            "languages": ["en"],
            "terms_version": TERMS_VERSION,
            "identity": {"legal_name": "Ada Example", "address": "1 Example Street", "birth_date": "1990-01-01"},
        }
        application: str = self.api.post("/api/v1/applications/", asked)["id"]
        return application

    def pass_exam(self, skill: str) -> None:
        exam = f"/api/v1/exams/{self.api.post('/api/v1/exams/', {'skill': skill})['id']}/"
        for question in self.api.get(exam)["questions"]:
            self.api.post(f"{exam}answers/", {"position": question["position"], "result": an_answer("cat")})
        assert self.api.post(f"{exam}finish/")["state"] == "passed"

    def claim(self, job: str) -> Any:
        return self.api.post("/api/v1/assignments/", {"job": job})

    def answer(self, job: str, animal: str) -> str:
        """Claim a task and answer it; the id of the assignment."""
        assignment: str = self.claim(job)["id"]
        self.api.post(f"/api/v1/assignments/{assignment}/submit/", {"result": an_answer(animal)})
        return assignment

    def state_of(self, assignment: str) -> str:
        state: str = self.api.get(f"/api/v1/assignments/{assignment}/")["state"]
        return state

    def open_payout_account(self) -> None:
        open_payout_account(self.api, deadline=time.monotonic() + 60)

    def balance(self) -> int:
        """Earned and not paid out, in cents."""
        balances: Sequence[Any] = self.api.get("/api/v1/earnings/")["balances"]
        return sum(balance["available_minor"] for balance in balances)
