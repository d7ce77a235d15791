"""Challenges: what a person is asked to prove in a second request, and how often they may try."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.db.models import Sum

from kernel import clock
from kernel.errors import Refused
from kernel.models import Challenge, User
from kernel.services.audit import Actor, record
from kernel.services.notices import tell
from kernel.tokens import CHALLENGE_MARK, new_token, sha256_of

LASTS: Final = timedelta(minutes=5)
MOST_TRIES: Final = 5
MOST_TRIES_A_DAY: Final = 20
DAY: Final = timedelta(days=1)
KEPT_FOR: Final = timedelta(days=30)


class ChallengeOver(Refused):
    """The challenge is unknown, has run out, was answered, or was tried too often. Begin anew."""

    code: ClassVar[str] = "challenge_over"


class WrongSecondFactor(Refused):
    """The code or the security key's answer is not right, or was used before."""

    code: ClassVar[str] = "wrong_second_factor"
    keeps_facts: ClassVar[bool] = True


class TooManyTries(Refused):
    """Too many wrong answers within a day, whoever gave them; a new password, by mail, lets one try again."""

    code: ClassVar[str] = "too_many_tries"


def ask(*, user: User, purpose: Challenge.Purpose, state: Mapping[str, Any]) -> tuple[Challenge, str]:
    """A new challenge, and the token that its answer must come with. Raises TooManyTries."""
    refuse_after_too_many(user)
    token = new_token(CHALLENGE_MARK)
    now = clock.now()
    challenge = Challenge.objects.create(
        user=user,
        purpose=purpose,
        token_sha256=sha256_of(token),
        state=dict(state),
        created_at=now,
        expires_at=now + LASTS,
    )
    return challenge, token


def take(token: str, *, purpose: Challenge.Purpose, user: User | None = None) -> Challenge:
    """The living challenge of this token, locked; of ``user``, when they are known already.

    Its person's row is locked before it: whoever tries many challenges at once is counted one after the other, and who
    resets their password meanwhile holds the same lock. Raises ChallengeOver, TooManyTries.
    """
    holders = User.objects.select_for_update(no_key=True, of=("self",))
    holders.filter(challenges__token_sha256=sha256_of(token)).first()
    living = Challenge.objects.filter(
        token_sha256=sha256_of(token),
        purpose=purpose,
        answered_at=None,
        expires_at__gt=clock.now(),
        tries__lt=MOST_TRIES,
        user__is_active=True,
    )
    challenge = living.select_related("user").select_for_update(no_key=True, of=("self",)).first()
    if challenge is None or (user is not None and challenge.user_id != user.pk):
        raise ChallengeOver("This challenge is unknown, has run out, or was answered. Begin anew.")
    refuse_after_too_many(challenge.user)
    return challenge


def close(challenge: Challenge) -> None:
    """It was answered rightly; it cannot be answered again."""
    challenge.answered_at = clock.now()
    challenge.save(update_fields=["answered_at"])


def note_failure(*, user: User, challenge: Challenge | None = None) -> WrongSecondFactor:
    """Count a wrong answer, and keep the count: what is returned is raised once the transaction has ended."""
    if challenge is None:
        challenge, _ = ask(user=user, purpose=Challenge.Purpose.STEP_UP, state={})
    challenge.tries += 1
    challenge.save(update_fields=["tries"])
    record(action="second_factor.refused", subject=challenge, by=Actor.user(user), details={"for": challenge.purpose})
    if _wrong_answers(user) == MOST_TRIES_A_DAY:
        tell(user_id=user.pk, notice="second_factor_guessed")
    return WrongSecondFactor("This is not right, or it was used before. Each code counts once; wait for the next.")


def refuse_after_too_many(user: User) -> None:
    """Raise TooManyTries when this user's second factors were answered wrongly too often.

    Counted since the last right answer: who knows the password can guess this often, and then no more for a day.
    """
    if _wrong_answers(user) >= MOST_TRIES_A_DAY:
        raise TooManyTries(
            "Too many wrong answers within a day. Wait a day, or reset the password by mail, which lets you try again."
        )


def forget_failures(user: User) -> None:
    """Let somebody who has shown who they are in another way try again."""
    Challenge.objects.filter(user=user).update(tries=0, expires_at=clock.now())


def void_challenges(user: User) -> None:
    """Let nothing be answered that ``user`` was asked before; wrong answers count on."""
    Challenge.objects.filter(user=user, answered_at=None, expires_at__gt=clock.now()).update(expires_at=clock.now())


def forget_old_challenges() -> int:
    """Delete what was asked longer ago than is of use to anybody; how many there were."""
    deleted, _ = Challenge.objects.filter(created_at__lt=clock.now() - KEPT_FOR).delete()
    return deleted


def _wrong_answers(user: User) -> int:
    recent = Challenge.objects.filter(user=user, created_at__gt=clock.now() - DAY)
    right = recent.exclude(answered_at=None).order_by("-created_at", "-id").first()
    wrong = recent.filter(created_at__gt=right.created_at) if right else recent
    return wrong.aggregate(all=Sum("tries"))["all"] or 0
