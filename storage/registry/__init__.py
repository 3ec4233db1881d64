"""What is registered: mailboxes, companies, people, API tokens and signing keys."""
