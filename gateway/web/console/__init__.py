"""The console: what waits, every mail and every ticket, in a browser."""
