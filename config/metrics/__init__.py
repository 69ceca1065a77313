"""Figures for Prometheus: those of the installation (`manage.py metrics`), and those of each process."""
