"""`python3 dev.py bench fleet`: many processes over one PostgreSQL, against bare statements of the same rows."""
