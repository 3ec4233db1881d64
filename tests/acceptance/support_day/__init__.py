"""A day of a support team, as a table of mails, and what plays it."""
