"""Exceptions from the house rules: the allowed number, and the reason.

An entry that is no longer needed fails the tests too.
"""

from collections.abc import Mapping, Sequence

MODULE_LINES = 400
FUNCTION_LINES = 50

LONGER_MODULES: Mapping[str, tuple[int, str]] = {}
"""`path`: lines allowed, reason."""

FOLDER_MODULES = 18

SHARED_CLASS_NAMES: Mapping[str, str] = {
    "AccessDenied": "the client's errors are named as the service's",
    "Assets": "the wire type of the founding dialect is called as its API calls it",
    "Generation": "the wire type of the founding dialect and the client's value are called as the API calls them",
    "GenerationFailed": "the client's errors are named as the service's",
    "InvalidRequest": "the client's errors are named as the service's",
    "NotAuthenticated": "the client's errors are named as the service's",
}
"""Names of classes that stand in more than one module of `src`, with the reason."""

LONGER_FUNCTIONS: Mapping[str, tuple[int, str]] = {}
"""`path::Class.function`: lines allowed, reason."""

SLEEPS = 20
"""Allowed calls of `sleep` in all tests, for time that has to pass: a slow caller, a lease, a random moment."""

SLOW_FAKES: Mapping[str, int] = {
    "tests/adapters/fetch/hostile_server.py": 2,
    "tests/adapters/fetch/namespace_program.py": 2,
    "tests/docs/browser.py": 1,
    "tests/engines/forward/servers.py": 1,
    "tests/faults/odd_machine.py": 1,
    "tests/media/sandbox/hostile_decoder.py": 3,
    "tests/worker/fake_renderer.py": 1,
    "tests/worker/receiver.py": 1,
}
"""Allowed calls of `sleep` in programs and servers whose slowness a test is about."""

PRIVATE_REACHES: Mapping[str, Sequence[str]] = {
    "tests/adapters/fetch/test_wire.py": ["_open_socket"],  # The last line of defence, behind all others.
    "tests/clients/test_openai.py": ["_request_id"],  # OpenAI's library has this name for it and shows it to its users.
    "tests/engines/diffusers/test_memory.py": ["_byte_count"],
    "tests/engines/forward/test_comfyui.py": ["_is_known"],
    "tests/http/edge/test_wrong_keys.py": ["_known", "_known"],  # Nothing else shows that wrong keys are not kept.
    "tests/http/parsing/test_strict_json.py": ["_plainly"],  # The slow parser alone, for comparison with the fast one.
}
"""Private names that a test module may use."""
