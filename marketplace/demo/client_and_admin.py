"""The demo's client and its admin: who orders and pays, and who certifies, decides and keeps order; all over HTTP."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from marketplace.demo.api import Api, ApiError, press
from marketplace.demo.authenticator import AuthenticatorApp
from marketplace.demo.deciding import decision_on
from marketplace.demo.mailbox import Mailboxes
from marketplace.demo.task_shape import INSTRUCTIONS, LABEL_SCHEMA
from marketplace.models import Escalation

PATIENCE_SECONDS: Final = 60.0
MOST_REJECTED: Final = 12
ESCALATIONS: Final = "/api/v1/escalations/"

Terms = Mapping[str, Any]


class TookTooLong(Exception):
    """Something that the demo waits for did not come about; the message names it."""


def wait_for(what: str, look: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """What ``look`` sees, as soon as it is something."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TookTooLong(f"{what} did not come about within {seconds:.0f} seconds.")
        time.sleep(0.2)
    return seen


@dataclass
class DemoClient:
    """The client: signs up, funds, posts, launches, reviews, and takes the rest of the money back."""

    api: Api
    name: str
    email: str
    password: str
    mailboxes: Mailboxes
    client_id: str = ""
    job_id: str = ""
    rejected: list[str] = field(default_factory=list)
    reversed: int = 0

    def sign_up(self) -> None:
        """A person, and the organisation that they act for."""
        self.api.sign_up(email=self.email, password=self.password, name=self.name, mailboxes=self.mailboxes)
        self.client_id = self.api.post("/api/v1/clients/", {"name": self.name, "country": "US"})["id"]

    def fund(self, amount_minor: int) -> None:
        """Bring money in: pay on Stripe's page, then wait for the webhook to say that it has arrived."""
        path = f"/api/v1/clients/{self.client_id}/fundings/"
        asked = {"amount_minor": amount_minor, "currency": "USD"}
        funding = f"{path}{self.api.post(path, asked)['id']}/"
        press(wait_for("The payment page", lambda: self.api.get(funding)["checkout_url"]))
        wait_for("The funding", lambda: self.api.get(funding)["state"] == "settled")

    def post_job(self, *, skill_id: str, terms: Terms) -> None:
        """A draft of the job."""
        order = {
            "client": self.client_id,
            "title": "Handwritten digits",
            "instructions": INSTRUCTIONS,
            "label_schema": LABEL_SCHEMA,
            "currency": "USD",
            "skill": skill_id,
            "requirements": [{"skill": skill_id, "min_lower_bound": terms["min_lower_bound"]}],
            **{name: value for name, value in terms.items() if name != "min_lower_bound"},
        }
        self.job_id = self.api.post("/api/v1/jobs/", order)["id"]

    def import_tasks(self, rows: Sequence[Mapping[str, object]]) -> Any:
        """Upload the tasks as JSON Lines; what the import says."""
        content = "\n".join(json.dumps(row) for row in rows).encode()
        return self.api.upload(f"/api/v1/jobs/{self.job_id}/tasks/", content, content_type="application/x-ndjson")

    def estimate(self) -> Any:
        """What the job is likely to cost, and the most that it can."""
        return self.api.get(f"/api/v1/jobs/{self.job_id}/estimate/")

    def launch(self) -> None:
        """Open the job."""
        self.api.post(f"/api/v1/jobs/{self.job_id}/launch/")

    def job(self) -> Any:
        """The job as its client sees it."""
        return self.api.get(f"/api/v1/jobs/{self.job_id}/")

    def review(self, *, is_hopeless: Callable[[Any], bool]) -> None:
        """Reject some answers of workers who do not try, take one of the rejections back, and accept all others."""
        waiting = self.api.every(f"/api/v1/jobs/{self.job_id}/assignments/", state="submitted")
        for assignment in [a for a in waiting if is_hopeless(a)][:MOST_REJECTED]:
            path = f"/api/v1/assignments/{assignment['id']}/"
            try:
                self.api.post(
                    f"{path}reject/",
                    {"reason": "random", "message": "The picture clearly shows another digit, again and again."},
                )
            except ApiError as refusal:
                if refusal.status != 409:  # paid by the review clock in the meantime, or not resolved yet
                    raise
                continue
            self.rejected.append(path)
        if self.rejected:
            self.api.post(f"{self.rejected[0]}reverse/", {"why": "On a second look, the answer can be defended."})
            self.reversed += 1
        self.accept_all()

    def accept_all(self) -> None:
        """Accept every answer that waits for review."""
        self.api.post(f"/api/v1/jobs/{self.job_id}/acceptances/")

    def results(self) -> list[Any]:
        """The download: a line for each task."""
        return self.api.lines(f"/api/v1/jobs/{self.job_id}/results/")

    def take_the_rest_back(self) -> int:
        """Have what is available refunded to the card, and wait until it has left; how much it was, in minor units."""
        balances = self.api.get(f"/api/v1/clients/{self.client_id}/balance/")["balances"]
        available: int = sum(balance["available_minor"] for balance in balances)
        if available == 0:
            return 0
        path = f"/api/v1/clients/{self.client_id}/refunds/"
        self.api.post(path, {"amount_minor": available, "currency": "USD"})
        wait_for("The refund", lambda: all(refund["state"] == "settled" for refund in self.api.every(path)))
        return available


@dataclass
class DemoAdmin:
    """The admin: makes the skill and its exam, approves applicants, decides what consensus could not."""

    api: Api
    email: str
    password: str
    truth: Mapping[str, int]
    skill_id: str = ""
    app: AuthenticatorApp = field(init=False)

    def sign_in(self) -> None:
        """Sign in with the account that the command line made, and add the second factor that admins need."""
        self.api.sign_in(email=self.email, password=self.password)
        self.app = self.api.add_authenticator_app()

    def create_skill(self, *, exam_rows: Sequence[Mapping[str, object]]) -> None:
        """The skill, and the item bank of its exam."""
        exam = {
            "questions": 20,
            "pass_mark_basis_points": 7500,
            "time_limit_seconds": 1800,
            "retry_after_seconds": 86_400,
            "unpaid_limit": 40,
        }
        skill = {
            "slug": "handwritten-digits",
            "name": "Handwritten digits",
            "description": "Read one handwritten digit.",
            "grants_by": "score",
            "exam": exam,
            "certificate_valid_seconds": 31_536_000,
        }
        self.skill_id = self.api.post("/api/v1/skills/", skill)["id"]
        bank = {"skill": self.skill_id, "label_schema": LABEL_SCHEMA, "questions": list(exam_rows)}
        self.api.post("/api/v1/gold-questions/", bank)

    def approve(self, application_id: str) -> None:
        """Let an applicant work."""
        self.api.post(
            f"/api/v1/applications/{application_id}/approve/", {"reason": "The demo's applicants are invented."}
        )

    def decide_what_waits(self) -> None:
        """Decide every escalation that is open, whatever its kind."""
        for escalation in list(self.api.every(ESCALATIONS, state="open")):
            path = f"{ESCALATIONS}{escalation['id']}/"
            try:
                self.api.post(f"{path}claim/")
            except ApiError as refusal:
                if refusal.status != 409:  # withdrawn in the meantime: a later look was sure enough
                    raise
                continue
            kind, matter = Escalation.Kind(escalation["kind"]), self.api.get(path)["matter"]
            self.api.post(f"{path}decision/", decision_on(kind, matter, truth=self.truth))

    def escalations(self, *states: str) -> dict[str, int]:
        """How many escalations there are in these states, by kind."""
        found = (each for state in states for each in self.api.every(ESCALATIONS, state=state))
        return dict(Counter(each["kind"] for each in found))
