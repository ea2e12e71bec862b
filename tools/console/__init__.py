"""Console: a service with a sample data set, pictures of its screens, and the check of its scripts' types."""
