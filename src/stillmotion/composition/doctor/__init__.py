"""Checks of a machine and an installation: for `stillmotion doctor`, and for the status of a running service."""
