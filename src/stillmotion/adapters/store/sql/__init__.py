"""The part that SQL databases share: operations, statements, conversions between rows and the domain's values."""
