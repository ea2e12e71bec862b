"""Inputs of a generation: fetched and decoded in a stage of their own before a renderer is claimed."""
