"""What the ledger promises of money that comes and goes through Stripe."""

from typing import Final

from billing.checks.frame import Promises

MONEY_COMES_FROM_FUNDINGS: Final = """
    SELECT p.key, 'Money came in by it, but it is no settled funding of that amount.'
    FROM billing_posting p
    JOIN billing_ledgerentry e ON e.posting_id = p.id
    JOIN billing_ledgeraccount s ON s.id = e.source_id AND s.kind = 'outside_world'
    LEFT JOIN billing_funding f ON f.state = 'settled' AND p.kind = 'funding_settled'
        AND p.key = 'funding:' || f.id AND f.amount_minor = e.amount_minor AND f.currency = s.currency
        AND f.client_owner = s.owner
    WHERE f.id IS NULL AND p.kind NOT IN ('reversal', 'payout_returned', 'refund_returned')
    UNION ALL
    SELECT 'funding:' || f.id, 'It is settled, but was never credited.'
    FROM billing_funding f WHERE f.state = 'settled'
        AND NOT EXISTS (SELECT FROM billing_posting p WHERE p.key = 'funding:' || f.id)
"""

FUNDINGS_KNOW_THEIR_REFUNDS: Final = """
    SELECT f.id,
        format('It says %s refunded; its refunds sum up to %s.', f.refunded_minor, coalesce(sum(r.amount_minor), 0))
    FROM billing_funding f LEFT JOIN billing_refund r
        ON r.funding_id = f.id AND r.state NOT IN ('failed', 'returned')
    GROUP BY f.id HAVING f.refunded_minor <> coalesce(sum(r.amount_minor), 0)
"""

RETURNS_ARE_POSTED: Final = """
    WITH told AS (
        SELECT payout_id, sum(amount_minor) AS minor FROM billing_payoutreturn GROUP BY payout_id
    ), posted AS (
        SELECT p.id, p.subject, p.kind, sum(e.amount_minor) AS minor
        FROM billing_posting p JOIN billing_ledgerentry e ON e.posting_id = p.id
        WHERE p.kind = 'payout_returned' GROUP BY p.id
    )
    SELECT 'payout:' || p.id, format('It says that %s came back; its returns sum up to %s.',
        p.returned_minor, coalesce(t.minor, 0))
    FROM billing_payout p LEFT JOIN told t ON t.payout_id = p.id WHERE p.returned_minor <> coalesce(t.minor, 0)
    UNION ALL
    SELECT coalesce(x.subject, r.stripe_reversal_id),
        format('Stripe took %s back, and %s was posted.', coalesce(r.amount_minor, 0), coalesce(x.minor, 0))
    FROM billing_payoutreturn r FULL JOIN posted x ON x.id = r.posting_id
    WHERE (x.subject, x.minor) IS DISTINCT FROM ('payout:' || r.payout_id, r.amount_minor::numeric)
    UNION ALL
    SELECT stripe_reversal_id, format('It came back %s times.', count(*))
    FROM billing_payoutreturn GROUP BY stripe_reversal_id HAVING count(*) > 1
"""

ENDS_ARE_POSTED: Final = """
    WITH sent AS (
        SELECT 'payout' AS noun, id, state, amount_minor, currency FROM billing_payout
        UNION ALL SELECT 'refund', id, state, amount_minor, currency FROM billing_refund
    ), expected AS (
        SELECT *, CASE WHEN state IN ('settled', 'failed', 'cancelled') THEN noun || '_' || state
            WHEN state = 'returned' THEN noun || '_settled' END AS ending,
            (state = 'returned' AND noun = 'refund')::int AS returned
        FROM sent
    )
    SELECT x.noun || ':' || x.id,
        format('It is %s; it has: %s.', x.state, coalesce(string_agg(p.kind, ', ' ORDER BY p.kind), 'no posting'))
    FROM expected x
    CROSS JOIN (VALUES (':requested'), (':finished'), (':returned')) AS step (suffix)
    LEFT JOIN billing_posting p ON p.key = x.noun || ':' || x.id || step.suffix
        AND EXISTS (
            SELECT FROM billing_ledgerentry e JOIN billing_ledgeraccount a ON a.id = e.source_id
            WHERE e.posting_id = p.id AND e.amount_minor = x.amount_minor AND a.currency = x.currency
        )
    GROUP BY x.noun, x.id, x.state, x.ending, x.returned
    HAVING count(*) FILTER (WHERE p.kind = x.noun || '_requested') <> 1
        OR count(*) FILTER (WHERE p.kind = x.ending) <> (x.ending IS NOT NULL)::int
        OR count(*) FILTER (WHERE p.kind = x.noun || '_returned') <> x.returned
        OR count(p.id) <> 1 + (x.ending IS NOT NULL)::int + x.returned
"""

IN_FLIGHT_IS_UNDER_WAY: Final = """
    WITH under_way AS (
        SELECT 'payouts_in_flight' AS kind, owner, currency, sum(amount_minor) AS minor FROM billing_payout
        WHERE state IN ('requested', 'sending', 'sent') GROUP BY owner, currency
        UNION ALL
        SELECT 'refunds_in_flight', f.client_owner, r.currency, sum(r.amount_minor)
        FROM billing_refund r JOIN billing_funding f ON f.id = r.funding_id
        WHERE r.state IN ('requested', 'sending', 'sent') GROUP BY f.client_owner, r.currency
        UNION ALL
        SELECT 'disputed', f.client_owner, d.currency, sum(d.amount_minor - d.returned_minor)
        FROM billing_dispute d JOIN billing_funding f ON f.id = d.funding_id
        WHERE d.state = 'open' GROUP BY f.client_owner, d.currency
    ), held AS (
        SELECT kind, owner, currency, balance_minor AS minor FROM billing_ledgeraccount
        WHERE kind IN ('payouts_in_flight', 'refunds_in_flight', 'disputed')
    )
    SELECT coalesce(h.owner, u.owner),
        format('%s are %s, but %s are under way.', coalesce(h.kind, u.kind), coalesce(h.minor, 0), coalesce(u.minor, 0))
    FROM held h FULL JOIN under_way u ON (u.kind, u.owner, u.currency) = (h.kind, h.owner, h.currency)
    WHERE coalesce(h.minor, 0) <> coalesce(u.minor, 0)
"""

DISPUTES_ARE_POSTED: Final = """
    WITH moved AS (
        SELECT p.id, p.subject, p.kind, sum(e.amount_minor) AS minor,
            coalesce(sum(e.amount_minor) FILTER (WHERE 'client_funds' IN (s.kind, t.kind)), 0) AS of_funds
        FROM billing_posting p JOIN billing_ledgerentry e ON e.posting_id = p.id
        JOIN billing_ledgeraccount s ON s.id = e.source_id JOIN billing_ledgeraccount t ON t.id = e.target_id
        WHERE p.kind IN ('dispute_opened', 'dispute_won', 'dispute_lost')
            AND NOT EXISTS (SELECT FROM billing_posting r WHERE r.reverses_id = p.id)
        GROUP BY p.id
    ), told AS (
        SELECT subject, coalesce(sum(minor) FILTER (WHERE kind = 'dispute_opened'), 0) AS taken,
            coalesce(sum(of_funds) FILTER (WHERE kind = 'dispute_opened'), 0) AS from_funds,
            coalesce(sum(minor) FILTER (WHERE kind = 'dispute_won'), 0) AS returned,
            coalesce(sum(of_funds) FILTER (WHERE kind = 'dispute_won'), 0) AS to_funds,
            coalesce(sum(minor) FILTER (WHERE kind = 'dispute_lost'), 0) AS gone
        FROM moved GROUP BY subject
    ), kept AS (
        SELECT 'dispute:' || id AS subject, state, amount_minor AS taken, from_funds_minor AS from_funds,
            returned_minor AS returned, returned_to_funds_minor AS to_funds,
            CASE WHEN state = 'lost' THEN amount_minor - returned_minor ELSE 0 END AS gone
        FROM billing_dispute WHERE state NOT IN ('inquiry', 'closed')
    )
    SELECT coalesce(k.subject, t.subject), format('It is %s: taken, of that from funds, given back, of that to funds, '
        'gone: %s; posted: %s.', coalesce(k.state, 'not open'), (k.taken, k.from_funds, k.returned, k.to_funds, k.gone),
        (t.taken, t.from_funds, t.returned, t.to_funds, t.gone))
    FROM kept k FULL JOIN told t ON t.subject = k.subject
    WHERE (k.taken, k.from_funds, k.returned, k.to_funds, k.gone)
        IS DISTINCT FROM (t.taken, t.from_funds, t.returned, t.to_funds, t.gone)
    UNION ALL
    SELECT coalesce(x.subject, d.stripe_transaction_id), format('Stripe moved %s, %s of it the client''s; posted: %s.',
        coalesce(d.amount_minor, 0), coalesce(d.of_funds_minor, 0), (x.kind, x.minor, x.of_funds))
    FROM billing_disputemovement d FULL JOIN (SELECT * FROM moved WHERE kind <> 'dispute_lost') x ON x.id = d.posting_id
    WHERE (x.subject, x.minor * CASE x.kind WHEN 'dispute_won' THEN 1 ELSE -1 END, x.of_funds)
        IS DISTINCT FROM ('dispute:' || d.dispute_id, d.amount_minor::numeric, d.of_funds_minor::numeric)
"""

REBUILT: Final = """
    WITH told AS (
        SELECT p.subject, string_agg(
            format('%s %s %s %s', p.kind, coalesce(nullif(s.owner, ''), '?'), e.amount_minor, s.currency), ', '
            ORDER BY e.id) AS story
        FROM billing_posting p
        JOIN billing_ledgerentry e ON e.posting_id = p.id JOIN billing_ledgeraccount s ON s.id = e.source_id
        WHERE p.kind IN ('funding_settled', 'refund_requested', 'refund_settled', 'refund_failed', 'payout_requested',
            'payout_settled', 'payout_cancelled', 'payout_failed', 'refund_returned', 'payout_returned')
        GROUP BY p.subject
    ), kept AS (
        SELECT 'funding:' || id AS subject, format('funding_settled %s %s %s', client_owner, amount_minor, currency)
            AS story
        FROM billing_funding WHERE settled_at IS NOT NULL
        UNION ALL
        SELECT subject, format('%s_requested %s %s %s', noun, owner, minor, currency) || CASE
            WHEN ending IS NULL THEN ''
            WHEN ending = 'returned' THEN format(', %1$s_settled %2$s %3$s %4$s', noun, owner, minor, currency)
            ELSE format(', %s_%s %s %s %s', noun, ending, owner, minor, currency) END || coalesce(came_back, '')
        FROM (
            SELECT 'payout:' || p.id AS subject, 'payout' AS noun, owner, p.amount_minor AS minor, currency,
                CASE WHEN state NOT IN ('requested', 'sending', 'sent') THEN state END AS ending, back.came_back
            FROM billing_payout p LEFT JOIN LATERAL (
                SELECT string_agg(format(', payout_returned %s %s %s', p.owner, r.amount_minor, p.currency), ''
                    ORDER BY e.id) AS came_back
                FROM billing_payoutreturn r JOIN billing_ledgerentry e ON e.posting_id = r.posting_id
                WHERE r.payout_id = p.id
            ) back ON p.returned_minor > 0
            UNION ALL
            SELECT 'refund:' || r.id, 'refund', f.client_owner, r.amount_minor, r.currency,
                CASE WHEN r.state NOT IN ('requested', 'sending', 'sent') THEN r.state END,
                CASE WHEN r.state = 'returned'
                THEN format(', refund_returned %s %s %s', f.client_owner, r.amount_minor, r.currency) END
            FROM billing_refund r JOIN billing_funding f ON f.id = r.funding_id
        ) AS gone
    )
    SELECT coalesce(k.subject, t.subject),
        format('Its row says "%s", its entries say "%s".', coalesce(k.story, 'nothing'), coalesce(t.story, 'nothing'))
    FROM kept k FULL JOIN told t ON t.subject = k.subject WHERE k.story IS DISTINCT FROM t.story
"""

ONE_TRANSFER: Final = """
    WITH named AS (
        SELECT 'payout:' || id AS subject, stripe_transfer_id AS name, state FROM billing_payout
        UNION ALL SELECT 'refund:' || id, stripe_refund_id, state FROM billing_refund
    )
    SELECT min(subject), format('It shares %s with %s others.', name, count(*) - 1)
    FROM named WHERE name <> '' GROUP BY name HAVING count(*) > 1
    UNION ALL
    SELECT subject, format('It is %s, but what Stripe made of it is not known.', state)
    FROM named WHERE name = '' AND state IN ('sent', 'settled', 'returned')
    UNION ALL
    SELECT payout.subject, format('It was told %s times that Stripe made it.', count(*))
    FROM named payout JOIN kernel_auditevent event
        ON event.subject_id = split_part(payout.subject, ':', 2) AND event.to_state = 'sent'
        AND event.subject_type IN ('billing.payout', 'billing.refund')
    GROUP BY payout.subject HAVING count(*) > 1
"""

KEYS_ARE_TOLD: Final = """
    WITH asked AS (
        SELECT 'payout' AS noun, id, attempt FROM billing_payout
        UNION ALL SELECT 'refund', id, attempt FROM billing_refund
    ), told AS (
        SELECT subject_id, count(*) AS times FROM kernel_auditevent
        WHERE subject_type IN ('billing.payout', 'billing.refund')
            AND (to_state = 'sending' OR action IN ('payout.attempt_begun', 'refund.attempt_begun'))
        GROUP BY subject_id
    )
    SELECT noun || ':' || id, format('It has taken %s keys; the audit was told of %s.', attempt, coalesce(times, 0))
    FROM asked LEFT JOIN told ON told.subject_id = asked.id::text WHERE attempt <> coalesce(times, 0)
"""

REFUSED_LEAVES_NOTHING: Final = """
    WITH there AS (
        SELECT 'billing.payout' AS noun, id::text AS id FROM billing_payout
        UNION ALL SELECT 'billing.refund', id::text FROM billing_refund
        UNION ALL SELECT 'billing.funding', id::text FROM billing_funding
    ), told AS (
        SELECT DISTINCT subject_type AS noun, subject_id AS id FROM kernel_auditevent
        WHERE subject_type IN ('billing.payout', 'billing.refund', 'billing.funding')
    )
    SELECT coalesce(there.noun, told.noun) || ' ' || coalesce(there.id, told.id),
        CASE WHEN told.id IS NULL THEN 'It is there, and nobody was told of it.'
        ELSE 'The audit tells of it, and it is not there.' END
    FROM there FULL JOIN told ON (told.noun, told.id) = (there.noun, there.id)
    WHERE told.id IS NULL OR there.id IS NULL
    UNION ALL
    SELECT o.event || ' ' || o.id, format('It announces %s, which is not there.', owed.id)
    FROM kernel_outboxmessage o CROSS JOIN LATERAL (VALUES (
        coalesce(o.payload ->> 'payout_id', o.payload ->> 'refund_id', o.payload ->> 'funding_id'))) AS owed (id)
    WHERE o.event ~ '(Payout|Refund|Funding)' AND owed.id IS NOT NULL
        AND NOT EXISTS (SELECT FROM there WHERE there.id = owed.id)
"""

MOVED_AS_POSTED: Final = """
    WITH posted AS (
        SELECT p.id, p.kind, min(a.currency) AS currency, sum(e.amount_minor)::bigint * CASE WHEN p.kind IN (
            'funding_settled', 'refund_failed', 'refund_returned', 'payout_failed', 'payout_returned', 'dispute_won'
            ) THEN 1 ELSE -1 END AS minor
        FROM billing_posting p
        JOIN billing_ledgerentry e ON e.posting_id = p.id JOIN billing_ledgeraccount a ON a.id = e.source_id
        GROUP BY p.id
    )
    SELECT m.stripe_id,
        format('Stripe moved %s %s; %s posted %s %s.', m.amount_minor, m.currency, x.kind, x.minor, x.currency)
    FROM billing_stripemovement m JOIN posted x ON x.id = m.posting_id
    WHERE (m.amount_minor, m.currency) IS DISTINCT FROM (x.minor, x.currency)
    UNION ALL
    SELECT m.stripe_id, format('Stripe kept %s of it, and %s was posted.', m.fee_minor, coalesce(x.minor, 0))
    FROM billing_stripemovement m
    LEFT JOIN billing_posting p ON p.key = 'processing:' || m.stripe_id LEFT JOIN posted x ON x.id = p.id
    WHERE m.state = 'matched' AND m.fee_minor > 0 AND -m.fee_minor IS DISTINCT FROM x.minor
"""

CREDITS_ARE_POSTED: Final = """
    WITH granted AS (
        SELECT p.key, sum(e.amount_minor)::bigint AS minor,
            EXISTS (SELECT FROM billing_posting r WHERE r.reverses_id = p.id) AS is_back
        FROM billing_posting p JOIN billing_ledgerentry e ON e.posting_id = p.id
        WHERE p.kind = 'credit_granted' GROUP BY p.id
    )
    SELECT coalesce(g.key, 'credit:' || c.id), 'The credit and its posting do not say the same.'
    FROM billing_credit c FULL JOIN granted g ON g.key = 'credit:' || c.id
    WHERE (c.amount_minor, c.state = 'taken_back') IS DISTINCT FROM (g.minor, g.is_back)
"""


SENT: Final[Promises] = {
    "money comes from settled fundings": MONEY_COMES_FROM_FUNDINGS,
    "fundings know their refunds": FUNDINGS_KNOW_THEIR_REFUNDS,
    "payouts and refunds end as they are posted": ENDS_ARE_POSTED,
    "what came back of a payout is its worker's again, once": RETURNS_ARE_POSTED,
    "what is in flight is under way": IN_FLIGHT_IS_UNDER_WAY,
    "disputes are posted as they stand": DISPUTES_ARE_POSTED,
    "credits are posted as they stand": CREDITS_ARE_POSTED,
    "what moved at Stripe is what was posted": MOVED_AS_POSTED,
    "states rebuild from entries alone": REBUILT,
    "a payout has at most one transfer": ONE_TRANSFER,
    "every key for Stripe was told": KEYS_ARE_TOLD,
    "what was refused left nothing": REFUSED_LEAVES_NOTHING,
}
"""Each promise of what is known to Stripe by its name."""
