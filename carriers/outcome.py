"""What became of the last poll, in the words that the API shows as `lastPollOutcome`."""

from enum import StrEnum


class Outcome(StrEnum):
    """The result of asking a carrier once."""

    OK = "ok"
    UNCHANGED = "unchanged"
    NOT_FOUND = "not_found"
    BAD_RESPONSE = "bad_response"
    REFUSED = "refused"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    ACCOUNT_SUSPENDED = "account_suspended"
    NO_CARRIER_ACCOUNT = "no_carrier_account"
