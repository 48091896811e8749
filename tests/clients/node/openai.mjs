// SPDX-License-Identifier: AGPL-3.0-only
// openai-node: chat completions and responses, with tools, streams and typed answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { ada, described, hello, parameters, Person, place, repeated, v1, warm, weather } from "./common.mjs";

const client = new OpenAI({ baseURL: v1, apiKey: "none", maxRetries: 0 });
const model = "m";
const signature = { ...described, strict: true, parameters };

test("chat, whole and streamed", async () => {
  const made = await client.chat.completions.create({ model, messages: hello });
  assert.equal(made.choices[0].message.content, repeated);
  const stream = client.chat.completions.stream({ model, messages: hello });
  assert.equal(await stream.finalContent(), repeated);
});

test("typed answers of chat", async () => {
  const response_format = zodResponseFormat(Person, "person");
  const made = await client.chat.completions.parse({ model, messages: hello, response_format });
  assert.deepEqual(made.choices[0].message.parsed, ada);
});

for (const stream of [false, true]) {
  test(`runTools, stream: ${stream}`, async () => {
    const run = { ...signature, function: weather, parse: JSON.parse };
    const tools = [{ type: "function", function: run }];
    const runner = client.chat.completions.runTools({ model, messages: hello, tools, stream });
    assert.equal(await runner.finalContent(), warm);
  });
}

test("responses, whole and typed", async () => {
  const made = await client.responses.create({ model, input: "Hello there" });
  assert.equal(made.output_text, repeated);
  const text = { format: zodTextFormat(Person, "person") };
  const typed = await client.responses.parse({ model, input: "Who?", text });
  assert.deepEqual(typed.output_parsed, ada);
});

test("streamed responses with a tool and thoughts", async () => {
  const input = [...hello];
  const tools = [{ type: "function", ...signature }];
  const reasoning = { effort: "low", summary: "auto" };
  const ask = () => client.responses.stream({ model, input, tools, reasoning }).finalResponse();
  const first = await ask();
  const calls = first.output.filter((item) => item.type === "function_call");
  assert.deepEqual(calls.map((call) => JSON.parse(call.arguments)), [place]);
  input.push(...first.output);
  for (const { call_id } of calls) {
    input.push({ type: "function_call_output", call_id, output: weather(place) });
  }
  assert.equal((await ask()).output_text, warm);
});

test("embeddings", async () => {
  const made = await client.embeddings.create({ model, input: ["a", "b"] });
  assert.deepEqual(made.data.map(({ embedding }) => embedding.length), [8, 8]);
});
