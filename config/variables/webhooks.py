"""How webhooks are sent."""

from config import sections
from config.environment import listed

DELIVERY_LEASE = sections.webhooks.number(
    "DELIVERY_LEASE",
    30,
    least=1,
    means="seconds that a claimed delivery belongs to its worker, renewed like a watch's",
)
DELIVERY_DEADLINE = sections.webhooks.number(
    "DELIVERY_DEADLINE",
    15,
    least=0.1,
    means="seconds until a subscriber must have answered, from the start of the try",
)
DELIVERY_CONNECT_DEADLINE = sections.webhooks.number(
    "DELIVERY_CONNECT_DEADLINE",
    5,
    least=0.1,
    means="seconds to connect to a subscriber, TLS included",
)
DELIVERY_DNS_DEADLINE = sections.webhooks.number(
    "DELIVERY_DNS_DEADLINE",
    3,
    least=0.1,
    means="seconds to resolve the name of a subscriber",
)
#: After its making and its last try.
DELIVERIES_KEPT_DAYS = sections.webhooks.number(
    "DELIVERIES_KEPT_DAYS",
    30,
    least=1,
    means="days, at least 1, that a delivery which has ended [is kept](webhooks.md#how-long-things-are-kept) "
    "with its tries",
)
WEBHOOK_ALLOWED_NETWORKS = sections.webhooks.networks(
    "WEBHOOK_ALLOWED_NETWORKS",
    means="CIDRs of private networks that endpoints may point into, plain HTTP included, separated by commas",
)
PARCELWIRE_LISTEN_SECRET = listed(
    sections.webhooks.secret(
        "PARCELWIRE_LISTEN_SECRET",
        means="secrets (`whsec_...`) and public keys (`whpk_...`), separated by commas, that "
        "[`manage.py listen`](webhooks.md#try-it) verifies with where it is given no `--secret`: so they "
        "stay out of the shell's history and the list of processes",
    )
)
