"""Session of LiteLLM's video calls, each made once, with their results. It runs as a program beside `litellm`:

`python litellm_session.py BASE_URL KEY PICTURE`. The other side completes the generation that a COMPLETE line names.
"""

import asyncio
import json
import sys

import litellm
from litellm.types.videos.utils import decode_video_id_with_provider

base, key, picture = sys.argv[1:]
given = {"api_base": base, "api_key": key, "custom_llm_provider": "openai"}
results = {}


def record(name, asking):
    try:
        results[name] = {"answer": asking()}
    except Exception as error:
        results[name] = {"error": type(error).__name__, "message": str(error)[:300]}
    return results[name].get("answer")


def asked(**more):
    words = {"prompt": "push in", "model": "openai/sora-2", "seconds": "4", "size": "1280x720", **given}
    with open(picture, "rb") as file:  # noqa: PTH123 - as its documentation has it
        return litellm.video_generation(input_reference=file, **words | more).model_dump()


made = record("video_generation", asked)
record("video_status", lambda: litellm.video_status(video_id=made["id"], **given).model_dump())
print(f"COMPLETE {decode_video_id_with_provider(made['id'])['video_id']}", flush=True)
sys.stdin.readline()
record("video_status, done", lambda: litellm.video_status(video_id=made["id"], **given).model_dump())
record("video_content", lambda: len(litellm.video_content(video_id=made["id"], **given)))
record("video_list", lambda: [each["status"] for each in litellm.video_list(**given)["data"]])
record("avideo_status", lambda: asyncio.run(litellm.avideo_status(video_id=made["id"], **given)).model_dump())
record("a bad value", lambda: asked(seconds="four"))
record("no key", lambda: litellm.video_status(video_id=made["id"], **given | {"api_key": "wrong"}).model_dump())
print(f"RESULTS {json.dumps(results, default=str)}", flush=True)
