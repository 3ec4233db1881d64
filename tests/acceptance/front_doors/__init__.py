"""The ways by which mail reaches a company, each with its forged twin (docs/front-doors.md)."""
