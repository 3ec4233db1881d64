"""Outgoing mail: written from rows, handed to a relay, tried again."""
