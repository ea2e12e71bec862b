"""Lists, failures and links of generations in SQL."""
