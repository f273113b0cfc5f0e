"""The OpenAI SDK: an answer, a stream and an error of both of its APIs, one JSON line each.

Usage: openai_client.py API MODEL_ID UNKNOWN_MODEL_ID PROMPT
       API is chat.completions or responses
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import openai

api, model_id, unknown_model_id, prompt = sys.argv[1:]
client = openai.OpenAI()


def create(model: str, **options: Any) -> Any:
    """One request of the API in question."""
    if api == "responses":
        return client.responses.create(model=model, input=prompt, **options)
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}], **options)


def pieces(stream: Any) -> Iterator[str]:
    """The text of a stream, as it comes."""
    for event in stream:
        if api == "responses":
            if event.type == "response.output_text.delta":
                yield event.delta
        elif event.choices and event.choices[0].delta.content:
            yield event.choices[0].delta.content


answer = create(model_id)
text = answer.output_text if api == "responses" else answer.choices[0].message.content
print(json.dumps({"check": "answer", "text": text}))

print(json.dumps({"check": "stream", "chunks": list(pieces(create(model_id, stream=True)))}))

try:
    create(unknown_model_id)
except openai.APIStatusError as error:
    print(json.dumps({"check": "error", "class": type(error).__name__, "message": str(error)}))
