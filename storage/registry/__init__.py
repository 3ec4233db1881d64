"""Who is registered: mailboxes, companies, people, callers."""
