"""From raw bytes to a `Mail`, isolated and bounded."""
