"""Values for operators: actions in the log, and processes as they tell of themselves."""
