"""Second factors over HTTP: the second step of a sign-in, stepping up, and one's own factors."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel import allauth_gateway as gateway
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.sessions import SessionOut, session_of, shown_session
from kernel.api.throttles import SecondStepThrottle
from kernel.api.views import ApiView
from kernel.api.webauthn import CREATION_EXAMPLE, KeyAnswerIn, NewKeyAnswerIn
from kernel.errors import NotFound
from kernel.models import User
from kernel.services import second_factors
from kernel.services.access import SessionOver
from kernel.services.challenges import ChallengeOver, TooManyTries, WrongSecondFactor
from kernel.services.second_factors import Added, FactorThere, LastFactor, NoFactor, Proof

CHALLENGE = "ac_3vKx0bq8Zt5mWnR2yLhJ7dPfGcS1uQeA9oTiVwXkMzE"
CODE_HELP = "Of the authenticator app (6 digits), or one of the recovery codes (10 digits)."
ANSWERED_WRONGLY = [WrongSecondFactor, ChallengeOver, TooManyTries]
NOT_ADDED = [*ANSWERED_WRONGLY, SessionOver]


class SecondStepIn(In):
    """The second factor of whoever signs in: a code, or a security key's answer."""

    EXAMPLE = {"challenge": CHALLENGE, "code": "081804"}
    challenge = fields.SecretField(help_text="From the first step.")
    code = fields.SecretField(required=False, max_length=20, help_text=CODE_HELP)
    credential = KeyAnswerIn(required=False, help_text="What the browser made of the first step's `webauthn`.")


class StepUpIn(In):
    """What shows that one is still there: a code, a security key's answer, or, without second factors, the password."""

    EXAMPLE = {"code": "081804"}
    code = fields.SecretField(required=False, max_length=20, help_text=CODE_HELP)
    password = fields.SecretField(required=False, help_text="For who has no second factor.")
    challenge = fields.SecretField(required=False, help_text="With a `credential`: what it answers.")
    credential = KeyAnswerIn(required=False, help_text="What the browser made of the challenge's `webauthn`.")


class FreshOut(Out):
    """How long the session counts as fresh."""

    EXAMPLE = {"fresh_until": "2026-05-17T12:10:00Z"}
    fresh_until = fields.DateTimeField()


class ChallengeOut(Out):
    """What is asked, and how it can be answered."""

    EXAMPLE = {"challenge": CHALLENGE, "kinds": ["totp", "recovery_codes"], "webauthn": None}
    challenge = fields.LineField(help_text="Send it with the answer, within five minutes.")
    kinds = fields.ListField(
        child=fields.ChoiceField(choices=["totp", "webauthn", "recovery_codes", "password"]),
        help_text="What it can be answered with.",
    )
    webauthn = fields.ObjectField(allow_null=True, help_text="For `navigator.credentials.get`; null without a key.")


class FactorOut(Out):
    """One of one's second factors."""

    EXAMPLE = {
        "id": 17,
        "kind": "totp",
        "name": "",
        "created_at": "2026-05-17T12:00:00Z",
        "last_used_at": None,
        "left": None,
    }
    id = fields.IntegerField()
    kind = fields.ChoiceField(choices=["totp", "webauthn", "recovery_codes"])
    name = fields.LineField(help_text="As its owner called it; empty for all but security keys.")
    created_at = fields.DateTimeField()
    last_used_at = fields.DateTimeField(allow_null=True)
    left = fields.IntegerField(allow_null=True, help_text="How many recovery codes are unused; null for all else.")


class FactorsOut(Out):
    """One's second factors."""

    EXAMPLE = {"factors": [FactorOut.EXAMPLE]}
    factors = FactorOut(many=True)


class NewTotpOut(Out):
    """What an authenticator app has to know. Shown only here."""

    EXAMPLE = {
        "challenge": CHALLENGE,
        "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        "link": "otpauth://totp/ada%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Assay",
    }
    challenge = fields.LineField(help_text="Send it with a code that the app shows, within five minutes.")
    secret = fields.LineField(help_text="In Base32, for typing.")
    link = fields.LineField(help_text="For a QR code.")


class TotpIn(In):
    """A code of the app that is added."""

    EXAMPLE = {"challenge": CHALLENGE, "code": "081804"}
    challenge = fields.SecretField()
    code = fields.SecretField(max_length=20, help_text="What the app shows now.")


class NewKeyOut(Out):
    """What a browser has to know to register a security key."""

    EXAMPLE = {"challenge": CHALLENGE, "webauthn": CREATION_EXAMPLE}
    challenge = fields.LineField(help_text="Send it with the key's answer, within five minutes.")
    webauthn = fields.ObjectField(help_text="For `navigator.credentials.create`.")


class NewKeyIn(In):
    """The security key that is added."""

    EXAMPLE = {"challenge": CHALLENGE, "name": "blue key", "credential": NewKeyAnswerIn.EXAMPLE}
    challenge = fields.SecretField()
    name = fields.LineField(max_length=60, help_text="To tell keys apart.")
    credential = NewKeyAnswerIn(help_text="What the browser made of `webauthn`.")


class AddedOut(SessionOut):
    """The new factor, the token that the session has from now on, and recovery codes with the first factor."""

    EXAMPLE = {**SessionOut.EXAMPLE, "factor": FactorOut.EXAMPLE, "recovery_codes": ["4730159268", "9918273645"]}
    factor = FactorOut()
    recovery_codes = fields.ListField(
        child=fields.LineField(), help_text="Ten with the first factor, shown only here; else none."
    )


class RecoveryCodesOut(Out):
    """New recovery codes. Shown only here; each counts once."""

    EXAMPLE = {"recovery_codes": ["4730159268", "9918273645"]}
    recovery_codes = fields.ListField(child=fields.LineField())


class WhyIn(In):
    """Why it is done."""

    EXAMPLE = {"why": "Phone lost; met in person."}
    why = fields.LineField(max_length=500, help_text="For the audit trail.")


class SecondStepView(ApiView):
    """The second step of a sign-in."""

    authentication_classes = []
    throttle_classes = [SecondStepThrottle]

    @operation(
        "Finish a sign-in", body=SecondStepIn, answer=SessionOut, status=201, errors=ANSWERED_WRONGLY, public=True
    )
    def post(self, request: Request) -> Response:
        """Begins the session for which the first step answered `second_factor_needed`, and gives its token."""
        sent = self.read_body()
        challenge = sent.pop("challenge")
        session, token = second_factors.finish_sign_in(challenge=challenge, proof=Proof(**sent))
        return self.answer(SessionOut(shown_session(session, token)), status=201)


class StepUpChallengeView(ApiView):
    """What a step-up can be answered with."""

    @operation("Begin a step-up", answer=ChallengeOut, status=201, errors=[TooManyTries])
    def post(self, request: Request) -> Response:
        """Says with what one can step up, and challenges security keys. For a code or a password it may be left out."""
        challenge, kinds, options = second_factors.begin_step_up(session=session_of(request))
        shown = {"challenge": challenge, "kinds": kinds, "webauthn": options}
        return self.answer(ChallengeOut(shown), status=201)


class StepUpView(ApiView):
    """Showing that one is still there."""

    throttle_classes = [SecondStepThrottle]

    @operation("Step up", body=StepUpIn, answer=FreshOut, errors=ANSWERED_WRONGLY)
    def post(self, request: Request) -> Response:
        """Lets the session count as fresh for ten minutes, which operations with much at stake ask for.

        Those answer 403 `step_up_needed` without. A sign-in counts as fresh too.
        """
        sent = self.read_body()
        challenge = sent.pop("challenge", "")
        session = second_factors.step_up(session=session_of(request), proof=Proof(**sent), challenge=challenge)
        return self.answer(FreshOut({"fresh_until": session.fresh_until}))


class FactorsView(ApiView):
    """One's second factors."""

    @operation("List second factors", answer=FactorsOut)
    def get(self, request: Request) -> Response:
        """One's own second factors, in the order in which they came; the recovery codes are one of them."""
        return self.answer(FactorsOut({"factors": gateway.factors_of(self.user)}))


class FactorView(ApiView):
    """One of one's second factors."""

    @operation("Remove a second factor", errors=[NotFound, LastFactor])
    def delete(self, request: Request, factor_id: int) -> Response:
        """Takes a factor away at once; with the last one go the recovery codes. Admins keep at least one."""
        second_factors.remove_factor(user=self.user, factor_id=factor_id, by=self.actor)
        return self.answer()


class TotpChallengeView(ApiView):
    """A new authenticator app."""

    @operation("Begin an authenticator app", answer=NewTotpOut, status=201, errors=[FactorThere, TooManyTries])
    def post(self, request: Request) -> Response:
        """Makes the secret of an authenticator app. It counts once a code of it was sent."""
        challenge, secret, link = second_factors.begin_totp(user=self.user)
        return self.answer(NewTotpOut({"challenge": challenge, "secret": secret, "link": link}), status=201)


class TotpView(ApiView):
    """The authenticator app that is added."""

    throttle_classes = [SecondStepThrottle]

    @operation("Add an authenticator app", body=TotpIn, answer=AddedOut, status=201, errors=NOT_ADDED)
    def post(self, request: Request) -> Response:
        """Adds the app that shows this code. From now on signing in asks for it too.

        The session has then shown a second factor, and a new token, which replaces the one that was sent.
        """
        added = second_factors.add_totp(session=session_of(request), **self.read_body())
        return self.answer(AddedOut(_shown(request, added)), status=201)


class KeyChallengeView(ApiView):
    """A new security key."""

    @operation("Begin a security key", answer=NewKeyOut, status=201, errors=[FactorThere, TooManyTries])
    def post(self, request: Request) -> Response:
        """Challenges a security key to register itself."""
        challenge, options = second_factors.begin_security_key(user=self.user)
        return self.answer(NewKeyOut({"challenge": challenge, "webauthn": options}), status=201)


class KeyView(ApiView):
    """The security key that is added."""

    throttle_classes = [SecondStepThrottle]

    @operation("Add a security key", body=NewKeyIn, answer=AddedOut, status=201, errors=NOT_ADDED)
    def post(self, request: Request) -> Response:
        """Adds the key that answered. From now on signing in asks for it too.

        The session has then shown a second factor, and a new token, which replaces the one that was sent.
        """
        added = second_factors.add_security_key(session=session_of(request), **self.read_body())
        return self.answer(AddedOut(_shown(request, added)), status=201)


class RecoveryCodesView(ApiView):
    """One's recovery codes."""

    @operation("Renew recovery codes", answer=RecoveryCodesOut, status=201, errors=[NoFactor])
    def post(self, request: Request) -> Response:
        """Makes ten new recovery codes. Those from before are worth nothing any more."""
        codes = second_factors.renew_recovery_codes(user=self.user, by=self.actor)
        return self.answer(RecoveryCodesOut({"recovery_codes": codes}), status=201)


class LostFactorsView(ApiView):
    """The second factors of somebody who has lost them."""

    @operation("Reset somebody's second factors", body=WhyIn, errors=[NotFound])
    def post(self, request: Request, user_id: UUID) -> Response:
        """Takes all second factors of a person away, and ends their sessions and API keys; they begin anew."""
        somebody = self.permit.among(User.objects.all()).filter(pk=user_id).first()
        if somebody is None:
            raise NotFound("user")
        second_factors.reset_factors(user=somebody, by=self.actor, **self.read_body())
        return self.answer()


def _shown(request: Request, added: Added) -> dict[str, Any]:
    shown = shown_session(session_of(request), added.token)
    return {**shown, "factor": added.factor, "recovery_codes": added.recovery_codes}
