"""The prompt as words: the vocabulary, the parser and the plan that it makes."""
