"""The Anthropic SDK: an answer, a stream and an error, one JSON line each.

Usage: anthropic_client.py CLASS MODEL_ID UNKNOWN_MODEL_ID PROMPT
       CLASS is Anthropic (Anthropic's own Messages API) or AnthropicBedrock (InvokeModel, with response stream)
"""

import json
import sys

import anthropic

class_name, model_id, unknown_model_id, prompt = sys.argv[1:]
client = getattr(anthropic, class_name)()
messages = [{"role": "user", "content": prompt}]

message = client.messages.create(model=model_id, max_tokens=64, messages=messages)
print(json.dumps({"check": "answer", "text": message.content[0].text}))

with client.messages.stream(model=model_id, max_tokens=64, messages=messages) as stream:
    print(json.dumps({"check": "stream", "chunks": list(stream.text_stream)}))

try:
    client.messages.create(model=unknown_model_id, max_tokens=64, messages=messages)
except anthropic.APIStatusError as error:
    print(json.dumps({"check": "error", "class": type(error).__name__, "message": str(error)}))
