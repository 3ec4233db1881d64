"""The benchmark: how many mails a second, beside a sink that only answers and beside Postfix.

`python -m tests.bench --help`. Nothing here is a timed test; the figures are for people.
"""
