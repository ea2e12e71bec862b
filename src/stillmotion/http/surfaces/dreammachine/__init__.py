"""The Dream Machine's API, as the official `lumaai` clients speak it: everything that is special about it is here."""
