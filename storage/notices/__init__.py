"""Outgoing mail as rows, and what the people who get it may do."""
