"""The HTTP side: health, metrics, and the API."""
