"""The workers' part: the models that they hold, and wishes for these."""
