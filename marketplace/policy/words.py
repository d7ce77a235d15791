"""The words of the policy table: who somebody may be, which rows a condition opens, what scopes API keys may have."""

from typing import Final

from kernel.admin_roles import ADMIN_ROLES
from kernel.policy import ANY, Kind, Role

OWN: Final = "own"
OF_THEIR_CLIENT: Final = "of their client"
SHARED: Final = "shared with them"
OFFERED: Final = "offered to them"
INVITED: Final = "to their address"
OF_A_WORKER: Final = "about a worker"
OF_MONEY: Final = "about money"

ROLES: Final = (
    Role("anyone", Kind.ANYONE, "Everybody, signed in or not.", ANY),
    Role("newcomer", Kind.NEWCOMER, "Whoever is signed in, also before their e-mail address is confirmed.", OWN),
    Role("person", Kind.PERSON, "Whoever is signed in, with a confirmed e-mail address.", OWN),
    Role(
        "worker",
        Kind.LOOKED_UP,
        "A person who was approved to annotate, whatever their standing.",
        OWN,
        refusal="Only a worker may do this. Apply to become one at /api/v1/applications/.",
    ),
    Role("owner", Kind.ON_OBJECT, "A member of a client who decides about its money and its members.", OF_THEIR_CLIENT),
    Role("member", Kind.ON_OBJECT, "A person who acts for a client.", OF_THEIR_CLIENT),
    Role("viewer", Kind.ON_OBJECT, "A person whom one job was shared with, to see it.", SHARED),
    Role("reviewer", Kind.ON_OBJECT, "A person whom one job was shared with, to review its answers.", SHARED),
    Role("manager", Kind.ON_OBJECT, "A person whom one job was shared with, to run it.", SHARED),
    *(Role(name, Kind.ADMIN, about, ANY) for name, about in ADMIN_ROLES.items()),
)

CONDITIONS: Final = {
    ANY: "any there is",
    OWN: "one's own",
    OF_THEIR_CLIENT: "those of one's client",
    SHARED: "the one job that was shared with one",
    OFFERED: "jobs that run, and those that one has worked in",
    INVITED: "those to one's confirmed e-mail address, and those that one has accepted",
    OF_A_WORKER: "those about a fallen score or a signal",
    OF_MONEY: "those about a payout or a dispute",
}
