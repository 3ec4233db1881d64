"""Tickets over HTTP, for a portal and for the desk."""
