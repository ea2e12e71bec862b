"""Ports for operators in SQL: the queue's controls, everybody's generations, processes, activity."""
