"""`manage.py demo`: the main job, done in front of your eyes and checked, on the real stack."""
