"""What waits for the staff of a mailbox: queues, digests, and what their links do."""
