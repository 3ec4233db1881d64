"""Tickets as rows: loaded, listed and written."""
