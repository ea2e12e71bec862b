"""Other servers as engines: one client per dialect, behind one port."""
