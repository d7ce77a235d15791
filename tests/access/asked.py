"""A request to each operation that changes something, by somebody who may: prepared where the world is not ready."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.core import mail

from billing.models import PayoutAccount
from kernel import allauth_gateway as gateway
from kernel import clock
from kernel.events import EmailLinkOwed
from kernel.models import EmailLink, User
from kernel.months import month_of
from kernel.services.admin_invitations import invite_admin
from kernel.services.audit import Actor
from kernel.services.email_links import send_link
from kernel.services.signing_up import ask_for_confirmation, ask_for_reset
from marketplace.models import Assignment, Client, Job
from marketplace.services.review import accept_assignment
from qualification.models import Skill
from qualification.services.certifications import request_certification
from tests.access.shared import World, filled, send
from tests.access.test_other_tenants import OPERATIONS
from tests.access.world import PASSWORD, in_person
from tests.by_hand import by_hand
from tests.kernel.authenticators import App, SecurityKey
from tests.kernel.mailbox import token_in
from tests.kernel.pictures import a_picture
from tests.marketplace.api_people import Person
from tests.marketplace.builders import a_client, a_draft, a_submitted_answer, an_open_job, owner_of
from tests.marketplace.media_flows import a_draft_that_shows_images
from tests.qualification.builders import a_skill, a_started_exam, a_user, an_answer, answer_all
from tests.workforce.people import a_worker, an_application
from workforce.models import Worker

NOBODY: Final = "nobody@example.org"
"""An address that nobody has here."""


@dataclass
class Asked:
    """Who sends it, what in the body differs from the example (or all of it), and about which rows."""

    person: Person
    body: Any = field(default_factory=dict)
    ids: dict[str, Any] = field(default_factory=dict)
    media_type: str = "application/json"
    by: str = ""
    """Whom the event names, where the person is not signed in: by their e-mail address, or a part of the system."""

    def actor(self) -> str:
        """The actor that the event has to name; to be asked once the answer is there."""
        user = User.objects.filter(email=self.by).first() if self.by else self.person.user
        return str(user.pk) if user else self.by


def answer_to(asked: Asked, name: str, world: World) -> Any:
    """The answer to the request, sent."""
    method, _, view = OPERATIONS[name]
    sent: Any = asked.body
    if isinstance(sent, dict):
        shape = getattr(view, method).body
        example = filled(dict(shape.EXAMPLE or {}), world.values) if shape else {}
        whole = {word: value for word, value in {**example, **sent}.items() if value is not None}
        sent = json.dumps(whole) if shape else ""
    about = replace(world, side=replace(world.side, ids={**world.side.ids, **asked.ids}))
    return send(asked.person, about, name, body=sent, content_type=asked.media_type)


def first(name: str, world: World, **body: Any) -> Any:
    """What another operation answers that has to come first, to the first person in the world who may do it."""
    for person in world.people.values():
        answer = answer_to(Asked(person, body), name, world)
        if answer.status_code < 300:
            return answer.json()
    raise AssertionError(f"Nobody in the world can do {name}.")


def after(name: str, by: str, **renamed: str) -> Callable[[World], Asked]:
    """The operation follows another, and is about what that one answered with, under the name that the address uses."""

    def asked(world: World) -> Asked:
        said = first(name, world)
        return Asked(world.people[by], ids={address: said[field] for address, field in renamed.items()})

    return asked


def of_the_worker(world: World) -> Worker:
    return Worker.objects.get(pk=world.side.ids["worker_id"])


def a_draft_of_the_owner(world: World, **order: Any) -> Job:
    return a_draft(client=Client.objects.get(pk=world.side.ids["client_id"]), **order)


def importing(world: World) -> Asked:
    job = a_draft_of_the_owner(world, tasks=0)
    return Asked(world.side.owner, '{"item": {"text": "Mine"}}\n', {"job_id": job.pk}, "application/x-ndjson")


def importing_predictions(world: World) -> Asked:
    job = a_draft_of_the_owner(world, tasks=1)
    row = {"external_id": "t0", "model_version": "1", "score": 0.9, "result": an_answer("cat")}
    return Asked(world.side.owner, f"{json.dumps(row)}\n", {"job_id": job.pk}, "application/x-ndjson")


def ordering_a_certificate(world: World) -> Asked:
    return Asked(world.side.owner, ids={"job_id": a_draft_of_the_owner(world).pk})


def prioritising(world: World) -> Asked:
    job = a_draft_of_the_owner(world, tasks=1)
    row = {"external_id": "t0", "scores": [0.6, 0.4]}
    return Asked(world.side.owner, f"{json.dumps(row)}\n", {"job_id": job.pk}, "application/x-ndjson")


def adding_media(world: World) -> Asked:
    job = a_draft_that_shows_images(client=Client.objects.get(pk=world.side.ids["client_id"]))
    return Asked(world.side.owner, a_picture(size=(9, 9)), {"job_id": job.pk}, "image/png")


def fetching_media(world: World) -> Asked:
    job = a_draft_that_shows_images(client=Client.objects.get(pk=world.side.ids["client_id"]))
    return Asked(world.side.owner, {"url": "https://files.example.org/one.png"}, {"job_id": job.pk})


def adding_media_to_a_skill(world: World) -> Asked:
    return Asked(world.people["admin"], a_picture(size=(9, 9)), media_type="image/png")


def with_media_of_a_skill(world: World) -> Asked:
    media = answer_to(adding_media_to_a_skill(world), "POST skills/<skill_id>/media/", world).json()
    return Asked(world.people["admin"], ids={"media_id": media["id"]})


def launching(world: World) -> Asked:
    return Asked(world.side.owner, ids={"job_id": a_draft_of_the_owner(world).pk})


def invoicing(world: World) -> Asked:
    month = month_of(clock.now()).before
    with clock.ahead_by(month.begins_at - clock.now()):
        job = an_open_job(client=a_client(), tasks=1, overlap_min=1, overlap_max=1)
        answered = a_submitted_answer(job)
        accept_assignment(assignment_id=answered.pk, by=owner_of(job.client))
    asked = {"month": str(month), "currency": "USD"}
    return Asked(in_person(owner_of(job.client)), asked, {"client_id": job.client_id})


def recalling(world: World) -> Asked:
    job = a_draft_of_the_owner(world, reward_minor=1_000_000)
    asked = Asked(world.side.owner, {"when_funded": True}, {"job_id": job.pk})
    assert answer_to(asked, "POST jobs/<job_id>/launch/", world).status_code == 200
    return Asked(world.side.owner, ids=asked.ids)


def repricing(world: World) -> Asked:
    return Asked(world.side.owner, {"reward_minor": 4000})


def raising_overlap(world: World) -> Asked:
    return Asked(world.side.owner, {"overlap_max": 9})


def rejecting(world: World) -> Asked:
    job = an_open_job(
        client=a_client(), tasks=1, overlap_min=3, overlap_max=3, confidence_basis_points=5000, review_seconds=3600
    )
    dissent = a_submitted_answer(job, animal="dog")
    a_submitted_answer(job)
    a_submitted_answer(job)
    return Asked(in_person(owner_of(job.client)), ids={"assignment_id": dissent.pk})


def reversing(world: World) -> Asked:
    asked = rejecting(world)
    assert answer_to(asked, "POST assignments/<assignment_id>/reject/", world).status_code == 200
    return Asked(asked.person, ids=asked.ids)


def appealing(world: World) -> Asked:
    asked = reversing(world)
    return Asked(in_person(Assignment.objects.get(pk=asked.ids["assignment_id"]).worker.user), ids=asked.ids)


def deciding(world: World) -> Asked:
    return Asked(world.people["admin"], {"result": None, "decision": "noted"})


def signing_up(world: World) -> Asked:
    return Asked(Person(), {"email": NOBODY}, by=NOBODY)


def signing_in(world: World) -> Asked:
    user = world.side.owner.user
    assert user is not None
    return Asked(Person(), {"email": user.email, "password": PASSWORD}, by=user.email)


def the_second_step(world: World) -> Asked:
    user = a_user()
    secret = gateway.new_totp_secret()
    app = App(secret)
    with by_hand():
        gateway.add_totp(user, secret=secret, code=app.code(steps_ahead=-1))
    answer = answer_to(Asked(Person(), {"email": user.email, "password": PASSWORD}), "POST session/", world)
    body = {"challenge": answer.json()["details"]["challenge"], "code": app.code(), "credential": None}
    return Asked(Person(), body, by=user.email)


def stepping_up(world: World) -> Asked:
    return Asked(world.side.owner, {"password": PASSWORD, "code": None, "challenge": None, "credential": None})


def adding_an_app(world: World) -> Asked:
    begun = answer_to(Asked(world.side.owner), "POST second-factors/totp/begin/", world).json()
    return Asked(world.side.owner, {"challenge": begun["challenge"], "code": App(begun["secret"]).code()})


def adding_a_security_key(world: World) -> Asked:
    begun = answer_to(Asked(world.side.owner), "POST second-factors/webauthn/begin/", world).json()
    credential = SecurityKey().register(begun["webauthn"])
    return Asked(world.side.owner, {"challenge": begun["challenge"], "name": "blue", "credential": credential})


def asking_for_another_address(world: World) -> Asked:
    return Asked(world.side.owner, {"email": NOBODY})


def an_unconfirmed_user() -> User:
    return a_user(email_verified_at=None)


def asking_for_confirmation(world: World) -> Asked:
    return Asked(in_person(an_unconfirmed_user()))


def the_mailed_token() -> str:
    """The token of the link that was owed last, once it is sent."""
    send_link(EmailLinkOwed(link_id=str(EmailLink.objects.latest("asked_at").pk)))
    return token_in(mail.outbox[-1])


def confirming(world: World) -> Asked:
    user = an_unconfirmed_user()
    ask_for_confirmation(user=user)
    return Asked(Person(), {"token": the_mailed_token(), "password": PASSWORD}, by=user.email)


def asking_for_a_reset(world: World) -> Asked:
    return Asked(Person(), {"email": a_user().email}, by="not_signed_in")


def resetting(world: World) -> Asked:
    user = a_user()
    ask_for_reset(email=user.email)
    return Asked(Person(), {"token": the_mailed_token()}, by=user.email)


def redeeming(world: World) -> Asked:
    _, token = invite_admin(roles=["auditor"], by=Actor.system("test"))
    return Asked(Person(), {"token": token, "email": NOBODY}, by=NOBODY)


def asking_for_a_payout(world: World) -> Asked:
    first("POST payouts/<payout_id>/cancel/", world)
    return Asked(world.side.worker, {"amount_minor": 300})


def opening_a_payout_account(world: World) -> Asked:
    return Asked(in_person(a_worker(user=a_user()).user))


def asking_for_stripes_page(world: World) -> Asked:
    asked = opening_a_payout_account(world)
    assert answer_to(asked, "POST payout-account/", world).status_code == 201
    return Asked(asked.person)


def changing_a_payout_account(world: World) -> Asked:
    with by_hand():
        PayoutAccount.objects.of(of_the_worker(world).billing_owner).update(
            destination="x", destination_since=clock.now()
        )
    return Asked(world.side.worker)


def about_an_application(world: World) -> Asked:
    return Asked(world.people["admin"], ids={"application_id": an_application().pk})


def adding_gold(world: World) -> Asked:
    question = {"item": {"text": "It meows."}, "result": an_answer("cat"), "reason": "Only cats meow."}
    return Asked(world.people["admin"], {"questions": [question]})


def starting_an_exam(world: World) -> Asked:
    return Asked(world.side.worker, {"skill": str(a_skill().pk)})


def finishing_an_exam(world: World) -> Asked:
    worker = of_the_worker(world)
    exam = a_started_exam(worker, a_skill())
    answer_all(exam, worker, right=4)
    return Asked(world.side.worker, ids={"exam_id": exam.pk})


def asking_for_a_certification(world: World) -> Asked:
    return Asked(world.side.worker, {"skill": str(a_skill(grants_by=Skill.Grant.ADMIN).pk)})


def about_a_certification(world: World) -> Asked:
    asked_for = request_certification(worker=of_the_worker(world), skill_id=a_skill(grants_by=Skill.Grant.ADMIN).pk)
    return Asked(world.people["admin"], ids={"certification_id": asked_for.pk})


CLAIM: Final = "POST assignments/"

PREPARED: Final[dict[str, Callable[[World], Asked]]] = {
    "POST assignments/<assignment_id>/submit/": after(CLAIM, "worker", assignment_id="id"),
    "POST assignments/<assignment_id>/return/": after(CLAIM, "worker", assignment_id="id"),
    "POST clients/<client_id>/invoices/": invoicing,
    "POST assignments/<assignment_id>/heartbeat/": after(CLAIM, "worker", assignment_id="id"),
    "POST assignments/<assignment_id>/reject/": rejecting,
    "POST assignments/<assignment_id>/reject-softly/": rejecting,
    "POST assignments/<assignment_id>/reverse/": reversing,
    "POST assignments/<assignment_id>/appeal/": appealing,
    "POST jobs/<job_id>/tasks/": importing,
    "POST jobs/<job_id>/predictions/": importing_predictions,
    "POST jobs/<job_id>/priorities/": prioritising,
    "POST jobs/<job_id>/certificate/": ordering_a_certificate,
    "POST jobs/<job_id>/media/": adding_media,
    "POST jobs/<job_id>/media/fetch/": fetching_media,
    "POST jobs/<job_id>/launch/": launching,
    "POST jobs/<job_id>/recall/": recalling,
    "POST jobs/<job_id>/overlap/": raising_overlap,
    "POST jobs/<job_id>/reprice/": repricing,
    "POST jobs/<job_id>/resume/": after("POST jobs/<job_id>/pause/", "owner"),
    "POST escalations/<escalation_id>/release/": after("POST escalations/<escalation_id>/claim/", "admin"),
    "POST escalations/<escalation_id>/decision/": deciding,
    "POST users/": signing_up,
    "POST session/": signing_in,
    "POST session/second-factor/": the_second_step,
    "POST session/step-up/": stepping_up,
    "POST second-factors/totp/": adding_an_app,
    "POST second-factors/webauthn/": adding_a_security_key,
    "POST me/email/": asking_for_another_address,
    "POST me/email-confirmation/": asking_for_confirmation,
    "POST email-confirmations/": confirming,
    "POST password-resets/": asking_for_a_reset,
    "POST password-resets/completion/": resetting,
    "POST admin-invitations/redeem/": redeeming,
    "POST payouts/": asking_for_a_payout,
    "POST payout-account/": opening_a_payout_account,
    "POST payout-account/onboarding-link/": asking_for_stripes_page,
    "POST payout-account/change/": changing_a_payout_account,
    "POST applications/<application_id>/approve/": about_an_application,
    "POST applications/<application_id>/decline/": about_an_application,
    "POST workers/<worker_id>/resume/": after("POST workers/<worker_id>/pause/", "admin"),
    "POST workers/<worker_id>/reinstate/": after("POST workers/<worker_id>/suspend/", "admin"),
    "POST skills/<skill_id>/media/": adding_media_to_a_skill,
    "DELETE skills/<skill_id>/media/<media_id>/": with_media_of_a_skill,
    "POST skills/<skill_id>/media/<media_id>/withdraw/": with_media_of_a_skill,
    "POST gold-questions/": adding_gold,
    "POST exams/": starting_an_exam,
    "POST exams/<exam_id>/finish/": finishing_an_exam,
    "POST certifications/": asking_for_a_certification,
    "POST certifications/<certification_id>/grant/": about_a_certification,
    "POST certifications/<certification_id>/deny/": about_a_certification,
}
"""Operations for which the world is not ready, or not with the example of their body."""


def requests(name: str, world: World) -> list[Asked]:
    """The request, or else one by each person in the world: the first who may do it will."""
    if name in PREPARED:
        return [PREPARED[name](world)]
    return [Asked(person) for person in world.people.values()]
