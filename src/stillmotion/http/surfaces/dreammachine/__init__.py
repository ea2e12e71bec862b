"""The Dream Machine's API, as the official `lumaai` clients speak it."""
