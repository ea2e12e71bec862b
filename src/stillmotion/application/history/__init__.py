"""History: lists, failures and links of an owner's generations."""
