"""File types by signature: the pictures and videos that are read, and the sentence for every other file."""
