from django.urls import path

from events.views import FeedView

urlpatterns = [path("events", FeedView.as_view(), name="events")]
