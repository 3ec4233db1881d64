"""How a policy applies to a request: promises, participants, notifications and limits."""
