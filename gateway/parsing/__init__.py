"""Parses raw bytes into a `Mail`, isolated and within limits."""
