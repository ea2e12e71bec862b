"""Ports for operators in memory."""
