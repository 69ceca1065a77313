"""`Idempotency-Key`: a POST that is sent twice is done once, and answered twice."""

import hashlib
import re
from collections.abc import Callable
from functools import partial

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import idempotency
from accounts.authentication import caller_of
from accounts.errors import ApiError
from accounts.idempotency import Asked, Claim, Kept
from accounts.routes import route_of

HEADER = "HTTP_IDEMPOTENCY_KEY"
_ACCEPTABLE = re.compile(r"[\x20-\x7e]{1,255}")
#: What the answer is rendered with anew, or says of the one call that it answers.
_NOT_KEPT = frozenset({"content-type", "content-length", "vary", "allow"})


class _LostLeaseError(Exception):
    """Another request has taken this one's place: what was done must not stand."""


class _NotToBeKeptError(Exception):
    """The answer is to be given, but neither kept nor backed by anything done."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def is_repeatable(request: HttpRequest) -> bool:
    """Whether the request brings an Idempotency-Key that counts: one of a POST."""
    return request.method == "POST" and HEADER in request.META


def answer_once(
    request: Request,
    work: Callable[[], Response],
    refused: Callable[[Exception], Response],
    *,
    in_transaction: bool,
) -> HttpResponse:
    """The answer of `work`, or the one that an equal request was given within the last day.

    `in_transaction`: what `work` does and the answer that is kept of it are one transaction. `refused` makes
    the answer of an error that `work` raises; what was done before it is rolled back, the answer kept. Not
    kept: 5xx, 429, 415 (its header is no part of the digest), and 409 `request_conflict`. Raises ApiError:
    400 `validation_error` (the header), 409 `idempotency_conflict`, 409 `request_conflict`.
    """
    claim = idempotency.claim(_asked(request))
    if isinstance(claim, Kept):
        return _again(claim)
    kept = False
    try:
        effect = partial(_effect, claim, work) if in_transaction else work
        try:
            answer = effect()
            kept = in_transaction or _keep(claim, answer)
        except (APIException, Http404, PermissionDenied) as error:
            answer = refused(error)
            kept = _keep(claim, answer)
        except _NotToBeKeptError as outcome:
            answer = outcome.answer
        except _LostLeaseError:
            raise idempotency.under_way() from None
        return answer
    finally:
        if not kept:
            idempotency.release(claim)


def _effect(claim: Claim, work: Callable[[], Response]) -> Response:
    """Do it and keep its answer, both or neither."""
    with transaction.atomic():
        answer = work()
        if not _is_worth_keeping(answer):
            raise _NotToBeKeptError(answer)
        if not idempotency.keep(claim, _kept(answer)):
            raise _LostLeaseError
    return answer


def _keep(claim: Claim, answer: Response) -> bool:
    return _is_worth_keeping(answer) and idempotency.keep(claim, _kept(answer))


def _is_worth_keeping(answer: Response) -> bool:
    """Whether a repeat should get the same: not where trying again is what the answer asks for."""
    if answer.status_code >= 500 or answer.status_code in {415, 429}:
        return False
    return not (answer.status_code == 409 and _has_code(answer, "request_conflict"))


def _has_code(answer: Response, code: str) -> bool:
    errors = answer.data.get("errors") if isinstance(answer.data, dict) else None
    return any(error.get("code") == code for error in errors or ())


def _kept(answer: Response) -> Kept:
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_KEPT}
    return Kept(answer.status_code, headers, JSONRenderer().render(answer.data).decode())


def _again(kept: Kept) -> HttpResponse:
    answer = HttpResponse(kept.body, status=kept.status, content_type="application/json")
    for name, value in kept.headers.items():
        answer.headers[name] = value
    answer.headers["Idempotent-Replayed"] = "true"
    return answer


def _asked(request: Request) -> Asked:
    given = request.META[HEADER]
    if not _ACCEPTABLE.fullmatch(given):
        message = "Idempotency-Key: expected 1 to 255 printable ASCII characters."
        raise ApiError(400, "validation_error", message)
    path = request.path_info.removeprefix("/public")
    asked = f"{request.method}\n{path}\n{request.META.get('QUERY_STRING', '')}\n".encode()
    return Asked(
        caller_of(request).merchant_id,
        route_of(request),
        key=hashlib.sha256(given.encode()).hexdigest(),
        digest=hashlib.sha256(asked + request.body).hexdigest(),
    )
