"""The decision on a change: pure, and the same for a mail, the API, a link and a clock."""
