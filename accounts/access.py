"""Who of staff may sign in, in which role, and who did or failed to: pages over Django's and axes' rows."""

from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.admin import GroupAdmin as DjangosGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangosUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.read_only import ReadOnly
from accounts.staff import ModelAdmin


class UserAdmin(DjangosUserAdmin[User], ModelAdmin[User]):  # type: ignore[misc]  # `lookup_allowed` as Django 5 has it
    """Staff. A user's permissions are those of their roles; only superusers make superusers, or touch one."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "roles", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "groups")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Who", {"fields": ("first_name", "last_name", "email")}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("When", {"fields": ("last_login", "date_joined")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return (*self.readonly_fields, *(() if _is_superuser(request) else ("is_superuser",)))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _may_touch(request, obj) and super().has_delete_permission(request, obj)

    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_superuser or _is_superuser(request)


class GroupAdmin(DjangosGroupAdmin, ModelAdmin[Group]):
    """Roles. `config.roles` makes the three of them; who needs another makes one here."""


class AccessAttemptAdmin(ReadOnly, ModelAdmin[AccessAttempt]):
    """Names that are shut out or near to it. Deleting a row lets its name in again."""

    list_display = ("username", "ip_address", "failures_since_start", "attempt_time")
    search_fields = ("=username", "=ip_address")
    ordering = ("-attempt_time",)
    show_full_result_count = False
    fields = ("username", "ip_address", "failures_since_start", "attempt_time", "user_agent", "path_info")

    def has_delete_permission(self, request: HttpRequest, obj: AccessAttempt | None = None) -> bool:
        return bool(request.user.has_perm("auth.change_user"))  # who looks after staff


class AccessLogAdmin(ReadOnly, ModelAdmin[AccessLog]):
    """Who signed in, from where, and until when."""

    list_display = ("username", "ip_address", "attempt_time", "logout_time")
    search_fields = ("=username", "=ip_address")
    ordering = ("-attempt_time",)
    show_full_result_count = False
    fields = ("username", "ip_address", "attempt_time", "logout_time", "user_agent", "path_info")


PAGES: dict[Any, Any] = {
    User: UserAdmin,
    Group: GroupAdmin,
    AccessAttempt: AccessAttemptAdmin,
    AccessLog: AccessLogAdmin,
}
