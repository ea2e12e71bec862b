"""Record of a generation for its owner and the operator: its outlook and its timeline."""
