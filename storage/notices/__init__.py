"""Outgoing mail as rows, and what its recipients may do by its links."""
