"""How often: signed-in users by reads and writes, strangers by address, sign-ins also by account.

Counted in windows of a minute in Django's cache, which all web processes share. A process counts for itself and tells
the cache only every ``TOLD_EVERY`` requests of one sender, so that an ordinary request costs no round trip; a limit may
therefore be overrun by a few requests for each process. When the cache does not answer, each process counts alone.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from kernel.email_address import email_to_look_up
from kernel.models import User

if TYPE_CHECKING:  # DRF loads its default classes, and so this module, while its views load
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60
TOLD_EVERY: Final = 25
CACHE_PAUSE_SECONDS: Final = 10.0
LONGEST_ACCOUNT: Final = 400


class _Counts:
    """How many requests each sender has made in the window that runs now."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._window = 0
        self._told: dict[str, int] = {}
        self._untold: dict[str, int] = {}

    def count(self, sender: str, *, limit: int) -> int:
        """One more request of ``sender``; how many there are now, as far as this process knows."""
        window = int(time.time()) // WINDOW_SECONDS
        every = min(TOLD_EVERY, max(1, limit // 40))
        with self._lock:
            if window != self._window:
                self._window, self._told, self._untold = window, {}, {}
            untold = self._untold[sender] = self._untold.get(sender, 0) + 1
            if untold < every:
                return self._told.get(sender, 0) + untold
            self._untold[sender] = 0
            known = self._told[sender] = self._told.get(sender, 0) + untold
        shared = _shared.add(f"throttle:{window}:{sender}", untold)
        if shared is None:
            return known
        with self._lock:
            if window == self._window:
                self._told[sender] = max(self._told.get(sender, 0), shared)
        return shared


class _SharedCounts:
    """The part of the counting that all processes share, as long as the cache answers."""

    def __init__(self) -> None:
        self._away_until = 0.0

    def add(self, key: str, number: int) -> int | None:
        """The count under ``key`` after adding ``number``; None while the cache does not answer."""
        if time.monotonic() < self._away_until:
            return None
        try:
            cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
            return int(cache.incr(key, number))
        except Exception as error:  # whatever the cache's client raises: requests do not stop because counting did
            self._away_until = time.monotonic() + CACHE_PAUSE_SECONDS
            logger.warning(
                "The throttles' cache does not answer (%s); this process counts alone.", type(error).__name__
            )
            return None


_shared = _SharedCounts()
_counts = _Counts()


def count_or_refuse(rate: str, sender: str) -> None:
    """Count one more request of ``sender`` under the named rate of the settings; raises Throttled beyond it."""
    limit: int | None = settings.REQUESTS_A_MINUTE.get(rate)
    if limit is not None and _counts.count(f"{rate}:{sender}", limit=limit) > limit:
        raise Throttled(wait=WINDOW_SECONDS - time.time() % WINDOW_SECONDS)


def address_of(request: Request | HttpRequest) -> str:
    """Where a request comes from, as far as the proxies that are ours tell."""
    ident: str | None = BaseThrottle().get_ident(request)  # type: ignore[arg-type]  # it reads META alone
    return ident or "local"


class SenderThrottle(BaseThrottle):
    """Signed-in users by id, reads and writes apart; everybody else by address."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if isinstance(request.user, User):
            reads = request.method in ("GET", "HEAD")
            count_or_refuse("read" if reads else "write", str(request.user.pk))
        else:
            count_or_refuse("stranger", address_of(request))
        return True


class SignInThrottle(SenderThrottle):
    """Sign-ins and sign-ups, by address and by the account that is tried."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if request.method == "POST" and not isinstance(request.user, User):
            count_sign_in(request, email=lambda: _field(request, "email"))
            return True
        return super().allow_request(request, view)


class SecondStepThrottle(SenderThrottle):
    """Second factors and passwords that are shown again: as often as sign-ins, by person, or by address."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        self.count(request, user=request.user if isinstance(request.user, User) else None)
        return True

    def count(self, request: Request, *, user: User | None = None) -> None:
        """Count one more try, at the API or on a page; raises Throttled when there were too many."""
        if user is not None:
            count_or_refuse("sign_in_account", f"second-step-{user.pk}")
        else:
            count_or_refuse("sign_in_address", self.get_ident(request) or "local")


def count_sign_in(request: Request, *, email: Callable[[], object]) -> None:
    """Count one more try to sign in, at the API or at the console; raises Throttled when there were too many.

    The account is told by its address as it will be looked up, however it was padded. The address is asked for last:
    to know it, the body must be read.
    """
    count_or_refuse("sign_in_address", address_of(request))
    typed = str(email())
    account = email_to_look_up(typed) or typed[:LONGEST_ACCOUNT]
    count_or_refuse("sign_in_account", hashlib.sha256(account.encode(errors="replace")).hexdigest()[:32])


def _field(request: Request, name: str) -> object:
    return request.data.get(name, "") if isinstance(request.data, dict) else ""
