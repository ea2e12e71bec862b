"""Ports for operators in SQLite: the queue's controls, everybody's generations, processes, activity."""
