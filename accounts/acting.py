"""What staff may do to rows besides editing them: each act is asked for, done row by row, and written down.

An admin class lists its acts. Each is a button on the row's page and an action on the list. What does harm,
and what takes a form, is asked on a page of its own; nothing is done by GET.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts import auditing
from accounts.errors import ApiError
from accounts.staff import ModelAdmin

_Row = TypeVar("_Row", bound=Model)

#: Rows that one act takes from a list: each is a transaction of its own.
MOST = 100
#: The field that tells a form's answer from the question.
CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that staff may do to a row.

    `run` does it to one row, given the form's cleaned data, and may return a word on what came of it; it
    raises ApiError where it refuses. `permission` is `app.codename`. `fits` tells whether it makes sense for
    a row as it is: its page shows the button only then.
    """

    name: str
    label: str
    #: What it does, for the question: a sentence.
    does: str
    permission: str
    run: Callable[..., str | None]
    form: type[forms.Form] = forms.Form
    harms: bool = False
    fits: Callable[[Any], bool] = lambda _: True

    @property
    def asks(self) -> bool:
        """Whether there is a question before it."""
        return self.harms or bool(self.form.base_fields)


class Acting(ModelAdmin[_Row]):
    """The admin class of a model whose rows can be acted on."""

    acts: ClassVar[Sequence[Act]] = ()
    change_form_outer_before_template = "admin/acts/bar.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act_view)
        own = path("<path:object_id>/act/<slug:name>/", view, name=self._route("act"))
        return [own, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's list actions, and an act each."""
        actions: dict[str, Any] = super().get_actions(request)
        own = {act.name: (_chosen(act), act.name, act.label) for act in self._allowed(request)}
        return actions | own

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The row's page, with the acts that fit it."""
        found = self.get_object(request, unquote(object_id)) if object_id else None
        acts = [
            {"act": act, "url": self._url("act", object_id, act.name)}
            for act in self._allowed(request)
            if found is not None and act.fits(found)
        ]
        shown = {"acts": acts, "confirmed": CONFIRMED, **(extra_context or {})}
        page: HttpResponse = super().changeform_view(request, object_id, form_url, shown)
        return page

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask about one row, or do it."""
        act = next((one for one in self.acts if one.name == name), None)
        found = self.get_object(request, unquote(object_id))
        if act is None or found is None:
            raise Http404
        if not self._may(request, act):
            raise PermissionDenied
        back = self._url("change", object_id)
        return self.ask_or_do(request, act, [found], back=back)

    def ask_or_do(
        self, request: HttpRequest, act: Act, rows: Sequence[Model], *, back: str, selected: bool = False
    ) -> HttpResponse:
        """Do it where it was confirmed and its form is in order; else ask. `back`: where to go afterwards.

        `selected`: the rows were ticked in a list, and go with the answer.
        """
        confirmed = request.method == "POST" and CONFIRMED in request.POST
        form = act.form(request.POST if confirmed else None)
        if confirmed and form.is_valid():
            _do(request, act, rows, form.cleaned_data)
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": act.label,
            "act": act,
            "rows": rows,
            "form": form,
            "back": back,
            "confirmed": CONFIRMED,
            "selected": [str(row.pk) for row in rows] if selected else [],
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/acts/ask.html", context)

    def _allowed(self, request: HttpRequest) -> list[Act]:
        return [act for act in self.acts if self._may(request, act)]

    def _may(self, request: HttpRequest, act: Act) -> bool:
        return self.has_view_permission(request) and request.user.has_perm(act.permission)

    def _route(self, what: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{what}"

    def _url(self, what: str, *arguments: Any) -> str:
        return reverse(f"{self.admin_site.name}:{self._route(what)}", args=arguments)


def _chosen(act: Act) -> Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]:
    """The list action of an act: on the rows that were ticked."""

    def run(made: Acting[Any], request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        rows = list(queryset[: MOST + 1])
        if len(rows) > MOST:
            messages.error(request, f"{act.label}: {MOST} rows at a time at most, and nothing was done.")
            return None
        if not act.asks:
            _do(request, act, rows, {})
            return None
        return made.ask_or_do(request, act, rows, back=request.get_full_path(), selected=True)

    return run


def _do(request: HttpRequest, act: Act, rows: Sequence[Model], given: dict[str, Any]) -> None:
    """Row by row: what one refuses keeps no other from it. What was asked for is written down before."""
    entries = auditing.begin(request.user, act.label, rows)
    ends: list[str] = []
    for row in rows:
        try:
            ends.append(act.run(row, **given) or "done")
        except ApiError as refused:
            ends.append(f"refused: {refused.detail}")
    auditing.end(entries, act.label, ends)
    _tell(request, act, rows, ends)


def _tell(request: HttpRequest, act: Act, rows: Sequence[Model], ends: Sequence[str]) -> None:
    """A line for each end that there was."""
    for end in dict.fromkeys(ends):
        those = [str(row) for row, its in zip(rows, ends, strict=True) if its == end]
        names = those[0] if len(those) == 1 else f"{len(those)} rows"
        level = messages.ERROR if end.startswith("refused") else messages.SUCCESS
        messages.add_message(request, level, f"{act.label}, {names}: {end}")
