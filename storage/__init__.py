"""Rows and bytes: the tables, the one writer, and the queries. Sync code only."""
