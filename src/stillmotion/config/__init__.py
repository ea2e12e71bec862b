"""Settings: read once, from defaults, a TOML file and `STILLMOTION_*`, in that order of precedence; then frozen."""

from stillmotion.config.reading import Origin, load
from stillmotion.config.settings import Settings, SettingsError, default_place, setting_fields, setting_text

__all__ = ["Origin", "Settings", "SettingsError", "default_place", "load", "setting_fields", "setting_text"]
