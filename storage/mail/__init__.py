"""What is kept of each mail, and what its decision needs to know."""
