"""Parts for tests of the service: fakes that pass the contract tests of what they stand for."""
