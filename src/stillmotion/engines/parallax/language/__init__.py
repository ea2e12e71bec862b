"""Language: the vocabulary, the parser, and the motion plan that it makes of a prompt."""
