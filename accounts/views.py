"""What every route of the native API passes."""

from rest_framework.views import APIView


class ApiView(APIView):
    """A route of the native API: who calls, what its key may do, how often, and whether it is a repeat."""
