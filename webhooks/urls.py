from django.urls import path

from webhooks.views.deliveries import DeliveriesView, DeliveryView, ResendView
from webhooks.views.endpoints import WebhooksView, WebhookView
from webhooks.views.life import WebhookEnableView, WebhookPauseView, WebhookTestView
from webhooks.views.recoveries import RecoverView, RecoveryCancelView, RecoveryView
from webhooks.views.rotation import RotateSecretView
from webhooks.views.stats import StatsView

urlpatterns = [
    path("webhooks", WebhooksView.as_view(), name="webhooks"),
    path("webhooks/<uuid:webhook_id>", WebhookView.as_view(), name="webhook"),
    path("webhooks/<uuid:webhook_id>/deliveries", DeliveriesView.as_view(), name="webhook-deliveries"),
    path(
        "webhooks/<uuid:webhook_id>/rotate-secret", RotateSecretView.as_view(), name="webhook-rotate-secret"
    ),
    path("webhooks/<uuid:webhook_id>/test", WebhookTestView.as_view(), name="webhook-test"),
    path("webhooks/<uuid:webhook_id>/pause", WebhookPauseView.as_view(), name="webhook-pause"),
    path("webhooks/<uuid:webhook_id>/enable", WebhookEnableView.as_view(), name="webhook-enable"),
    path("webhooks/<uuid:webhook_id>/recover", RecoverView.as_view(), name="webhook-recover"),
    path("webhooks/<uuid:webhook_id>/stats", StatsView.as_view(), name="webhook-stats"),
    path("deliveries/<uuid:delivery_id>", DeliveryView.as_view(), name="delivery"),
    path("deliveries/<uuid:delivery_id>/resend", ResendView.as_view(), name="delivery-resend"),
    path("recoveries/<uuid:recovery_id>", RecoveryView.as_view(), name="recovery"),
    path("recoveries/<uuid:recovery_id>/cancel", RecoveryCancelView.as_view(), name="recovery-cancel"),
]
