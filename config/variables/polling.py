"""How carriers are asked."""

from config import sections

POLL_LEASE = sections.polling.number(
    "POLL_LEASE",
    60,
    least=1,
    means="seconds that a claimed watch belongs to its worker, which renews it every third of that while the "
    "call is under way",
)
POLL_IN_FLIGHT_PER_ACCOUNT = sections.polling.whole(
    "POLL_IN_FLIGHT_PER_ACCOUNT",
    10,
    least=1,
    means="calls under way at once with one carrier account",
)
CARRIER_DEADLINE = sections.polling.number(
    "CARRIER_DEADLINE",
    20,
    least=0.1,
    means="seconds until a carrier must have answered whole",
)
CARRIER_BODY_LIMIT = sections.polling.whole(
    "CARRIER_BODY_LIMIT",
    5 * 1024 * 1024,
    least=1024,
    means="bytes of a carrier's answer that are taken",
)
RAW_ANSWERS_KEPT_DAYS = sections.polling.number(
    "RAW_ANSWERS_KEPT_DAYS",
    90,
    least=1,
    means="days, at least 1, that [what carriers said](api.md#get-v1trackerstrackeridraw) is kept to the "
    "letter, and when polls [began to turn out otherwise](operations.md#pages)",
)
CARRIER_ALLOWED_NETWORKS = sections.polling.networks(
    "CARRIER_ALLOWED_NETWORKS",
    means="CIDRs of private networks that carrier base URLs may point into, plain HTTP included, separated "
    "by commas",
)
