"""Tickets over HTTP, for portals and for staff tools."""
