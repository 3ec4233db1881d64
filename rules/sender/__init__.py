"""Proof of the sender and of the ticket: authentication, reply tokens, ids of the thread."""
