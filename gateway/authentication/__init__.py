"""Proves who sent a mail: SPF, DKIM, DMARC, ARC, and the word of listed peers and relays."""
