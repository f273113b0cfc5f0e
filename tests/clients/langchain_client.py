"""langchain-aws: an answer, a stream and an error of both of its chat models, one JSON line each.

Usage: langchain_client.py CLASS MODEL_ID UNKNOWN_MODEL_ID PROMPT
       CLASS is ChatBedrockConverse (Converse, ConverseStream) or ChatBedrock (InvokeModel, with response stream)
"""

import json
import sys

import langchain_aws
from botocore.exceptions import ClientError

class_name, model_id, unknown_model_id, prompt = sys.argv[1:]
chat_class = getattr(langchain_aws, class_name)
chat = chat_class(model=model_id)

print(json.dumps({"check": "answer", "text": chat.invoke(prompt).text}))

chunks = [chunk.text for chunk in chat.stream(prompt) if chunk.text]
print(json.dumps({"check": "stream", "chunks": chunks}))

try:
    chat_class(model=unknown_model_id).invoke(prompt)
except ClientError as error:
    print(json.dumps({"check": "error", "class": type(error).__name__, "message": str(error)}))
