from django.urls import path

from webhooks.views import DeliveriesView, DeliveryView, WebhooksView, WebhookView

urlpatterns = [
    path("webhooks", WebhooksView.as_view(), name="webhooks"),
    path("webhooks/<uuid:webhook_id>", WebhookView.as_view(), name="webhook"),
    path("webhooks/<uuid:webhook_id>/deliveries", DeliveriesView.as_view(), name="webhook-deliveries"),
    path("deliveries/<uuid:delivery_id>", DeliveryView.as_view(), name="delivery"),
]
