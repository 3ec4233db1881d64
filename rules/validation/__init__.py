"""Error messages for settings files, with the line of each fault."""
