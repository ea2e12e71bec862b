"""Effects over the picture: weather, clouds and smoke, flickering light."""
