"""Record of a generation: its attempts, its timeline, and the outlook of an unfinished one."""
