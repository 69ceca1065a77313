"""What the API and the pages for shoppers grant."""

from config import sections

#: A merchant may have its own.
API_RATE_LIMIT = sections.api.choice(
    "API_RATE_LIMIT",
    "default",
    ["default", "ship24", "off"],
    means="calls a second for each key and route: `default` (100), `ship24` (that service's own figures: 10, "
    "bulk 3, couriers and resend 1), or `off`; a merchant may have its own in the admin",
)
TRACKING_PAGE_RATE_LIMIT = sections.api.whole(
    "TRACKING_PAGE_RATE_LIMIT",
    120,
    least=0,
    means="calls a minute from one address to the [pages for shoppers](tracking-page.md#who-can-open-it); "
    "0: any number",
)
POLL_NOW_MIN_INTERVAL = sections.api.number(
    "POLL_NOW_MIN_INTERVAL",
    60,
    least=0,
    means="seconds between two polls of one tracker that its merchant asks for",
)
EXPRESS247_DAILY_LOOKUPS = sections.api.whole(
    "EXPRESS247_DAILY_LOOKUPS",
    200_000,
    least=0,
    means="look-ups of one API key in a day of `Asia/Ho_Chi_Minh` that "
    "[247Express's protocol](api.md#speaking-247express) answers; counted in the database",
)
TRACK_WAIT = sections.api.number(
    "TRACK_WAIT",
    20,
    least=0.1,
    most=60,
    means="seconds, 0.1 to 60, that `POST /v1/trackers/track` and `POST /v1/tracking/search` wait for "
    "carriers",
)
