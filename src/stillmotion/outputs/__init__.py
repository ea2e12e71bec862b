"""Outputs: where a clip, a thumbnail or a backup is written. The one place that decides it, for commands and client.

A place is decided on before anything is made (`place`), and written in one step once everything is there (`put`,
`Draft`): a regular file appears whole under its name or not at all, anything else is written through.
"""

from stillmotion.outputs.drafts import Draft, OutputUnwritable
from stillmotion.outputs.input_paths import InputPaths
from stillmotion.outputs.places import (
    BACKUP,
    CLIP,
    STANDARD_OUTPUT,
    THUMBNAIL,
    IfThere,
    Output,
    OutputKind,
    OutputRefused,
    Words,
    collision,
    is_folder,
    place,
)
from stillmotion.outputs.publish import put

__all__ = [
    "BACKUP",
    "CLIP",
    "STANDARD_OUTPUT",
    "THUMBNAIL",
    "Draft",
    "IfThere",
    "InputPaths",
    "Output",
    "OutputKind",
    "OutputRefused",
    "OutputUnwritable",
    "Words",
    "collision",
    "is_folder",
    "place",
    "put",
]
