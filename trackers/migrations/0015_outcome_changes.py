import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

FAILING = (
    "not_found",
    "bad_response",
    "refused",
    "throttled",
    "unreachable",
    "account_suspended",
    "no_carrier_account",
)


class Migration(migrations.Migration):
    """From now on: what watches went through before is not known."""

    dependencies = [("trackers", "0014_followed_by_milestone")]

    operations = [
        migrations.CreateModel(
            name="OutcomeChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account_id", models.UUIDField(null=True)),
                ("before", models.CharField(max_length=24, null=True)),
                ("outcome", models.CharField(max_length=24)),
                ("error", models.TextField(null=True)),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "watch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcome_changes",
                        to="trackers.watch",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["watch", "id"], name="outcome_change_of_watch"),
                    models.Index(
                        condition=models.Q(("outcome__in", FAILING)),
                        fields=["account_id", "id"],
                        name="outcome_change_failing",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="watch",
            trigger=pgtrigger.compiler.Trigger(
                name="outcome_changed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.last_outcome IS DISTINCT FROM OLD.last_outcome AND NEW.last_outcome IS NOT NULL AND replace(OLD.last_outcome, 'unchanged', 'ok') IS DISTINCT FROM replace(NEW.last_outcome, 'unchanged', 'ok'))",
                    func="\n        INSERT INTO trackers_outcomechange (watch_id, account_id, before, outcome, error, changed_at)\n        VALUES (NEW.id, NEW.carrier_account_id, replace(OLD.last_outcome, 'unchanged', 'ok'), replace(NEW.last_outcome, 'unchanged', 'ok'), NEW.last_error,\n                clock_timestamp());\n        RETURN NULL;\n    ",
                    hash="dcf845b92be9147bec72dfa577f19bb09c8b5889",
                    operation='UPDATE OF "last_outcome"',
                    pgid="pgtrigger_outcome_changed_15e36",
                    table="trackers_watch",
                    when="AFTER",
                ),
            ),
        ),
    ]
