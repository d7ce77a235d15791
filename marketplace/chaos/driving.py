"""The people: they answer, ask for payouts over HTTP, fund and take back, while everything under them dies."""

import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from billing.demo.stripe_double import DoubleControl
from billing.models import Funding, Payout, PayoutAccount
from billing.services.funding import request_funding
from billing.services.missed_events import sweep_missed_events
from billing.services.payout_accounts import onboarding_link, open_payout_account
from billing.services.refunds import request_refund
from billing.services.stragglers import drive_stragglers
from kernel import clock
from kernel.errors import Refused
from kernel.models import OutboxMessage, User
from kernel.money import Money
from kernel.services.audit import Actor
from kernel.services.outbox import LONGEST_PAUSE, redrive
from marketplace.bench.seeding import Scene, Signed, an_open_job, answer_of, keep_signed_in, set_scene
from marketplace.chaos import banks, evidence
from marketplace.chaos.patience import DATABASE_AWAY, pause, stubborn
from marketplace.chaos.plan import LARGEST_MINOR, REWARD_MINOR, SMALLEST_MINOR, Outcome, Plan
from marketplace.models import Client, Job
from marketplace.services.allocation import claim_or_keep
from marketplace.services.clients import create_client
from marketplace.services.submission import submit_annotation
from workforce.models import Worker

CHAOS: Final = Actor.system("chaos")
PAYERS: Final = 4
PAGE: Final = "https://assay.test/done"
FAULT_KINDS: Final = (
    *("drop_before", "drop_after", "server_error_before", "server_error_after"),
    *("html_before", "html_after", "conflict", "rate_limited"),
)
SHARE_OF_FAULTS: Final = 0.28
WEBHOOKS: Final = {"lost": 0.01, "duplicated": 1.0, "shuffle_seconds": 1.0}
STALLED_AFTER_SECONDS: Final = 120.0


class Driver:
    """Makes the money move by ``plan`` against the installation at ``url``.

    ``tell`` hears the share that is done; ``wait_for_quiet`` returns when nothing is killed any more.
    """

    def __init__(
        self, plan: Plan, *, url: str, tell: Callable[[float], None], wait_for_quiet: Callable[[], object]
    ) -> None:
        self._plan = plan
        self._url = url
        self._tell = tell
        self._wait_for_quiet = wait_for_quiet
        self._control = DoubleControl(settings.STRIPE_API_BASE)
        self._outcome = Outcome()
        self._counts: Counter[str] = Counter()
        self._over = threading.Event()

    def run(self) -> Outcome:
        """Set the scene, go through the chaos, let it drain, and look what came of it."""
        scene, job = self._scene()
        self._misbehave()
        self._tell(0.0)
        began = time.monotonic()
        self._load(scene, job)
        self._outcome.load_seconds = time.monotonic() - began
        self._control.clear_faults()
        self._control.webhooks(**WEBHOOKS | {"lost": 0.0})
        self._tell(1.0)
        self._wait_for_quiet()
        self._drain()
        self._outcome.asked_over_http, self._outcome.resent_over_http = self._counts["asked"], self._counts["resent"]
        evidence.fill_in(self._outcome, self._control)
        return self._outcome

    def _scene(self) -> tuple[Scene, Job]:
        """A client that has paid on Stripe's page, a job, and workers whose payout accounts are open at Stripe."""
        scene = set_scene(workers=self._plan.workers, tell=lambda _: None, fund=self._fund)
        for signed in scene.workers:
            owner = f"worker:{signed.worker_id}"
            open_payout_account(owner=owner, email="worker@assay.test", country="US", by=CHAOS)
            self._control.press(onboarding_link(owner=owner, return_url=PAGE).url)
        ready = PayoutAccount.objects.filter(transfers_active=True, payouts_enabled=True)
        _wait_until(lambda: ready.count() == len(scene.workers), "the payout accounts are open")
        return scene, an_open_job(scene, tasks=self._plan.turns, reward_minor=REWARD_MINOR)

    def _fund(self, client: Client) -> None:
        needed = 2 * self._plan.turns * REWARD_MINOR + 100_000
        funding = self._asked_funding(client.billing_owner, needed)
        _wait_until(lambda: self._pressed(funding), "the client's payment page is open")
        settled = Funding.objects.filter(pk=funding.pk, state=Funding.State.SETTLED)
        _wait_until(settled.exists, "the client's payment has arrived")

    def _asked_funding(self, client_owner: str, minor: int) -> Funding:
        amount = Money(minor, evidence.CURRENCY)
        return request_funding(
            client_owner=client_owner, email="client@assay.test", amount=amount, success_url=PAGE, by=CHAOS
        )

    def _pressed(self, funding: Funding) -> bool:
        """Whether the payer could pay: the page is there, and was pressed."""
        funding.refresh_from_db()
        if funding.state != Funding.State.AWAITING_PAYMENT:
            return funding.state == Funding.State.SETTLED
        self._control.press(funding.checkout_url)
        return True

    def _misbehave(self) -> None:
        for seed, kind in enumerate(FAULT_KINDS):
            share = SHARE_OF_FAULTS / len(FAULT_KINDS)
            self._control.fault("*", kind, times=None, share=share, seed=self._plan.seed * 100 + seed)
        self._control.fault("*", "slow_after", times=None, share=0.02, seconds=0.5, seed=self._plan.seed)
        self._control.webhooks(**WEBHOOKS, seed=self._plan.seed)

    def _load(self, scene: Scene, job: Job) -> None:
        workers, quota = scene.workers, self._plan.payouts
        groups = [workers[place::PAYERS] for place in range(PAYERS)]
        parts = [quota // PAYERS + (place < quota % PAYERS) for place in range(PAYERS)]
        threads = [
            threading.Thread(target=self._earn, args=(scene, job), name="earn"),
            threading.Thread(target=self._fund_and_refund, args=(scene.client,), name="fund"),
            threading.Thread(target=self._take_back, name="take back"),
            threading.Thread(target=self._dispute, args=(scene.owner,), name="dispute"),
            *(
                threading.Thread(target=self._ask_for_payouts, args=(group, part, place), name=f"payer-{place}")
                for place, (group, part) in enumerate(zip(groups, parts, strict=True))
                if group
            ),
        ]
        for thread in threads:
            thread.start()
        self._watch_load(threads)
        self._over.set()
        for thread in threads:
            thread.join()

    def _watch_load(self, threads: list[threading.Thread]) -> None:
        end = time.monotonic() + self._plan.seconds
        signed_in_at = time.monotonic()
        faults_over, done = False, 0.0
        while time.monotonic() < end and (done < 0.99 or any(thread.is_alive() for thread in threads)):
            time.sleep(0.5)
            settled = stubborn(Payout.objects.filter(state=Payout.State.SETTLED).count)
            done = min(0.99, settled / (0.95 * self._plan.payouts))
            self._tell(done)
            if not faults_over and sum(self._control.struck().values()) >= self._plan.faults:
                faults_over = True
                self._control.clear_faults()
            if time.monotonic() - signed_in_at > 300:
                signed_in_at = time.monotonic()
                stubborn(keep_signed_in)

    def _earn(self, scene: Scene, job: Job) -> None:
        """Worker after worker answers; consensus accepts each answer, and the sweep pays it."""
        people = stubborn(lambda: list(Worker.objects.filter(pk__in=scene.worker_ids).order_by("pk")))
        while not self._over.is_set():
            for worker in people:
                try:
                    turn = claim_or_keep(worker=worker, job_id=job.pk).assignment
                    submit_annotation(assignment_id=turn.pk, worker=worker, result=answer_of("cat"))
                except Refused:
                    if not Job.objects.filter(pk=job.pk, tasks__state="open").exists():
                        return
                except DATABASE_AWAY:
                    pause()

    def _ask_for_payouts(self, workers: tuple[Signed, ...], quota: int, seed: int) -> None:
        """Each payout is asked for under a key of its own, again and again until there is an answer."""
        chance = random.Random(self._plan.seed * 1_000 + seed)  # noqa: S311  (to be repeated)
        made = 0
        while made < quota and not self._over.is_set():
            worker = chance.choice(workers)
            status = self._ask(worker, chance.randint(SMALLEST_MINOR, LARGEST_MINOR))
            made += status == HTTPStatus.CREATED
            if status == HTTPStatus.CONFLICT:
                time.sleep(0.2)  # nothing there yet: the sweep has not paid

    def _ask(self, worker: Signed, minor: int) -> int:
        headers = {
            "Authorization": f"Bearer {worker.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
            "Host": "localhost",
        }
        body = json.dumps({"amount_minor": minor, "currency": evidence.CURRENCY})
        self._counts["asked"] += 1
        while True:
            try:
                with closing(HTTPConnection(urlsplit(self._url).netloc, timeout=60)) as web:
                    web.request("POST", "/api/v1/payouts/", body, headers)
                    answer = web.getresponse()
                    answer.read()
            except (OSError, HTTPException):
                self._counts["resent"] += 1
            else:
                if answer.status in (HTTPStatus.CREATED, HTTPStatus.CONFLICT):
                    return answer.status
                if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise RuntimeError(f"A payout was answered {answer.status}.")
                self._counts["resent"] += 1
            time.sleep(0.1)

    def _fund_and_refund(self, client: Client) -> None:
        asked: list[Funding] = []
        while len(asked) < self._plan.fundings and not self._over.is_set():
            try:
                asked.append(self._asked_funding(client.billing_owner, 1_000 + len(asked)))
                if len(asked) % 2 == 0:
                    request_refund(client_owner=client.billing_owner, amount=Money(500, evidence.CURRENCY), by=CHAOS)
            except DATABASE_AWAY:
                pause()
            self._over.wait(self._plan.seconds / self._plan.fundings / 4)
            self._press_all()

    def _take_back(self) -> None:
        banks.take_parts_back(self._control, payouts=self._plan.returns, wait=lambda: self._over.wait(0.2))

    def _dispute(self, owner: User) -> None:
        """Payments of clients that have no job which would pause; what is left of them is taken out in the end."""
        owners = []
        for number in range(self._plan.disputes):
            client = stubborn(
                partial(create_client, name=f"A client that disputes, {number}", country="US", owner=owner)
            )
            owners.append(client.billing_owner)
            funding = stubborn(partial(self._asked_funding, client.billing_owner, 1_000))
            while funding.state != Funding.State.SETTLED:
                time.sleep(0.2)
                self._press_all()
                funding = stubborn(partial(Funding.objects.get, pk=funding.pk))
            banks.dispute_payment(self._control, funding, number=number)
        for client_owner in owners:
            banks.take_out(client_owner)

    def _press_all(self) -> None:
        """Pay on every page that is open; a payer presses until the page says that it is done."""
        try:
            for funding in Funding.objects.filter(state=Funding.State.AWAITING_PAYMENT).order_by("created_at", "pk"):
                self._control.press(funding.checkout_url)
        except DATABASE_AWAY:
            pause()

    def _drain(self) -> None:
        """Wait until nothing is under way. The sweep over stragglers is called here as if an hour were over."""
        began, best, best_at = time.monotonic(), None, time.monotonic()
        stubborn(sweep_missed_events)  # as every night: of what no webhook brought
        while left := stubborn(evidence.left_to_do):
            now = time.monotonic()
            if best is None or left < best:
                best, best_at = left, now
            self._outcome.stalled = now - best_at > STALLED_AFTER_SECONDS
            if self._outcome.stalled or now - began > self._plan.drain_seconds:
                break
            self._press_all()
            self._outcome.reactions_driven_again += stubborn(lambda: redrive(by=CHAOS))
            with clock.ahead_by(timedelta(minutes=70)):
                stubborn(drive_stragglers)
            stubborn(_bring_back_to_now)
            time.sleep(1)
        self._outcome.drain_seconds = time.monotonic() - began


def _bring_back_to_now() -> int:
    """Let reactions to what was announced an hour ahead be due now, and not in an hour; how many there were."""
    owed = OutboxMessage.objects.filter(state=OutboxMessage.State.WAITING)
    return owed.filter(due_at__gt=clock.now() + LONGEST_PAUSE).update(due_at=clock.now())


def _wait_until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 120
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"Before the chaos began it was not so within two minutes that {what}.")
        time.sleep(0.2)
