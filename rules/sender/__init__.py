"""What a mail can show for itself: signatures, tokens, ids of its thread."""
