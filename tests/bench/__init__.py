"""The benchmark: mails per second, compared with a sink that only answers, Postfix and Haraka.

`python -m tests.bench --help`. None of this is a timed test; the figures are for people.
"""
