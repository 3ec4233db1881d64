"""The SMTP and LMTP server: limits, commands, message data. Independent of tickets."""
