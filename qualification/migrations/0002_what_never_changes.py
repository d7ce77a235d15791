"""Triggers: facts that stay, questions and answers that stand, and nobody who decides for themselves."""

from django.db import migrations

from kernel.migration_operations import append_only

# A gold question may be drawn and retired; what it asks and what is right about it stands.
GOLD_STANDS = """
    CREATE FUNCTION refuse_change_of_gold() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (NEW.id, NEW.skill_id, NEW.label_schema_id, NEW.item, NEW.item_sha256, NEW.result, NEW.answer_key, NEW.reason,
            NEW.for_exam, NEW.created_at)
           IS DISTINCT FROM
           (OLD.id, OLD.skill_id, OLD.label_schema_id, OLD.item, OLD.item_sha256, OLD.result, OLD.answer_key, OLD.reason,
            OLD.for_exam, OLD.created_at)
           OR (OLD.retired_at IS NOT NULL AND NEW.retired_at IS DISTINCT FROM OLD.retired_at)
        THEN
            RAISE EXCEPTION 'A gold question stands as it is: retire it and add another.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER gold_question_stands BEFORE UPDATE ON qualification_goldquestion
        FOR EACH ROW EXECUTE FUNCTION refuse_change_of_gold();
"""

# The first answer stands, and so does the outcome of an exam that is over.
ANSWERS_STAND = """
    CREATE FUNCTION refuse_change_of_exam() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'What an exam asked, was answered and came to stands: % is refused.', TG_OP
            USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE TRIGGER exam_answer_stands BEFORE UPDATE ON qualification_examanswer
        FOR EACH ROW WHEN (
            OLD.answered_at IS NOT NULL
            OR (NEW.exam_id, NEW.gold_question_id, NEW.position)
               IS DISTINCT FROM (OLD.exam_id, OLD.gold_question_id, OLD.position)
        ) EXECUTE FUNCTION refuse_change_of_exam();
    CREATE TRIGGER exam_outcome_stands BEFORE UPDATE ON qualification_exam
        FOR EACH ROW WHEN (
            OLD.state <> 'started'
            OR (NEW.worker_id, NEW.skill_id, NEW.questions, NEW.pass_mark_basis_points, NEW.started_at, NEW.due_at)
               IS DISTINCT FROM
               (OLD.worker_id, OLD.skill_id, OLD.questions, OLD.pass_mark_basis_points, OLD.started_at, OLD.due_at)
        ) EXECUTE FUNCTION refuse_change_of_exam();
"""

# The service refuses first, with a sentence; this holds for every other way to the table.
NOBODY_DECIDES_FOR_THEMSELVES = """
    CREATE FUNCTION refuse_own_certification() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM workforce_worker WHERE id = NEW.worker_id AND user_id = NEW.decided_by_id) THEN
            RAISE EXCEPTION 'Nobody decides a certification of their own.' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER certification_is_decided_by_another
        BEFORE INSERT OR UPDATE OF decided_by_id, worker_id ON qualification_certification
        FOR EACH ROW WHEN (NEW.decided_by_id IS NOT NULL) EXECUTE FUNCTION refuse_own_certification();
"""


class Migration(migrations.Migration):
    dependencies = [("qualification", "0001_skills_gold_exams_certifications_scores")]

    operations = [
        append_only("qualification_labelschema"),
        append_only("qualification_scoreevidence"),
        migrations.RunSQL(
            sql=GOLD_STANDS,
            reverse_sql="""
                DROP TRIGGER gold_question_stands ON qualification_goldquestion;
                DROP FUNCTION refuse_change_of_gold();
            """,
        ),
        migrations.RunSQL(
            sql=ANSWERS_STAND,
            reverse_sql="""
                DROP TRIGGER exam_outcome_stands ON qualification_exam;
                DROP TRIGGER exam_answer_stands ON qualification_examanswer;
                DROP FUNCTION refuse_change_of_exam();
            """,
        ),
        migrations.RunSQL(
            sql=NOBODY_DECIDES_FOR_THEMSELVES,
            reverse_sql="""
                DROP TRIGGER certification_is_decided_by_another ON qualification_certification;
                DROP FUNCTION refuse_own_certification();
            """,
        ),
    ]
