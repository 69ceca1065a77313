"""`manage.py doctor`: what is well with this installation, what is not, and what to do about it."""
