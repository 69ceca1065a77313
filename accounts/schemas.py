"""What every operation shares: keys, the error envelope, response headers, and parameters in headers."""

from collections.abc import Collection, Mapping
from typing import Any

from accounts.describing import TEXT, Schema, listed, record, ref, told

SECURITY: dict[str, Schema] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, as `Authorization: Bearer apik_…`. The native API takes it so.",
    },
    "pushSecret": {
        "type": "http",
        "scheme": "bearer",
        "description": "The push secret of a carrier account: what a carrier shows with its calls.",
    },
    "hsApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "HS-Api-Key",
        "description": "An API key whose scopes include `all24`, for the all24 dialect.",
    },
    "apikey": {
        "type": "apiKey",
        "in": "query",
        "name": "apikey",
        "description": "An API key whose scopes include `247express`, for the 247Express dialect.",
    },
}

#: Error codes of the API that belong to no one noun, with a message that each may come with.
ERRORS: dict[str, str] = {
    "auth_missing_header": "Send the header Authorization: Bearer <API key>.",
    "auth_invalid_header": "The Authorization header is not Bearer <API key>.",
    "auth_invalid_api_key": "This API key is unknown or revoked.",
    "parsing_error": "The body is not JSON in UTF-8: Expecting value: line 1 column 1 (char 0)",
    "validation_error": "limit: Ensure this value is less than or equal to 500.",
    "request_conflict": "Other requests hold the same data; try again.",
    "idempotency_conflict": "This Idempotency-Key was used on this route for another request.",
    "not_found": "Nothing is here.",
    "method_not_allowed": 'Method "PUT" not allowed.',
    "not_acceptable": "Could not satisfy the request Accept header.",
    "unsupported_media_type": 'Unsupported media type "text/plain" in request.',
    "too_many_requests": "Too many requests; see Retry-After.",
    "forbidden": "This is not allowed.",
    "https_required": "Call over HTTPS. This key was sent in clear: revoke it, and take another.",
    "processing_error": "Something went wrong on our side.",
}

#: What every route of the native API may answer, by status.
OF_EVERY_ROUTE: Mapping[int, Collection[str]] = {
    400: ["auth_missing_header", "auth_invalid_header"],
    401: ["auth_invalid_api_key"],
    403: ["forbidden", "https_required"],
    406: ["not_acceptable"],
    429: ["too_many_requests"],
    500: ["processing_error"],
}
#: What is added where parameters are read, where a body is, where the path names something, and on POST.
OF_PARAMETERS: Mapping[int, Collection[str]] = {400: ["validation_error"]}
OF_BODIES: Mapping[int, Collection[str]] = {
    400: ["parsing_error", "validation_error"],
    411: ["validation_error"],
    413: ["validation_error"],
    415: ["unsupported_media_type"],
}
OF_PATHS: Mapping[int, Collection[str]] = {404: ["not_found"]}
OF_POSTS: Mapping[int, Collection[str]] = {
    400: ["validation_error"],
    409: ["idempotency_conflict", "request_conflict"],
}

#: What an error of a status says; `codes` tell more.
STATUSES: Mapping[int, str] = {
    400: "The request is wrong.",
    401: "The key is unknown or revoked.",
    402: "What was asked for could not be done.",
    403: "Not allowed.",
    404: "Nothing of this id is yours.",
    405: "The route takes other methods.",
    406: "Only JSON is answered.",
    409: "In conflict with another request, or with what is there.",
    410: "It is gone.",
    411: "The body came without a length.",
    413: "The body is over 1 MiB.",
    415: "The body is not `application/json`.",
    422: "Understood, but it cannot be done.",
    429: "Too many requests.",
    500: "A fault of ours.",
    503: "Not now; see Retry-After.",
}
#: Statuses whose answers say when to come back.
WITH_RETRY_AFTER = frozenset({409, 429, 503})

_REQUEST_ID = "Your `x-request-id`, where you sent one of letters, digits and `._-`, else a fresh one."


def _header(schema: Schema, description: str, example: Any, *, required: bool = False) -> Schema:
    return {"description": description, "schema": schema, "example": example, "required": required}


_COUNT: Schema = {"type": "integer", "minimum": 0}

HEADERS: dict[str, Schema] = {
    "x-request-id": _header(TEXT, _REQUEST_ID, "0195f0c2-7a51-7cc0-8b1a-1f2e3d4c5b6a", required=True),
    "RateLimit-Limit": _header(_COUNT, "Requests that this key may make here in one window.", 100),
    "RateLimit-Remaining": _header(_COUNT, "How many of them are left.", 99),
    "RateLimit-Reset": _header(_COUNT, "Seconds until the window ends.", 1),
    "X-RateLimit-Limit": _header(_COUNT, "As RateLimit-Limit.", 100),
    "X-RateLimit-Remaining": _header(_COUNT, "As RateLimit-Remaining.", 99),
    "X-RateLimit-Reset": _header(_COUNT, "When the window ends, in seconds since 1970.", 1772363341),
    "Retry-After": _header(_COUNT, "Seconds to wait before the next try.", 1),
    "ETag": _header(TEXT, "Names this state; send it back as `If-None-Match`.", 'W/"7"'),
    "Content-Disposition": _header(TEXT, "The file's name.", 'attachment; filename="history.json"'),
    "Idempotent-Replayed": _header(TEXT, "`true` on an answer that is given again.", "true"),
    "Link": _header(TEXT, 'The next page, as `<URL>; rel="next"`; absent on the last.', "</v1/…>; rel=next"),
    "X-Total-Count": _header(TEXT, "How many there are; `10000+` where more than 10,000.", "42"),
}
#: Headers of every answer of the native API; those of rate limits are absent where there is no limit.
OF_EVERY_ANSWER = (
    "x-request-id",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)

PARAMETERS: dict[str, Schema] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": (
            "Makes the request safe to repeat for 24 hours: the same key with the same request gives the "
            "same answer, with another request 409 `idempotency_conflict`."
        ),
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
        "example": "order-1002-created",
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "An ETag that you have: the answer is 304 without a body while nothing has changed.",
        "schema": TEXT,
        "example": 'W/"7"',
    },
}

SCHEMAS: dict[str, Schema] = {
    "Error": record(
        {
            "code": ref("ErrorCode"),
            "message": told(TEXT, "What is wrong, beginning with the field's name where it is a field."),
        }
    ),
    "Errors": record(
        {
            "errors": listed(ref("Error"), minItems=1),
            "data": {"type": "null"},
        },
        description="Every error of the native API. Branch on `code`.",
    ),
}
