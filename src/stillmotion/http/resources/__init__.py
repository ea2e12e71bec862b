"""Resources that no dialect owns: downloads, event streams, callbacks, health, pages."""
