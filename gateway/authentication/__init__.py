"""Authenticates the sender of a mail: SPF, DKIM, DMARC, ARC, listed peers and relays."""
