"""The SMTP and LMTP wire: limits, dialogue, bytes. It knows nothing of tickets."""
