"""What no bug above may break: facts stay, states follow their flow, prices stand from the claim on, overlap is a limit."""

from django.db import migrations

from kernel.migration_operations import append_only, guard_flow

# The sum of what may be asked of one task. Checked per statement, not per row: a launch inserts a million slots at once.
LIMIT_OVERLAP = migrations.RunSQL(
    sql="""
        CREATE FUNCTION refuse_turns_beyond_overlap() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM fresh JOIN marketplace_job job ON job.id = fresh.job_id
                WHERE fresh.ordinal < 1 OR (fresh.lane = 0 AND fresh.ordinal > job.overlap_max)
            ) THEN
                RAISE EXCEPTION 'A task has no more turns than its job''s overlap.' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER turns_stay_within_overlap AFTER INSERT ON marketplace_slot
            REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_turns_beyond_overlap();
    """,
    reverse_sql="""
        DROP TRIGGER turns_stay_within_overlap ON marketplace_slot;
        DROP FUNCTION refuse_turns_beyond_overlap();
    """,
)

KEEP_ASSIGNMENTS = migrations.RunSQL(
    sql="""
        CREATE FUNCTION refuse_change_of_a_claim() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'What was agreed at the claim stands, and assignments are kept: % is refused.', TG_OP
                USING ERRCODE = 'restrict_violation';
        END $$;
        CREATE TRIGGER a_claim_stands BEFORE UPDATE ON marketplace_assignment
            FOR EACH ROW WHEN (
                (OLD.task_id, OLD.job_id, OLD.worker_id, OLD.version_id, OLD.reward_minor, OLD.fee_minor, OLD.currency,
                 OLD.claimed_at, OLD.expires_at)
                IS DISTINCT FROM
                (NEW.task_id, NEW.job_id, NEW.worker_id, NEW.version_id, NEW.reward_minor, NEW.fee_minor, NEW.currency,
                 NEW.claimed_at, NEW.expires_at)
            ) EXECUTE FUNCTION refuse_change_of_a_claim();
        CREATE TRIGGER assignments_are_kept BEFORE DELETE ON marketplace_assignment
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_a_claim();
    """,
    reverse_sql="""
        DROP TRIGGER a_claim_stands ON marketplace_assignment;
        DROP TRIGGER assignments_are_kept ON marketplace_assignment;
        DROP FUNCTION refuse_change_of_a_claim();
    """,
)

# The slot table is a queue: rows come and go all the time, and dead ones at the front would make claims slower.
TEND_SLOTS = migrations.RunSQL(
    sql="""
        ALTER TABLE marketplace_slot SET (
            autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
            autovacuum_analyze_scale_factor = 0.05
        )
    """,
    reverse_sql="""
        ALTER TABLE marketplace_slot RESET (
            autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay,
            autovacuum_analyze_scale_factor
        )
    """,
)


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0001_clients_jobs_tasks_assignments")]

    operations = [
        append_only("marketplace_annotation"),
        append_only("marketplace_jobversion"),
        guard_flow(
            "marketplace_job",
            {
                "draft": ["open", "cancelled"],
                "open": ["paused", "completed", "cancelled"],
                "paused": ["open", "completed", "cancelled"],
            },
        ),
        guard_flow(
            "marketplace_task",
            {"open": ["resolved", "in_adjudication", "void"], "in_adjudication": ["resolved", "void"]},
        ),
        guard_flow(
            "marketplace_assignment",
            {
                "active": ["submitted", "returned", "expired"],
                "submitted": ["accepted", "rejected"],
                "rejected": ["accepted"],
            },
        ),
        guard_flow(
            "marketplace_escalation",
            {"open": ["claimed", "decided", "withdrawn"], "claimed": ["decided", "open", "withdrawn"]},
        ),
        LIMIT_OVERLAP,
        KEEP_ASSIGNMENTS,
        TEND_SLOTS,
    ]
