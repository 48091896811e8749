// SPDX-License-Identifier: AGPL-3.0-only
// @anthropic-ai/sdk: messages, streams, tools, thoughts, counts, the tool runner.
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { described, hello, parameters, Place, place, repeated, url, warm, weather } from "./common.mjs";

const client = new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
const base = { model: "m", max_tokens: 4000 };
const tools = [{ ...described, input_schema: parameters }];

test("whole and streamed", async () => {
  const made = await client.messages.create({ ...base, messages: hello });
  assert.deepEqual(made.content, [{ type: "text", text: repeated }]);
  const stream = client.messages.stream({ ...base, messages: hello });
  assert.equal(await stream.finalText(), repeated);
});

for (const thinking of [undefined, { type: "enabled", budget_tokens: 1024 }]) {
  test(`tools, thinking: ${thinking?.type}`, async () => {
    const messages = [...hello];
    const ask = () => client.messages.stream({ ...base, messages, tools, thinking }).finalMessage();
    const first = await ask();
    assert.equal(first.content[0].type === "thinking", thinking !== undefined);
    const calls = first.content.filter((block) => block.type === "tool_use");
    assert.deepEqual(calls.map((call) => call.input), [place]);
    const results = calls.map(({ id }) => ({
      type: "tool_result",
      tool_use_id: id,
      content: weather(place),
    }));
    messages.push({ role: "assistant", content: first.content }, { role: "user", content: results });
    assert.equal((await ask()).content.at(-1).text, warm);
  });
}

test("count", async () => {
  const count = (fields) => client.messages.countTokens({ model: "m", messages: hello, ...fields });
  assert.ok((await count({ tools })).input_tokens > (await count({})).input_tokens);
});

// By default it asks for a thread, is refused, and goes on with the whole conversation.
for (const fields of [{}, { thread: false }]) {
  test(`toolRunner ${JSON.stringify(fields)}`, async () => {
    const tool = betaZodTool({ ...described, inputSchema: Place, run: weather });
    const runner = client.beta.messages.toolRunner({
      ...base,
      ...fields,
      messages: hello,
      tools: [tool],
    });
    assert.equal((await runner).content[0].text, warm);
  });
}
