"""The decoder's sandbox: a confined process for each foreign file, and the protocol with it."""
