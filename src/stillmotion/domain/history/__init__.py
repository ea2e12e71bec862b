"""History: an owner's words on generations."""
