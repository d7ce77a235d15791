"""Triggers by which the database keeps the ledger true whoever writes to it: see docs/adr/0002."""

from django.db import migrations

from kernel.migration_operations import append_only

# Balances follow entries. The net of each inserted set moves each account once, in ascending order of id, so that two
# postings cannot deadlock here. An entry beyond its posting's count, or between two currencies, never gets in.
KEEP_BALANCES = """
    CREATE FUNCTION billing_keep_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        wrong record;
        change record;
    BEGIN
        SELECT e.id, s.currency AS given, t.currency AS taken INTO wrong
            FROM new_entries e
            JOIN billing_ledgeraccount s ON s.id = e.source_id
            JOIN billing_ledgeraccount t ON t.id = e.target_id
            WHERE s.currency <> t.currency LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'Entry % takes % and gives %: an entry is in one currency.', wrong.id, wrong.given, wrong.taken
                USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_in_one_currency';
        END IF;
        SELECT e.id, p.key INTO wrong
            FROM new_entries e JOIN billing_posting p ON p.id = e.posting_id
            WHERE e.position >= p.entry_count LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'Posting % is complete: entry % is one too many.', wrong.key, wrong.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_takes_its_entries_only';
        END IF;
        FOR change IN
            SELECT account_id, sum(delta)::bigint AS delta
            FROM (
                SELECT source_id AS account_id, -amount_minor AS delta FROM new_entries
                UNION ALL
                SELECT target_id, amount_minor FROM new_entries
            ) AS moves
            GROUP BY account_id ORDER BY account_id
        LOOP
            UPDATE billing_ledgeraccount SET balance_minor = balance_minor + change.delta WHERE id = change.account_id;
        END LOOP;
        RETURN NULL;
    END $$;
    CREATE TRIGGER entries_keep_balances AFTER INSERT ON billing_ledgerentry
        REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION billing_keep_balances();
"""
FORGET_BALANCES = """
    DROP TRIGGER entries_keep_balances ON billing_ledgerentry;
    DROP FUNCTION billing_keep_balances();
"""

# An account starts empty, stays whose it is, and is changed by the trigger above only: that update is the one that
# comes from inside another trigger.
GUARD_ACCOUNTS = """
    CREATE FUNCTION billing_guard_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            IF NEW.balance_minor = 0 THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'An account is opened empty, not with %.', NEW.balance_minor
                USING ERRCODE = 'restrict_violation';
        ELSIF TG_OP IN ('DELETE', 'TRUNCATE') THEN
            RAISE EXCEPTION 'Ledger accounts are kept for ever: % is refused.', TG_OP
                USING ERRCODE = 'restrict_violation';
        ELSIF (NEW.id, NEW.kind, NEW.owner, NEW.currency) IS DISTINCT FROM (OLD.id, OLD.kind, OLD.owner, OLD.currency) THEN
            RAISE EXCEPTION 'Account % keeps its kind, owner and currency.', OLD.id USING ERRCODE = 'restrict_violation';
        ELSIF pg_trigger_depth() < 2 THEN
            RAISE EXCEPTION 'The balance of account % is moved by ledger entries only.', OLD.id
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER ledgeraccount_is_guarded BEFORE INSERT OR UPDATE OR DELETE ON billing_ledgeraccount
        FOR EACH ROW EXECUTE FUNCTION billing_guard_accounts();
    CREATE TRIGGER ledgeraccount_is_never_truncated BEFORE TRUNCATE ON billing_ledgeraccount
        FOR EACH STATEMENT EXECUTE FUNCTION billing_guard_accounts();
"""
UNGUARD_ACCOUNTS = """
    DROP TRIGGER ledgeraccount_is_guarded ON billing_ledgeraccount;
    DROP TRIGGER ledgeraccount_is_never_truncated ON billing_ledgeraccount;
    DROP FUNCTION billing_guard_accounts();
"""

# At commit a posting has all the entries it says it has; since positions are unique and bounded, no more can follow.
COMPLETE_POSTINGS = """
    CREATE FUNCTION billing_refuse_incomplete_posting() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        entries bigint;
    BEGIN
        SELECT count(*) INTO entries FROM billing_ledgerentry WHERE posting_id = NEW.id;
        IF entries <> NEW.entry_count THEN
            RAISE EXCEPTION 'Posting % has % of its % entries.', NEW.key, entries, NEW.entry_count
                USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_has_its_entries';
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER posting_has_its_entries AFTER INSERT ON billing_posting
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_refuse_incomplete_posting();
"""
ALLOW_INCOMPLETE_POSTINGS = """
    DROP TRIGGER posting_has_its_entries ON billing_posting;
    DROP FUNCTION billing_refuse_incomplete_posting();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_ledger")]

    operations = [
        append_only("billing_posting"),
        append_only("billing_ledgerentry"),
        migrations.RunSQL(sql=KEEP_BALANCES, reverse_sql=FORGET_BALANCES),
        migrations.RunSQL(sql=GUARD_ACCOUNTS, reverse_sql=UNGUARD_ACCOUNTS),
        migrations.RunSQL(sql=COMPLETE_POSTINGS, reverse_sql=ALLOW_INCOMPLETE_POSTINGS),
    ]
