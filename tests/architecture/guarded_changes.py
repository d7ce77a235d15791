"""Changes of what is guarded, past the services: statements by table, in an order in which each finds what it needs.

They are for a database with something of everything (`tests.access.world.a_side`).
"""

# ruff: noqa: S608  (tables and columns are named by this file)

from typing import Final


def _an_appeal(order: str) -> str:
    return f"""
        WITH rejection AS (
            INSERT INTO marketplace_rejection (id, assignment_id, reason, message, rejected_by_id, rejected_at,
                reversible_until, reversal_why, contradicts)
            SELECT gen_random_uuid(), (SELECT id FROM marketplace_assignment ORDER BY id {order} LIMIT 1), 'wrong', 'x',
                (SELECT id FROM kernel_user ORDER BY id LIMIT 1), now(), now() + interval '7 days', '', '' RETURNING id
        ), escalation AS (
            INSERT INTO marketplace_escalation (id, kind, state, subject, details, opened_at, due_at, decision, note)
            VALUES (gen_random_uuid(), 'appeal', 'open', 'x', '{{}}', now(), now() + interval '5 days', '', '')
            RETURNING id
        )
        INSERT INTO marketplace_appeal (id, rejection_id, escalation_id, state, text, appealed_at, due_at, note)
        SELECT gen_random_uuid(), rejection.id, escalation.id, 'open', 'x', now(), now() + interval '5 days', ''
        FROM rejection, escalation
    """


_A_LIFT: Final = """
    INSERT INTO marketplace_lift (id, job_id, worker_id, amount_minor, currency, inputs, lifted_at)
    SELECT gen_random_uuid(), job_id, worker_id, 1, 'USD', '{}', now() FROM marketplace_assignment LIMIT 1
"""


def _an_interruption(order: str) -> str:
    return f"""
        INSERT INTO marketplace_interruption (assignment_id, seconds, expected_seconds, amount_minor, currency, why,
            interrupted_at)
        SELECT id, 1, 1, 1, 'USD', 'x', now() FROM marketplace_assignment ORDER BY id {order} LIMIT 1
    """


def _a_soft_rejection(order: str) -> str:
    return f"""
        INSERT INTO marketplace_softrejection (assignment_id, reason, message, rejected_at, rejected_by_id)
        SELECT turn.id, 'wrong', 'x', now(), (SELECT id FROM kernel_user ORDER BY id LIMIT 1)
        FROM marketplace_assignment turn ORDER BY turn.id {order} LIMIT 1
    """


def _a_floor(country: str) -> str:
    return f"""
        INSERT INTO marketplace_payfloor (id, country, currency, hourly_minor, valid_from, set_at, set_by_id)
        SELECT gen_random_uuid(), '{country}', 'USD', 1, now(), now(), id FROM kernel_user LIMIT 1
    """


def _a_breaker(state: str) -> str:
    decided = "now(), (SELECT id FROM kernel_user LIMIT 1)" if state == "reset" else "NULL, NULL"
    return f"""
        WITH escalation AS (
            INSERT INTO marketplace_escalation (id, kind, state, subject, details, opened_at, due_at, decision, note)
            VALUES (gen_random_uuid(), 'rejection_breaker', 'open', 'x', '{{}}', now(), now(), '', '') RETURNING id
        )
        INSERT INTO marketplace_breaker (id, job_id, escalation_id, state, rule, version, inputs, tripped_at,
            decided_at, decided_by_id, note)
        SELECT gen_random_uuid(), (SELECT id FROM marketplace_job LIMIT 1), escalation.id, '{state}', 'x', 1, '{{}}',
            now(), {decided}, '' FROM escalation
    """


PREPARATION: Final = f"""
{_an_appeal("ASC")};
{_a_breaker("reset")};
{_A_LIFT};
{_a_floor("DE")};
{_an_interruption("ASC")};
{_a_soft_rejection("ASC")};
INSERT INTO qualification_goldrecall (id, gold_question_id, state, why, recalled_by_id, recalled_at)
    SELECT gen_random_uuid(), g.id, 'replaying', 'x', u.id, now() FROM qualification_goldquestion g, kernel_user u
    LIMIT 1;
INSERT INTO auth_group (name) VALUES ('friends');
INSERT INTO billing_posting (id, key, kind, subject, at, entry_count, details)
    VALUES (gen_random_uuid(), 'half', 'funding_settled', 'funding:half', now(), 1, '{{}}');
INSERT INTO marketplace_feeschedule (client_id, currency, minimum_minor, why, set_by_id, set_at)
    SELECT c.id, 'EUR', 0, '', u.id, now() FROM marketplace_client c, kernel_user u LIMIT 1;
INSERT INTO marketplace_feetier (schedule_id, from_spent_minor, basis_points)
    SELECT id, 0, 1 FROM marketplace_feeschedule;
INSERT INTO marketplace_bonus (id, assignment_id, amount_minor, fee_minor, currency, reason, given_by_id, given_at)
    SELECT gen_random_uuid(), a.id, 2, 0, 'USD', '', u.id, now() FROM marketplace_assignment a, kernel_user u LIMIT 1
"""
"""What only somebody who silences the triggers leaves: a posting without entry. And one of each of the rest."""

_MONEY_ARRIVES: Final = """
    SELECT source_id, target_id FROM billing_ledgerentry e JOIN billing_ledgeraccount s ON s.id = e.source_id
    WHERE s.kind = 'outside_world' ORDER BY e.id LIMIT 1
"""
_OTHER_ACCOUNT: Final = "SELECT id FROM billing_payoutaccount WHERE owner <> 'worker:x'"


def _who_is_not_in(table: str) -> str:
    return f"SELECT id FROM kernel_user WHERE id NOT IN (SELECT user_id FROM {table}) ORDER BY id LIMIT 1"


def _changes_of_rights(table: str) -> list[str]:
    return [
        f"""
        INSERT INTO {table} (permission_id, user_id, content_object_id)
        SELECT permission_id, nobody.id, content_object_id FROM {table}, ({_who_is_not_in(table)}) nobody LIMIT 1
        """,
        f"UPDATE {table} SET user_id = ({_who_is_not_in(table)}) WHERE id = (SELECT max(id) FROM {table})",
        f"DELETE FROM {table}",
    ]


CHANGES: Final = {
    "billing_posting": [
        f"""
        WITH posting AS (
            INSERT INTO billing_posting (id, key, kind, subject, at, entry_count, details)
            VALUES (gen_random_uuid(), 'whole', 'funding_settled', 'funding:whole', now(), 1, '{{}}') RETURNING id
        )
        INSERT INTO billing_ledgerentry (posting_id, position, source_id, target_id, amount_minor)
        SELECT posting.id, 0, source_id, target_id, 1 FROM posting, ({_MONEY_ARRIVES}) ends
        """,
    ],
    "billing_ledgerentry": [
        f"""
        INSERT INTO billing_ledgerentry (posting_id, position, source_id, target_id, amount_minor)
        SELECT posting.id, 0, source_id, target_id, 1 FROM billing_posting posting, ({_MONEY_ARRIVES}) ends
        WHERE posting.key = 'half'
        """,
    ],
    "billing_payoutaccount": [
        """
        INSERT INTO billing_payoutaccount (id, owner, country, prefill_email, attempt, stripe_account_id, failure,
            transfers_active, payouts_enabled, requirements_due, opened_at, destination, held_because,
            disabled_reason, shortfalls)
        VALUES (gen_random_uuid(), 'worker:x', 'US', '', 1, '', '', false, false, '[]', now(), '', '', '', '{}')
        """,
        *(
            f"UPDATE billing_payoutaccount SET {change} WHERE owner = 'worker:x'"
            for change in (
                "country = 'FR'",
                "destination = 'x', destination_since = now()",
                "stripe_account_id = 'acct_x'",
                "held_until = now() + interval '9 days', held_because = 'new_bank'",
                f"shared_with_id = ({_OTHER_ACCOUNT})",
                f"replaces_id = ({_OTHER_ACCOUNT})",
                "replaced_at = now()",
                "owner = 'worker:y'",
            )
        ),
        "DELETE FROM billing_payoutaccount WHERE owner = 'worker:y'",
    ],
    "marketplace_job": [
        """
        INSERT INTO marketplace_job SELECT (jsonb_populate_record(j, jsonb_build_object('id', gen_random_uuid(),
            'title', 'x', 'state', 'draft', 'launched_at', NULL))).* FROM marketplace_job j LIMIT 1
        """,
        "UPDATE marketplace_job SET reward_minor = reward_minor + 1",
        "UPDATE marketplace_job SET fee_minor = fee_minor + 1",
        "UPDATE marketplace_job SET currency = 'EUR'",
        "UPDATE marketplace_job SET fee_basis_points = fee_basis_points + 1",
        "UPDATE marketplace_job SET price_list = price_list + 1",
        "UPDATE marketplace_job SET fee_minimum_minor = fee_minimum_minor + 1",
        "DELETE FROM marketplace_job WHERE title = 'x'",
    ],
    "marketplace_feeschedule": [
        """
        INSERT INTO marketplace_feeschedule (client_id, currency, minimum_minor, why, set_by_id, set_at)
        SELECT c.id, 'USD', 0, '', u.id, now() FROM marketplace_client c, kernel_user u LIMIT 1
        """,
    ],
    "marketplace_bonus": [
        """
        INSERT INTO marketplace_bonus (id, assignment_id, amount_minor, fee_minor, currency, reason, given_by_id,
            given_at) SELECT gen_random_uuid(), a.id, 1, 0, 'USD', '', u.id, now()
        FROM marketplace_assignment a, kernel_user u LIMIT 1
        """,
    ],
    "marketplace_feetier": [
        """
        INSERT INTO marketplace_feetier (schedule_id, from_spent_minor, basis_points)
        SELECT id, 9, 1 FROM marketplace_feeschedule LIMIT 1
        """,
    ],
    "marketplace_price": [
        """
        INSERT INTO marketplace_price (job_id, number, band, min_lower_bound, reward_minor, fee_minor, currency,
            created_at) SELECT id, 9, 'easy', 0, 1, 0, 'USD', now() FROM marketplace_job LIMIT 1
        """,
    ],
    "marketplace_jobversion": [
        """
        INSERT INTO marketplace_jobversion SELECT (jsonb_populate_record(v, jsonb_build_object('id', gen_random_uuid(),
            'number', 2))).* FROM marketplace_jobversion v LIMIT 1
        """,
    ],
    "marketplace_assignment": [
        """
        INSERT INTO marketplace_assignment SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(),
            'task_id', (SELECT id FROM marketplace_task
                                         WHERE id NOT IN (SELECT task_id FROM marketplace_assignment) LIMIT 1)))).*
        FROM marketplace_assignment a WHERE a.state = 'submitted' LIMIT 1
        """,
    ],
    "marketplace_appeal": [
        _an_appeal("DESC"),
        "UPDATE marketplace_appeal SET state = 'reversed', decided_at = now()",
    ],
    "marketplace_breaker": [
        _a_breaker("tripped"),
        """
        UPDATE marketplace_breaker SET state = 'reversed', decided_at = now(),
            decided_by_id = (SELECT id FROM kernel_user LIMIT 1)
        WHERE state = 'tripped'
        """,
    ],
    "marketplace_lift": [_A_LIFT],
    "marketplace_payfloor": [_a_floor("FR")],
    "marketplace_interruption": [_an_interruption("DESC")],
    "marketplace_softrejection": [_a_soft_rejection("DESC")],
    "guardian_userobjectpermission": [
        """
        INSERT INTO guardian_userobjectpermission (object_pk, content_type_id, user_id, permission_id)
        SELECT 'x', p.content_type_id, u.id, p.id FROM auth_permission p, kernel_user u LIMIT 1
        """,
        "UPDATE guardian_userobjectpermission SET object_pk = 'y'",
        "DELETE FROM guardian_userobjectpermission",
    ],
    "guardian_groupobjectpermission": [
        """
        INSERT INTO guardian_groupobjectpermission (object_pk, content_type_id, group_id, permission_id)
        SELECT 'x', p.content_type_id, g.id, p.id FROM auth_permission p, auth_group g LIMIT 1
        """,
        "UPDATE guardian_groupobjectpermission SET object_pk = 'y'",
        "DELETE FROM guardian_groupobjectpermission",
    ],
    "marketplace_clientuserobjectpermission": _changes_of_rights("marketplace_clientuserobjectpermission"),
    "marketplace_jobuserobjectpermission": _changes_of_rights("marketplace_jobuserobjectpermission"),
    "marketplace_membership": [
        f"""
        INSERT INTO marketplace_membership (id, client_id, user_id, role, created_at)
        SELECT gen_random_uuid(), c.id, nobody.id, 'member', now()
        FROM marketplace_client c, ({_who_is_not_in("marketplace_membership")}) nobody
        """,
        "UPDATE marketplace_membership SET role = 'owner' WHERE role = 'member'",
        "DELETE FROM marketplace_membership",
    ],
    "marketplace_invitation": [
        """
        INSERT INTO marketplace_invitation
            (id, client_id, role, email, state, invited_by_id, created_at, expires_at)
        SELECT gen_random_uuid(), client_id, 'member', 'x@example.org', 'open', invited_by_id, now(), expires_at
        FROM marketplace_invitation LIMIT 1
        """,
        "UPDATE marketplace_invitation SET role = 'owner' WHERE email = 'x@example.org'",
        "DELETE FROM marketplace_invitation WHERE email = 'x@example.org'",
    ],
    "marketplace_invoice": [
        """
        INSERT INTO marketplace_invoice (id, number, client_id, client_name, client_country, month, currency, lines,
            pay_minor, fees_minor, total_minor, issued_at)
        SELECT gen_random_uuid(), number + 1, client_id, client_name, client_country, '2001-01', currency, lines,
            pay_minor, fees_minor, total_minor, now() FROM marketplace_invoice ORDER BY number DESC LIMIT 1
        """,
    ],
    "kernel_adminrole": [
        f"""
        INSERT INTO kernel_adminrole (id, user_id, role, granted_at)
        SELECT gen_random_uuid(), nobody.id, 'finance', now() FROM ({_who_is_not_in("kernel_adminrole")}) nobody
        """,
        "DELETE FROM kernel_adminrole WHERE role <> 'access'",
    ],
    "workforce_identity": [
        f"""
        INSERT INTO workforce_identity (user_id, region, profile_key_id, legal_name, address, birth_date, tax_id_index,
            stored_at)
        SELECT nobody.id, 'x', (SELECT id FROM kernel_subjectkey LIMIT 1), 'x', 'x', 'x', '', now()
        FROM ({_who_is_not_in("workforce_identity")}) nobody
        """,
        "UPDATE workforce_identity SET legal_name = 'y' WHERE region = 'x'",
        "DELETE FROM workforce_identity WHERE region = 'x'",
    ],
    "kernel_subjectkey": [
        """
        INSERT INTO kernel_subjectkey (id, subject, purpose, wrapped_key, master_key_id, created_at)
        VALUES (gen_random_uuid(), 'x', 'profile', 'x', 'x', now())
        """,
        "UPDATE kernel_subjectkey SET wrapped_key = 'y' WHERE subject = 'x'",
        "UPDATE kernel_subjectkey SET wrapped_key = '', destroyed_at = now() WHERE subject = 'x'",
        "DELETE FROM kernel_subjectkey WHERE subject = 'x'",
    ],
    "qualification_certification": [
        """
        INSERT INTO qualification_certification (id, worker_id, skill_id, state, reason, requested_at)
        SELECT gen_random_uuid(), w.id, s.id, 'pending', '', now() FROM workforce_worker w, qualification_skill s
        WHERE s.id NOT IN (SELECT skill_id FROM qualification_certification) LIMIT 1
        """,
        "UPDATE qualification_certification SET expires_at = now() + interval '9 years' WHERE state = 'granted'",
        "UPDATE qualification_certification SET state = 'granted', granted_at = now() WHERE state = 'pending'",
        "DELETE FROM qualification_certification WHERE expires_at IS NULL",
    ],
    "qualification_goldrecall": [
        """
        INSERT INTO qualification_goldrecall (id, gold_question_id, state, why, recalled_by_id, recalled_at)
        SELECT gen_random_uuid(), g.id, 'replaying', 'x', u.id, now() FROM qualification_goldquestion g, kernel_user u
        WHERE g.id NOT IN (SELECT gold_question_id FROM qualification_goldrecall) ORDER BY g.id LIMIT 1
        """,
        "UPDATE qualification_goldrecall SET evidence_withdrawn_at = now()",
    ],
    "kernel_user": [
        "UPDATE kernel_user SET email = 'x' || email",
        "UPDATE kernel_user SET is_staff = NOT is_staff",
        "UPDATE kernel_user SET is_active = false WHERE id NOT IN (SELECT user_id FROM kernel_adminrole)",
    ],
}
"""What is let through with an event, and not without."""

REFUSED_ANYWAY: Final = {
    "billing_posting": ["UPDATE billing_posting SET subject = 'x'", "DELETE FROM billing_posting"],
    "billing_ledgerentry": [
        "UPDATE billing_ledgerentry SET amount_minor = amount_minor + 1",
        "DELETE FROM billing_ledgerentry",
    ],
    "kernel_adminrole": ["UPDATE kernel_adminrole SET role = 'access' WHERE role = 'auditor'"],
    "marketplace_appeal": ["DELETE FROM marketplace_appeal"],
    "marketplace_breaker": ["DELETE FROM marketplace_breaker"],
    "marketplace_invoice": [
        "UPDATE marketplace_invoice SET client_name = 'x'",
        "DELETE FROM marketplace_invoice",
    ],
    "marketplace_lift": ["UPDATE marketplace_lift SET amount_minor = 2", "DELETE FROM marketplace_lift"],
    "marketplace_interruption": [
        "UPDATE marketplace_interruption SET amount_minor = 2",
        "DELETE FROM marketplace_interruption",
    ],
    "marketplace_softrejection": [
        "UPDATE marketplace_softrejection SET reason = 'item'",
        "DELETE FROM marketplace_softrejection",
    ],
    "qualification_goldrecall": ["DELETE FROM qualification_goldrecall"],
    "marketplace_payfloor": ["UPDATE marketplace_payfloor SET hourly_minor = 2", "DELETE FROM marketplace_payfloor"],
    "marketplace_jobversion": [
        "UPDATE marketplace_jobversion SET number = 9",
        "DELETE FROM marketplace_jobversion",
    ],
    "marketplace_feeschedule": [
        "UPDATE marketplace_feeschedule SET minimum_minor = 9",
        "DELETE FROM marketplace_feeschedule",
    ],
    "marketplace_bonus": [
        "UPDATE marketplace_bonus SET amount_minor = 9",
        "DELETE FROM marketplace_bonus",
    ],
    "marketplace_feetier": [
        "UPDATE marketplace_feetier SET basis_points = 9",
        "DELETE FROM marketplace_feetier",
    ],
    "marketplace_price": [
        "UPDATE marketplace_price SET reward_minor = 9",
        "DELETE FROM marketplace_price",
    ],
    "marketplace_assignment": [
        "UPDATE marketplace_assignment SET reward_minor = 9",
        "UPDATE marketplace_assignment SET fee_minor = 9",
        "UPDATE marketplace_assignment SET currency = 'EUR'",
        "DELETE FROM marketplace_assignment",
    ],
}
"""What other triggers refuse outright: such rows are kept as they are."""


def way_of(statement: str) -> str:
    """INSERT, UPDATE or DELETE: in which way a statement changes the table that it is about."""
    return next(word for word in statement.split() if word in ("INSERT", "UPDATE", "DELETE"))
