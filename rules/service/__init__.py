"""What a policy makes of a request: promises, people, mails, limits."""
