"""The demo's workers at work: they sign up, apply, sit the exam, claim, answer, and take their pay, all over HTTP."""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.demo.api import Api, ApiError, press
from marketplace.demo.crowd import SimulatedWorker
from marketplace.demo.digits import Digit, png_of_data_url
from marketplace.demo.mailbox import Mailboxes
from marketplace.demo.task_shape import result_of
from workforce.services.applying import TERMS_VERSION

RETURNS_ONE_IN = 200
PATIENCE_SECONDS = 0.5
MAY_COME_BACK = {"all_taken", "nothing_left_for_you", "job_paused"}


@dataclass
class WorkerAtWork:
    """One simulated worker, its sign-in, and what became of it."""

    simulated: SimulatedWorker
    api: Api
    pictures: Mapping[bytes, Digit]
    exam_pictures: Mapping[bytes, Digit]
    chance: random.Random
    password: str
    mailboxes: Mailboxes
    application_id: str = ""
    exam_score_basis_points: int = 0
    certified: bool = False
    answers: int = 0
    returned: int = 0
    stopped_because: str = ""

    def join(self) -> None:
        """Sign up, confirm, sign in and apply."""
        person = self.simulated.person
        self.api.sign_up(email=person.email, password=self.password, name=person.name, mailboxes=self.mailboxes)
        identity = {
            "legal_name": person.name,
            "address": person.address,
            "birth_date": person.birth_date.isoformat(),
            "tax_id": person.tax_id,
        }
        application = {
            "country": person.country,
            "languages": list(person.languages),
            "terms_version": TERMS_VERSION,
            "identity": identity,
        }
        self.application_id = self.api.post("/api/v1/applications/", application)["id"]

    def take_exam(self, skill_id: str) -> None:
        """Sit the exam; whoever passes is certified by its score."""
        exam = self.api.post("/api/v1/exams/", {"skill": skill_id})
        path = f"/api/v1/exams/{exam['id']}/"
        for question in self.api.get(path)["questions"]:
            digit = self.exam_pictures[png_of_data_url(question["item"]["image"])]
            answer = result_of(self.simulated.answer(digit, in_exam=True))
            self.api.post(f"{path}answers/", {"position": question["position"], "result": answer})
        finished = self.api.post(f"{path}finish/")
        self.exam_score_basis_points = finished["score_basis_points"]
        self.certified = finished["state"] == "passed"

    def work(self, job_id: str, *, stop: threading.Event) -> None:
        """Claim and answer until the job is over, the appetite is stilled, or the platform says no for good."""
        while self.answers < self.simulated.appetite and not stop.is_set():
            try:
                assignment = self.api.repeat("/api/v1/assignments/", {"job": job_id})
            except ApiError as refusal:
                if not self._waits_after(refusal):
                    return
                time.sleep(PATIENCE_SECONDS * (1 + self.chance.random()))
                continue
            self._turn(assignment)
        self.stopped_because = "had enough"

    def _turn(self, assignment: dict[str, Any]) -> None:
        path = f"/api/v1/assignments/{assignment['id']}/"
        if self.chance.randrange(RETURNS_ONE_IN) == 0:
            self.api.post(f"{path}return/")
            self.returned += 1
            return
        digit = self.pictures[png_of_data_url(assignment["item"]["image"])]
        self.api.repeat(f"{path}submit/", {"result": result_of(self.simulated.answer(digit))})
        self.answers += 1

    def _waits_after(self, refusal: ApiError) -> bool:
        if refusal.status != 409:
            raise refusal
        self.stopped_because = refusal.body.get("details", {}).get("reason", refusal.code)
        return self.stopped_because in MAY_COME_BACK

    def open_payout_account(self, *, deadline: float) -> None:
        """Open an account at Stripe and fill in its form."""
        open_payout_account(self.api, deadline=deadline)

    def take_pay(self) -> str:
        """Ask for everything that was earned; the id of the payout, or nothing when there is too little."""
        try:
            payout = self.api.post("/api/v1/payouts/")
        except ApiError as refusal:
            if refusal.status != 409:
                raise
            return ""  # less than the smallest payout: it stays among the earnings
        return str(payout["id"])

    def earned(self) -> int:
        """All that was ever earned, in minor units, paid out or not."""
        return sum(line["change_minor"] for line in self._statement() if line["kind"] == "work_paid")

    def _statement(self) -> Iterator[Any]:
        return self.api.every("/api/v1/earnings/statement/")


def open_payout_account(api: Api, *, deadline: float) -> None:
    """Open an account at Stripe, go through the form that it hosts, and wait until it can be paid out to."""
    api.post("/api/v1/payout-account/")
    press(_onboarding_link(api, deadline=deadline), action="complete")
    while not api.get("/api/v1/payout-account/")["is_ready"]:
        if time.monotonic() > deadline:
            raise TimeoutError("A payout account is not ready.")
        time.sleep(0.2)


def _onboarding_link(api: Api, *, deadline: float) -> str:
    while True:
        try:
            return str(api.post("/api/v1/payout-account/onboarding-link/")["url"])
        except ApiError as refusal:  # Stripe's side of the account is made in the background
            if refusal.status not in {409, 503} or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
