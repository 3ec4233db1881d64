"""Pure decisions: what happens to a mail, given the mail, the facts and the policy.

Nothing here reads a clock, a socket, a file or a database, and nothing here is async.
"""
