"""What can go wrong in webhooks; the docstring is the message."""


class UrlRefused(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """This URL cannot be an endpoint's, for the reason given."""


class AlreadyRegistered(Exception):  # noqa: N818
    """This URL with the same types and couriers is registered already."""


class EndpointUnreadable(Exception):  # noqa: N818
    """This endpoint's secret or headers do not decrypt, or are malformed: nothing can be sent to it."""


class NoActiveEndpoint(Exception):  # noqa: N818
    """No webhook endpoint is active."""
