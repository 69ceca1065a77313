"""Two thousand parcels beside one, with all that hangs on them, so that PostgreSQL chooses as it would."""

from django.db import connection

_ROWS = (
    """
    INSERT INTO trackers_tracker (id, merchant_id, tracking_number, courier_codes, shipment_reference,
        client_tracker_id, restrict_to_couriers, is_subscribed, digest, version, milestone, final, state)
    SELECT gen_random_uuid(), merchant_id, 'N' || n, '{}', 'R' || n, 'C' || n, FALSE, TRUE, 'D' || n, 0,
           'delivered', FALSE, '{"scans": []}'
    FROM trackers_tracker, generate_series(1, 2000) AS n WHERE tracking_number = %(number)s
    """,
    """
    INSERT INTO trackers_watch (id, tracker_id, merchant_id, courier, refused_account_ids, last_outcome,
        failures, set_aside, ignored, absent)
    SELECT gen_random_uuid(), id, merchant_id, 'all24', '{}', 'refused', 0, 0, 0, '{}'
    FROM trackers_tracker WHERE digest LIKE 'D%%'
    """,
    """
    INSERT INTO trackers_rawanswer (watch_id, digest, body, asked_at)
    SELECT id, 'D', '', now() FROM trackers_watch WHERE last_outcome = 'refused'
    """,
    """
    INSERT INTO trackers_outcomechange (watch_id, outcome)
    SELECT id, 'refused' FROM trackers_watch WHERE last_outcome = 'refused'
    """,
    """
    INSERT INTO events_event (id, merchant_id, stream, version, type, recorded_at, key, data)
    SELECT gen_random_uuid(), merchant_id, id, 1, 'tracker.created', now(), 'created', '{}'
    FROM trackers_tracker WHERE digest LIKE 'D%%'
    """,
    """
    INSERT INTO webhooks_message (id, merchant_id, type, stream, sequence, body)
    SELECT gen_random_uuid(), merchant_id, 'tracker.created', id, 1, '{}'
    FROM trackers_tracker WHERE digest LIKE 'D%%'
    """,
    """
    INSERT INTO webhooks_delivery (id, message_id, endpoint_id, state)
    SELECT gen_random_uuid(), message.id, endpoint.id, 'delivered'
    FROM webhooks_message AS message JOIN webhooks_endpoint AS endpoint USING (merchant_id)
    WHERE message.body = '{}'
    """,
    """
    INSERT INTO webhooks_attempt (id, delivery_id, number, trigger, started_at, error, response_body,
        response_headers, address)
    SELECT gen_random_uuid(), delivery.id, 1, 'schedule', now(), '', '', '{}', ''
    FROM webhooks_delivery AS delivery JOIN webhooks_message AS message ON message.id = delivery.message_id
    WHERE message.body = '{}'
    """,
    # Of the others: this one's are told of every parcel.
    """
    INSERT INTO webhooks_endpoint
    SELECT (jsonb_populate_record(endpoint, jsonb_build_object('id', gen_random_uuid(),
        'fingerprint', 'F' || n, 'url', 'https://crowd-' || n || '.example/'))).*
    FROM webhooks_endpoint AS endpoint, generate_series(1, 2000) AS n WHERE endpoint.merchant_id <> (
        SELECT merchant_id FROM trackers_tracker WHERE tracking_number = %(number)s)
    """,
)
_TABLES = (
    "trackers_tracker", "trackers_watch", "trackers_rawanswer", "trackers_outcomechange", "events_event",
    "webhooks_message", "webhooks_delivery", "webhooks_attempt", "webhooks_endpoint",
)  # fmt: skip


def gather(number: str) -> None:
    """Of the merchant whose parcel has this number; its endpoint was told of each."""
    with connection.cursor() as cursor:
        for statement in _ROWS:
            cursor.execute(statement, {"number": number})
        cursor.execute(f"ANALYZE {', '.join(_TABLES)}")
