"""Leases generations and drives renderer processes."""
