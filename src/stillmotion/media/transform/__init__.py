"""Transforms: fitting, planes, resampling, saliency, and foreign clips made like our own."""
