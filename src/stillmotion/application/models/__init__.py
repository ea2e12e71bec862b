"""Use cases of models: plans of requests, and the operator's supervision."""
