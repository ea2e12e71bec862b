"""`stillmotion doctor`: checks of an installation."""
