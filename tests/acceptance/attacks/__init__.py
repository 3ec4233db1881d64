"""Every known way to write under another person's name, with a real mail through the real port.

docs/attacks.md lists these attacks for people. The attacker owns evil.example, whose SPF record and
DKIM key are valid, and knows the customers' addresses. Each mail gets the documented answer, is in
the journal with its reason, and leaves no ticket and no comment.
"""
