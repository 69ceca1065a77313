"""What staff see on the change page of an endpoint."""
