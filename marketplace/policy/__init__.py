"""The policy table: who may do what with what, under which condition. Read it as prose, one file for each part.

Every operation of the API, every section of the console and every page has its rows here; a system check refuses an
address without a row and a row without an address. A new operation `Post a job` needs a row for `post_a_job`:

    *allow("post_a_job", on="job", to="owner member", scope="jobs.write"),

Who is in none of an operation's rows is refused. Without `scope` no API key may do it. `marketplace/access.py` says in
querysets what the conditions mean, and the views ask for rows through their permit (`self.permit.among(…)`).
"""

from typing import Final

from kernel.policy import Table
from kernel.scopes import SCOPES
from marketplace.policy import assurance, clients, console, jobs, people, quality, trust, work, workforce
from marketplace.policy.words import CONDITIONS, ROLES

TABLE: Final[Table] = Table(
    roles={role.name: role for role in ROLES},
    conditions=CONDITIONS,
    scopes=SCOPES,
    rules=(
        *people.ROWS,
        *clients.ROWS,
        *jobs.ROWS,
        *assurance.ROWS,
        *work.ROWS,
        *workforce.ROWS,
        *quality.ROWS,
        *trust.ROWS,
        *console.ROWS,
    ),
)
