"""Generated input against the real code: `python -m tests.fuzz`, or `make fuzz`.

Each case is made from the seed, the name of its part and its number alone, so that a case is the
same in whatever order and on however many cores the cases run. A case that breaks a law is written
to a file: `python -m tests.fuzz replay FILE` runs it again.
"""
