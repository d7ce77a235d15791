"""No right, and no price, comes, changes or goes without an audit event of the same transaction."""

from django.db import migrations

from kernel.migration_operations import guard_audited

PRICE = ["reward_minor", "fee_minor", "currency"]


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0003_gold_waits_in_its_own_index"),
        ("kernel", "0009_audit_that_proves_itself"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
    ]

    operations = [
        guard_audited("marketplace_membership"),
        guard_audited("marketplace_clientuserobjectpermission"),
        guard_audited("marketplace_jobuserobjectpermission"),
        guard_audited("guardian_userobjectpermission"),
        guard_audited("guardian_groupobjectpermission"),
        guard_audited("marketplace_job", columns=[*PRICE, "fee_basis_points"]),
        guard_audited("marketplace_jobversion"),
        guard_audited("marketplace_assignment", columns=PRICE),
    ]
