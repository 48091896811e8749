// SPDX-License-Identifier: AGPL-3.0-only
// Vercel's AI SDK over both of its providers: texts, streams, tools, objects.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, Output, stepCountIs, streamObject, streamText, tool } from "ai";
import { ada, described, hello, Person, Place, place, repeated, thought, v1, warm, weather } from "./common.mjs";

const options = { name: "local", baseURL: v1, apiKey: "none" };
const openai = createOpenAI(options);
const compatible = createOpenAICompatible(options);
const typed = { supportsStructuredOutputs: true, includeUsage: true };
const strict = createOpenAICompatible({ ...options, ...typed });
const tools = {
  get_weather: tool({ description: described.description, inputSchema: Place, execute: weather }),
};
const raise = ({ error }) => {
  throw error;
};

// Its default, openai("m"), names items of earlier answers instead of sending them.
const models = {
  "openai-compatible": { model: compatible("m") },
  "openai-compatible, told more": { model: strict("m") },
  "openai.chat": { model: openai.chat("m") },
  openai: { model: openai("m") },
  "openai, store: false": { model: openai("m"), providerOptions: { openai: { store: false } } },
};

for (const [name, chosen] of Object.entries(models)) {
  const common = { ...chosen, maxRetries: 0 };
  const looping = { ...common, tools, stopWhen: stepCountIs(5), prompt: "Weather?" };

  test(`${name}: whole and streamed`, async () => {
    assert.equal((await generateText({ ...common, prompt: "Hello there" })).text, repeated);
    const made = streamText({ ...common, prompt: "Hello there", onError: raise });
    assert.equal(await made.text, repeated);
    // Without includeUsage this provider does not ask for it.
    if (name !== "openai-compatible") assert.ok((await made.usage).totalTokens > 0);
  });

  test(`${name}: tools`, async () => {
    assert.equal((await generateText(looping)).text, warm);
    assert.equal(await streamText({ ...looping, onError: raise }).text, warm);
    const forced = { ...common, tools, toolChoice: "required", prompt: "Weather?" };
    assert.deepEqual((await generateText(forced)).toolCalls[0].input, place);
  });

  test(`${name}: a second question`, async () => {
    const first = await generateText({ ...common, messages: hello });
    const messages = [...hello, ...first.response.messages, ...hello];
    assert.equal((await generateText({ ...common, messages })).text, repeated);
  });

  // Without supportsStructuredOutputs this provider hides the schema from the server.
  if (name === "openai-compatible") continue;
  test(`${name}: objects`, async () => {
    const asked = { ...common, schema: Person, prompt: "Who?" };
    assert.deepEqual((await generateObject(asked)).object, ada);
    const made = streamObject(asked);
    for await (const _part of made.partialObjectStream);
    assert.deepEqual(await made.object, ada);
    const output = Output.object({ schema: Person });
    assert.deepEqual((await generateText({ ...looping, output })).output, ada);
  });
}

for (const store of [undefined, false]) {
  test(`openai, store: ${store}: thoughts are shown`, async () => {
    const asked = { forceReasoning: true, reasoningEffort: "high", reasoningSummary: "auto", store };
    const thinking = { model: openai("m"), maxRetries: 0, providerOptions: { openai: asked } };
    const made = await generateText({ ...thinking, prompt: "Hello there" });
    assert.deepEqual([made.reasoningText, made.text], [thought, repeated]);
    const streamed = streamText({ ...thinking, prompt: "Hello there", onError: raise });
    assert.deepEqual([await streamed.reasoningText, await streamed.text], [thought, repeated]);
    const messages = [...hello, ...made.response.messages, ...hello];
    const again = await generateText({ ...thinking, messages });
    assert.equal(again.text, repeated);
    assert.deepEqual(again.warnings, []); // it would say so if it left the thought out
  });
}

const patch = openai.tools.customTool({ name: "patch", description: "Patches." });

test("openai: a custom tool", async () => {
  const asked = { model: openai("m"), maxRetries: 0, tools: { patch }, prompt: "Patch it." };
  const { toolCalls, response } = await generateText({ ...asked, stopWhen: stepCountIs(1) });
  const [{ toolCallId, toolName, input }] = toolCalls;
  assert.equal(typeof input, "string");
  const output = { type: "text", value: "patched" };
  const result = { role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] };
  const messages = [{ role: "user", content: "Patch it." }, ...response.messages, result];
  const { prompt: _, ...again } = { ...asked, messages };
  assert.equal((await generateText(again)).text, "Done: patched");
});

test("openai: what is not known any more is refused with what to do", async () => {
  const providerOptions = { openai: { itemId: "msg_gone" } };
  const gone = { role: "assistant", content: [{ type: "text", text: "a", providerOptions }] };
  const asked = { model: openai("m"), maxRetries: 0, messages: [...hello, gone, ...hello] };
  await assert.rejects(generateText(asked), /send the item itself, as clients do with store: false/);
  const told = { ...asked, providerOptions: { openai: { store: false } } };
  assert.equal((await generateText(told)).text, repeated);
});
