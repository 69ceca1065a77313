from django.db import migrations

# By default a fifth of a table is dead before it is vacuumed: of ten million deliveries two million, which
# every index still lists. The limit lets a vacuum of a large table end before the next one is due.
LARGE = {
    "autovacuum_vacuum_scale_factor": 0.02,
    "autovacuum_vacuum_threshold": 1_000,
    "autovacuum_vacuum_insert_scale_factor": 0.05,
    "autovacuum_analyze_scale_factor": 0.02,
    "autovacuum_vacuum_cost_limit": 2_000,
}
# A row for an endpoint, a try or five minutes, and written all the time: whatever their size, they are
# vacuumed whenever autovacuum looks, and that takes a moment.
SMALL = {
    "autovacuum_vacuum_scale_factor": 0,
    "autovacuum_vacuum_threshold": 1_000,
    "autovacuum_analyze_scale_factor": 0,
    "autovacuum_analyze_threshold": 10_000,
    "autovacuum_vacuum_cost_delay": 0,
}
OPTIONS = {
    "webhooks_delivery": LARGE,
    "webhooks_attempt": LARGE,
    "webhooks_message": LARGE,
    "webhooks_lane": SMALL,
    "webhooks_tally": SMALL,
    "webhooks_extratry": SMALL,
    # Its health is in no index, and often written for all of a page at once.
    "webhooks_endpoint": {**SMALL, "fillfactor": 50},
}


def _set(table: str, options: dict[str, float]) -> migrations.RunSQL:
    """It waits for no reader and no writer, and no page is rewritten."""
    values = ", ".join(f"{name} = {value}" for name, value in options.items())
    return migrations.RunSQL(
        f"ALTER TABLE {table} SET ({values})", f"ALTER TABLE {table} RESET ({', '.join(options)})"
    )


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0010_deleted_endpoints")]

    operations = [
        *(_set(table, options) for table, options in OPTIONS.items()),
        # Room for the third version of a row too, which its settling writes: with 50 that took the room of
        # every seventh claim.
        migrations.RunSQL(
            "ALTER TABLE webhooks_delivery SET (fillfactor = 40)",
            "ALTER TABLE webhooks_delivery SET (fillfactor = 50)",
        ),
    ]
