"""What a ticket is: its states, its severity, its clock, its notices."""
