"""Outgoing connections to addresses that strangers give: one guard for pictures and for callbacks."""
