"""Use cases of operators: the queue, everybody's generations, the registry of workers, the log of actions."""
