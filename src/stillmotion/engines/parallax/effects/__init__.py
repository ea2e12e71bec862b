"""Effects over the picture: weather, mist and smoke, flickering light."""
