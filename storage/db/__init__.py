"""The database: connections, the ledger, tables and statements."""
