// The AWS SDK for JavaScript: an answer, a stream and an error, one JSON line each.
//
// Usage: node javascript_client.cjs MODEL_ID UNKNOWN_MODEL_ID PROMPT
//
// It reads no service data from files, so what to sign for is told in code, and to sign even if there is an API key in
// the environment. The handler is for HTTP/1.1: by default this client speaks HTTP/2, which the twin does not.
const {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  ValidationException,
} = require("@aws-sdk/client-bedrock-runtime");
const { NodeHttpHandler } = require("@smithy/node-http-handler");

const [modelId, unknownModelId, prompt] = process.argv.slice(2);
const messages = [{ role: "user", content: [{ text: prompt }] }];
const print = (line) => console.log(JSON.stringify(line));

async function main() {
  const client = new BedrockRuntimeClient({
    signingName: "execute-api",
    authSchemePreference: ["sigv4"],
    requestHandler: new NodeHttpHandler(),
  });

  const answer = await client.send(new ConverseCommand({ modelId, messages }));
  print({ check: "answer", text: answer.output.message.content[0].text });

  const chunks = [];
  for await (const event of (await client.send(new ConverseStreamCommand({ modelId, messages }))).stream) {
    if (event.contentBlockDelta) chunks.push(event.contentBlockDelta.delta.text);
  }
  print({ check: "stream", chunks });

  try {
    await client.send(new ConverseCommand({ modelId: unknownModelId, messages }));
  } catch (error) {
    if (!(error instanceof ValidationException)) throw error;
    print({ check: "error", class: error.name, message: error.message });
  }
}

main();
