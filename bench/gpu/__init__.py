"""Bare diffusers against the engine `diffusers`, with random weights of full size."""
