"""SQL statements of the store, by subject and name. Values are always bound, never written into the text."""
