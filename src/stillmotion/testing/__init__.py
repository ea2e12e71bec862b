"""Parts for tests: a fake of the store that passes its contract tests, and the contract of engines."""
