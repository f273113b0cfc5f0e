"""boto3 as everybody writes it: an answer, a stream, an error and a list, one JSON line each.

Usage: boto3_client.py MODEL_ID UNKNOWN_MODEL_ID PROMPT
"""

import json
import sys

import boto3

model_id, unknown_model_id, prompt = sys.argv[1:]
bedrock = boto3.client("bedrock-runtime")
messages = [{"role": "user", "content": [{"text": prompt}]}]

answer = bedrock.converse(modelId=model_id, messages=messages)
print(json.dumps({"check": "answer", "text": answer["output"]["message"]["content"][0]["text"]}))

events = bedrock.converse_stream(modelId=model_id, messages=messages)["stream"]
chunks = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
print(json.dumps({"check": "stream", "chunks": chunks}))

try:
    bedrock.converse(modelId=unknown_model_id, messages=messages)
except bedrock.exceptions.ValidationException as error:
    print(json.dumps({"check": "error", "class": type(error).__name__, "message": str(error)}))

models = boto3.client("bedrock").list_foundation_models(byProvider="Anthropic")["modelSummaries"]
print(json.dumps({"check": "list", "models": [model["modelId"] for model in models]}))
