"""The state machine as a diagram."""

from stillmotion.domain.lifecycle import ANNOUNCED, TERMINAL, TRANSITIONS, State
from tools.docs.markdown import code


def lifecycle() -> str:
    """A Mermaid state diagram with one arrow an entry of the table."""
    arrows = [f"    {source} --> {target}: {event}" for (source, event), target in TRANSITIONS.items()]
    ends = [f"    {state} --> [*]" for state in State if state in TERMINAL]
    announced = ", ".join(f"`{state}`" for state in State if state in ANNOUNCED)
    drawn = code("\n".join(["stateDiagram-v2", f"    [*] --> {State.QUEUED}: submit", *arrows, *ends]), "mermaid")
    return f"{drawn}\nA callback is sent on entering {announced}.\n"
