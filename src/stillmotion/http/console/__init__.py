"""Console: the pages on which a person makes clips and runs the service, as files of this package."""
