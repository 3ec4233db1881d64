"""A Hypothesis state machine that plays whole conversations against the real code.

Its modules, in the order in which they build on each other:

- `people`: who writes to which of the two mailboxes; `mails`: the mails that they write.
- `registry`, `expectations`: the expected state of a mailbox, by its documented behaviour.
- `outcomes`: the outcome that a mail must have by these expectations.
- `pipeline`: the real parsing, decision, storage and notices, in one thread with a settable clock.
- `invariants`: what must hold after a mail, for a sent notice and in the whole store.
- `seen`: of every accepted mail staff are notified, or a digest names it.
- `support_model`: the base of the state machine, which delivers a mail, checks the result against
  all of these and updates the expectations.
- `*_steps`: the rules of the state machine, one group to a module; `conversation` joins them.
- `test_conversation` runs the machine; `test_regressions` replays the bugs that it found.

A *marker* is a text that occurs in one comment only, so that a notice which contains it shows who
reads what. A *pointer* is what leads a mail to a ticket: a token, a Message-ID or a subject tag.
"""
