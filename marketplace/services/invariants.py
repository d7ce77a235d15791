"""What must always hold of work: turns, what is paid for them, and states. A new promise is one entry."""

from typing import Final

from billing.checks import Promises
from billing.checks.moved import beside_what_moved
from marketplace.services.money_invariants import MONEY

_OWED: Final = """
SELECT turn.job_id, sum(turn.reward_minor + turn.fee_minor) AS minor
FROM marketplace_assignment turn LEFT JOIN marketplace_rejection rejection ON rejection.assignment_id = turn.id
LEFT JOIN marketplace_appeal appeal ON appeal.rejection_id = rejection.id AND appeal.state = 'open'
LEFT JOIN marketplace_breaker breaker ON breaker.id = rejection.breaker_id AND breaker.state = 'tripped'
WHERE turn.state IN ('active', 'submitted')
   OR turn.state = 'rejected'
      AND (rejection.reversible_until > %(now)s OR appeal.id IS NOT NULL OR breaker.id IS NOT NULL)
GROUP BY turn.job_id
"""
"""What the turns that were taken may still cost, job by job."""

_HELD: Final = """
SELECT job.id AS job_id, coalesce(sum(account.balance_minor), 0) AS minor
FROM marketplace_job job LEFT JOIN billing_ledgeraccount account
  ON account.kind = 'job_escrow' AND account.owner = 'job:' || job.id AND account.currency = job.currency
GROUP BY job.id
"""

_OPEN_TURNS: Final = """
SELECT job.id AS job_id, dearest.band, dearest.minor,
       (SELECT count(*) * job.overlap_max FROM marketplace_task task
        WHERE task.job_id = job.id AND task.band = dearest.band
          AND task.state = 'open' AND task.gold_question_id IS NULL)
     - (SELECT count(*) FROM marketplace_assignment turn JOIN marketplace_task task ON task.id = turn.task_id
        WHERE turn.job_id = job.id AND turn.ordinal IS NOT NULL AND task.band = dearest.band
          AND task.state = 'open' AND task.gold_question_id IS NULL)
     + (SELECT count(*) FROM marketplace_slot slot
        WHERE slot.job_id = job.id AND slot.lane = 1 AND slot.band = dearest.band) AS turns
FROM marketplace_job job JOIN (
    SELECT job_id, number, band, max(reward_minor + fee_minor) AS minor FROM marketplace_price
    GROUP BY job_id, number, band
) dearest ON dearest.job_id = job.id AND dearest.number = job.price_list
WHERE job.state IN ('open', 'paused')
"""
"""How many more turns a running job may come to offer in each band, work up to its overlap and the gold that is free;
and the most that one of them costs."""

_AHEAD: Final = f"""
SELECT job_id, sum(turns * minor + (
    SELECT coalesce(sum(greatest(turns.minor - turn.reward_minor - turn.fee_minor, 0)), 0)
    FROM marketplace_assignment turn JOIN marketplace_task task ON task.id = turn.task_id
    WHERE turn.job_id = turns.job_id AND turn.state = 'active' AND task.band = turns.band AND task.state = 'open'
))::bigint AS minor FROM ({_OPEN_TURNS}) turns GROUP BY job_id
"""  # noqa: S608  (all of it ours)

_ENDED_SINCE: Final = """
SELECT turn.job_id, sum(turn.reward_minor + turn.fee_minor) AS minor
FROM marketplace_job job JOIN marketplace_assignment turn ON turn.job_id = job.id
LEFT JOIN marketplace_rejection rejection ON rejection.assignment_id = turn.id
LEFT JOIN marketplace_appeal appeal ON appeal.rejection_id = rejection.id
LEFT JOIN marketplace_breaker breaker ON breaker.id = rejection.breaker_id
WHERE job.state IN ('completed', 'cancelled') AND (
      turn.state = 'rejected'
      AND greatest(rejection.reversible_until, appeal.decided_at, breaker.decided_at) > job.finished_at
   OR turn.state IN ('returned', 'expired', 'cut_short') AND EXISTS (
      SELECT FROM kernel_auditevent event
      WHERE event.subject_id = turn.id::text AND event.to_state = turn.state AND event.at >= job.finished_at))
GROUP BY turn.job_id
"""
"""What the turns that ended without pay after their job had ended were held for; the next sweep gives it back."""

_COVERED: Final = """
SELECT 'job ' || job.id, 'holds ' || held.minor || ', and may cost '
    || coalesce(owed.minor, 0) + ahead.minor || ' ' || job.currency
FROM marketplace_job job JOIN ({held}) held ON held.job_id = job.id
JOIN ({ahead}) ahead ON ahead.job_id = job.id LEFT JOIN ({owed}) owed ON owed.job_id = job.id
WHERE held.minor < coalesce(owed.minor, 0) + ahead.minor
"""

_NOTHING_IDLE: Final = """
SELECT 'job ' || job.id, 'is ' || job.state || ' and holds ' || held.minor || '; its turns may still cost '
    || coalesce(owed.minor, 0) || ' ' || job.currency
FROM marketplace_job job JOIN ({held}) held ON held.job_id = job.id
LEFT JOIN ({owed}) owed ON owed.job_id = job.id LEFT JOIN ({since}) since ON since.job_id = job.id
WHERE job.state NOT IN ('open', 'paused')
  AND held.minor NOT BETWEEN coalesce(owed.minor, 0) AND coalesce(owed.minor, 0) + coalesce(since.minor, 0)
"""

_LAST_STATE: Final = """
SELECT '{noun} ' || row.id,
       'is ' || row.state || ', but the last that was told of it is ' || coalesce(nullif(last.to_state, ''), 'nothing')
FROM {table} row LEFT JOIN LATERAL (
    SELECT event.to_state FROM kernel_auditevent event
    WHERE event.subject_id = row.id::text AND event.subject_type = '{label}' AND event.to_state <> ''
    ORDER BY event.id DESC LIMIT 1) last ON true
WHERE last.to_state IS DISTINCT FROM row.state
"""

TURNS: Final[Promises] = {
    "no turn is held twice, or held and free at once": """
        SELECT 'turn ' || ordinal || ' of task ' || task_id, 'stands ' || count(*) || ' times'
        FROM (SELECT task_id, ordinal FROM marketplace_slot
              UNION ALL SELECT task_id, ordinal FROM marketplace_assignment WHERE ordinal IS NOT NULL) turns
        GROUP BY task_id, ordinal HAVING count(*) > 1
    """,
    "no worker has two turns at one task, or two reservations": """
        SELECT 'worker ' || worker_id, 'has ' || count(*) || ' turns at task ' || task_id
        FROM marketplace_assignment GROUP BY worker_id, task_id HAVING count(*) > 1
        UNION ALL
        SELECT 'worker ' || worker_id, 'holds ' || count(*) || ' reservations'
        FROM marketplace_assignment WHERE state = 'active' GROUP BY worker_id HAVING count(*) > 1
    """,
    "no work task has more turns than its job's overlap": """
        SELECT 'task ' || task.id, 'has turns up to ' || turns.most || '; the overlap is ' || job.overlap_max
        FROM (SELECT task_id, greatest(max(ordinal), count(*)) AS most
              FROM (SELECT task_id, ordinal FROM marketplace_slot
                    UNION ALL SELECT task_id, ordinal FROM marketplace_assignment WHERE ordinal IS NOT NULL) turns
              GROUP BY task_id) turns
        JOIN marketplace_task task ON task.id = turns.task_id JOIN marketplace_job job ON job.id = task.job_id
        WHERE task.gold_question_id IS NULL AND turns.most > job.overlap_max
    """,
    "turns are offered only at open tasks of running jobs": """
        SELECT 'slot ' || slot.id,
               'offers a turn at a task that is ' || task.state || ', in a job that is ' || job.state
        FROM marketplace_slot slot
        JOIN marketplace_task task ON task.id = slot.task_id JOIN marketplace_job job ON job.id = task.job_id
        WHERE task.state <> 'open' OR job.state NOT IN ('open', 'paused')
    """,
    "every open task waits for somebody": """
        SELECT 'task ' || task.id, 'is open, but no turn at it is free or being worked on'
        FROM marketplace_task task JOIN marketplace_job job ON job.id = task.job_id
        WHERE job.state IN ('open', 'paused') AND task.state = 'open' AND task.gold_question_id IS NULL
          AND NOT EXISTS (SELECT FROM marketplace_slot slot WHERE slot.task_id = task.id)
          AND NOT EXISTS (
              SELECT FROM marketplace_assignment turn WHERE turn.task_id = task.id AND turn.state = 'active')
    """,
    "a task is in adjudication exactly while its escalation waits": """
        SELECT 'task ' || task.id, 'is ' || task.state || ' with ' || count(escalation.id) || ' waiting escalations'
        FROM marketplace_task task LEFT JOIN marketplace_escalation escalation
          ON escalation.task_id = task.id AND escalation.kind = 'no_consensus'
         AND escalation.state IN ('open', 'claimed')
        WHERE task.state = 'in_adjudication' OR escalation.id IS NOT NULL
        GROUP BY task.id HAVING (task.state = 'in_adjudication') <> (count(escalation.id) = 1)
    """,
    "resolved tasks have a label that somebody gave": """
        SELECT 'task ' || task.id, 'is resolved without a label, an answer key or anybody who gave it'
        FROM marketplace_task task WHERE task.state = 'resolved' AND (
            task.label IS NULL OR task.answer_key = '' OR task.gold_question_id IS NOT NULL
            OR task.method NOT IN ('consensus', 'adjudication', 'prediction')
            OR (task.method = 'prediction') <> EXISTS (
                SELECT FROM marketplace_autoacceptance accepted JOIN marketplace_prediction prediction
                ON prediction.id = accepted.prediction_id WHERE accepted.task_id = task.id
                AND prediction.task_id = task.id AND prediction.answer_key = task.answer_key
                AND NOT prediction.is_audit AND prediction.score >= accepted.threshold)
            OR task.method = 'consensus' AND (task.confidence IS NULL OR NOT EXISTS (
                SELECT FROM marketplace_assignment turn JOIN marketplace_annotation answer
                ON answer.assignment_id = turn.id WHERE turn.task_id = task.id AND turn.ordinal IS NOT NULL)))
    """,
    "an answer that is rejected softly is paid, takes up no turn, and is told apart from all others": """
        SELECT 'assignment ' || turn.id, 'is ' || turn.state || CASE WHEN turn.ordinal IS NULL
            THEN ' and takes up no turn' ELSE ' and takes up turn ' || turn.ordinal END
            || CASE WHEN soft.assignment_id IS NULL THEN ', but is not rejected softly' ELSE ', softly rejected' END
        FROM marketplace_assignment turn
        LEFT JOIN marketplace_softrejection soft ON soft.assignment_id = turn.id
        WHERE (soft.assignment_id IS NOT NULL) <> (turn.state = 'accepted' AND turn.ordinal IS NULL)
           OR soft.assignment_id IS NOT NULL AND turn.lane = 1
    """,
    "a turn has an answer exactly when it was submitted": """
        SELECT 'assignment ' || turn.id, 'is ' || turn.state || CASE
            WHEN answer.id IS NULL THEN ' without an answer' WHEN answer.late THEN ' with a late answer'
            ELSE ' with an answer in time' END
        FROM marketplace_assignment turn LEFT JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
        WHERE (turn.state IN ('submitted', 'accepted', 'rejected')) <> (answer.id IS NOT NULL AND NOT answer.late)
           OR answer.late AND turn.state <> 'expired'
    """,
    "a turn is rejected exactly while its rejection stands": """
        SELECT 'assignment ' || turn.id, 'is ' || turn.state || CASE WHEN rejection.id IS NULL
            THEN ' without a rejection' ELSE ' beside its rejection' END
        FROM marketplace_assignment turn LEFT JOIN marketplace_rejection rejection ON rejection.assignment_id = turn.id
        WHERE (turn.state = 'rejected') <> (rejection.id IS NOT NULL AND rejection.reversed_at IS NULL)
           OR rejection.reversed_at IS NOT NULL AND turn.state <> 'accepted'
    """,
    "an appeal runs exactly while its escalation waits, and ends as its answer does": """
        SELECT 'appeal ' || appeal.id, 'is ' || appeal.state || ', its escalation ' || escalation.state
               || ', its answer ' || turn.state
        FROM marketplace_appeal appeal JOIN marketplace_escalation escalation ON escalation.id = appeal.escalation_id
        JOIN marketplace_rejection rejection ON rejection.id = appeal.rejection_id
        JOIN marketplace_assignment turn ON turn.id = rejection.assignment_id
        WHERE (appeal.state = 'open') <> (escalation.state IN ('open', 'claimed'))
           OR appeal.state = 'open' AND turn.state <> 'rejected'
           OR appeal.state = 'reversed' AND turn.state <> 'accepted'
           OR escalation.kind <> 'appeal' OR escalation.subject <> 'assignment:' || turn.id
           OR appeal.appealed_at >= rejection.reversible_until
        UNION ALL
        SELECT 'escalation ' || escalation.id, 'is an appeal without what its worker said'
        FROM marketplace_escalation escalation
        LEFT JOIN marketplace_appeal appeal ON appeal.escalation_id = escalation.id
        WHERE escalation.kind = 'appeal' AND appeal.id IS NULL
    """,
    "a breaker has tripped exactly while its escalation waits, and holds a wave": """
        SELECT 'breaker ' || breaker.id, 'is ' || breaker.state || ', its escalation ' || escalation.state
        FROM marketplace_breaker breaker JOIN marketplace_escalation escalation ON escalation.id = breaker.escalation_id
        WHERE (breaker.state = 'tripped') <> (escalation.state IN ('open', 'claimed'))
           OR escalation.kind <> 'rejection_breaker' OR escalation.job_id IS DISTINCT FROM breaker.job_id
           OR NOT EXISTS (SELECT FROM marketplace_rejection rejection WHERE rejection.breaker_id = breaker.id)
        UNION ALL
        SELECT 'rejection ' || rejection.id, 'was made while the breaker of its job had tripped'
        FROM marketplace_rejection rejection JOIN marketplace_assignment turn ON turn.id = rejection.assignment_id
        JOIN marketplace_breaker breaker ON breaker.job_id = turn.job_id
        WHERE rejection.rejected_at > breaker.tripped_at
          AND (breaker.decided_at IS NULL OR rejection.rejected_at < breaker.decided_at)
        UNION ALL
        SELECT 'rejection ' || rejection.id, 'stands although its wave was reversed'
        FROM marketplace_rejection rejection JOIN marketplace_breaker breaker ON breaker.id = rejection.breaker_id
        WHERE breaker.state = 'reversed' AND rejection.reversed_at IS NULL
    """,
    "a rejection that nobody reversed was reversed by a missed deadline": """
        SELECT 'assignment ' || rejection.assignment_id, 'was paid although nobody reversed its rejection'
        FROM marketplace_rejection rejection LEFT JOIN marketplace_appeal appeal ON appeal.rejection_id = rejection.id
        WHERE rejection.reversed_at IS NOT NULL AND rejection.reversed_by_id IS NULL
          AND (appeal.state IS DISTINCT FROM 'reversed' OR appeal.decided_by_id IS NOT NULL
               OR appeal.decided_at < appeal.due_at)
    """,
    "copies agree with what they are copies of": """
        SELECT 'assignment ' || turn.id, 'names another job or lane than its task, or another job than its version does'
        FROM marketplace_assignment turn JOIN marketplace_task task ON task.id = turn.task_id
        JOIN marketplace_jobversion version ON version.id = turn.version_id
        WHERE turn.job_id <> task.job_id OR turn.job_id <> version.job_id
           OR (turn.lane = 1) <> (task.gold_question_id IS NOT NULL)
        UNION ALL
        SELECT 'slot ' || slot.id, 'names another job, lane, priority or band than its task does'
        FROM marketplace_slot slot JOIN marketplace_task task ON task.id = slot.task_id
        WHERE slot.job_id <> task.job_id OR slot.priority <> task.priority OR slot.band <> task.band
           OR (slot.lane = 1) <> (task.gold_question_id IS NOT NULL)
        UNION ALL
        SELECT 'worker ' || worker_id || ' in job ' || job_id,
               'is counted with ' || sum(counted) || ' claims, and has made ' || sum(made)
        FROM (SELECT job_id, worker_id, claims AS counted, 0 AS made FROM marketplace_participation
              UNION ALL SELECT job_id, worker_id, 0, 1 FROM marketplace_assignment) claims
        GROUP BY job_id, worker_id HAVING sum(counted) <> sum(made)
    """,
}
"""Promises about who may do what, and what was done."""

WORK: Final[Promises] = {
    "every turn bears a price that its job quoted for its band": """
        SELECT 'assignment ' || turn.id, 'at a ' || task.band || ' task bears the price ' || turn.reward_minor || ' + '
               || turn.fee_minor || ' ' || turn.currency || ', which its job did not quote for it'
        FROM marketplace_assignment turn JOIN marketplace_task task ON task.id = turn.task_id
        LEFT JOIN marketplace_price price ON price.id = turn.price_id
        WHERE (price.job_id, price.band, price.reward_minor, price.fee_minor, price.currency)
              IS DISTINCT FROM (turn.job_id, task.band, turn.reward_minor, turn.fee_minor, turn.currency)
    """,
    "every job quotes every band in its currency, and shows the price of a standard task as its own": """
        SELECT 'job ' || job.id, 'has in price list ' || job.price_list || ' ' || count(price.id)
               || ' bands from 0 on, and shows ' || job.reward_minor || ' + ' || job.fee_minor || ' ' || job.currency
        FROM marketplace_job job LEFT JOIN marketplace_price price
          ON price.job_id = job.id AND price.number = job.price_list AND price.min_lower_bound = 0
         AND price.currency = job.currency
        GROUP BY job.id HAVING count(price.id) <> 3 OR NOT bool_or(price.band = 'standard'
            AND price.reward_minor = job.reward_minor AND price.fee_minor = job.fee_minor)
    """,
    "every bonus is paid once, as it was given": beside_what_moved(
        "posting.kind = 'bonus_paid'",
        """
        SELECT 'bonus ' || coalesce(bonus.id::text, substr(paid.key, 7)), CASE
            WHEN bonus.id IS NULL THEN 'does not exist, but is paid' WHEN paid.key IS NULL THEN 'is not paid'
            ELSE 'is paid otherwise than given: ' || paid.moved END
        FROM marketplace_bonus bonus JOIN marketplace_assignment turn ON turn.id = bonus.assignment_id
        JOIN marketplace_job job ON job.id = turn.job_id
        FULL JOIN paid ON paid.key = 'bonus:' || bonus.id
        WHERE paid.moved IS DISTINCT FROM 'client_funds client:' || job.client_id || ' > worker_earnings worker:'
            || turn.worker_id || ': ' || bonus.amount_minor || ' ' || bonus.currency
            || CASE WHEN bonus.fee_minor = 0 THEN '' ELSE ', client_funds client:' || job.client_id
            || ' > platform_fees platform: ' || bonus.fee_minor || ' ' || bonus.currency END
    """,
    ),
    "every accepted turn is paid once, as it was agreed, and no other is": beside_what_moved(
        "posting.key LIKE 'pay:%'",
        """
        SELECT 'assignment ' || coalesce(turn.id::text, substr(paid.key, 5)), CASE
            WHEN turn.id IS NULL THEN 'does not exist, but is paid'
            WHEN turn.state <> 'accepted' THEN 'is ' || turn.state || ', but is paid'
            WHEN paid.key IS NULL THEN 'is accepted, but not paid'
            WHEN paid.is_reversed THEN 'is accepted, but its pay was taken back'
            ELSE 'is paid otherwise than agreed: ' || paid.moved END
        FROM paid FULL JOIN marketplace_assignment turn ON 'pay:' || turn.id = paid.key
        WHERE (turn.state IS DISTINCT FROM 'accepted') <> (paid.key IS NULL) OR paid.is_reversed
           OR paid.moved <> 'job_escrow job:' || turn.job_id || ' > worker_earnings worker:' || turn.worker_id || ': '
              || turn.reward_minor || ' ' || turn.currency || CASE WHEN turn.fee_minor = 0 THEN '' ELSE
              ', job_escrow job:' || turn.job_id || ' > platform_fees job:' || turn.job_id || ': '
              || turn.fee_minor || ' ' || turn.currency END
    """,
    ),
    "a running job's escrow covers everything that it may come to cost": _COVERED.format(
        held=_HELD, owed=_OWED, ahead=_AHEAD
    ),
    "a job that does not run holds what its turns may still cost, and no more": _NOTHING_IDLE.format(
        held=_HELD, owed=_OWED, since=_ENDED_SINCE
    ),
    **MONEY,
}
"""Promises about the money that is paid for work, and about whose it is."""

STATES: Final[Promises] = {
    "every job is what the audit says": _LAST_STATE.format(
        noun="job", table="marketplace_job", label="marketplace.job"
    ),
    "every assignment is what the audit says": _LAST_STATE.format(
        noun="assignment", table="marketplace_assignment", label="marketplace.assignment"
    ),
    "every escalation is what the audit says": _LAST_STATE.format(
        noun="escalation", table="marketplace_escalation", label="marketplace.escalation"
    ),
    "every appeal is what the audit says": _LAST_STATE.format(
        noun="appeal", table="marketplace_appeal", label="marketplace.appeal"
    ),
    "every breaker is what the audit says": _LAST_STATE.format(
        noun="breaker", table="marketplace_breaker", label="marketplace.breaker"
    ),
    "every invitation is what the audit says": _LAST_STATE.format(
        noun="invitation", table="marketplace_invitation", label="marketplace.invitation"
    ),
    "every media is what the audit says": _LAST_STATE.format(noun="media", table="kernel_media", label="kernel.media"),
    "nobody is an admin and a worker": """
        SELECT 'user ' || worker.user_id,
               'holds the admin role ' || string_agg(role.role, ', ' ORDER BY role.role)
               || ', and is a worker who is ' || worker.state
        FROM workforce_worker worker JOIN kernel_adminrole role ON role.user_id = worker.user_id
        WHERE worker.state <> 'offboarded' GROUP BY worker.user_id, worker.state
    """,
    "an allowance is the sum of the media that take room in it": """
        SELECT 'allowance of ' || coalesce(allowance.payer, taken.payer),
               'says ' || coalesce(allowance.used_bytes, 0) || ' bytes; its media take ' || coalesce(taken.bytes, 0)
        FROM kernel_mediaallowance allowance FULL JOIN (
            SELECT payer, sum(greatest(size_bytes, 4096)) AS bytes
            FROM kernel_media WHERE erased_at IS NULL AND payer <> '' GROUP BY payer
        ) taken ON taken.payer = allowance.payer
        WHERE coalesce(allowance.used_bytes, 0) <> coalesce(taken.bytes, 0)
    """,
}
"""Promises about what is kept twice: states and what the audit was told, sums and what they are sums of."""
