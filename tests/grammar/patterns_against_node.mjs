// SPDX-License-Identifier: AGPL-3.0-only
// What Node says about patterns: reads lines {"pattern": "...", "strings": [...]} and answers each
// with {"matches": [...]} (flag u; without it where that is a syntax error, and then "legacy": true)
// or {"error": "..."}; "timeout" for patterns that backtrack too long.
import { createInterface } from "node:readline";
import vm from "node:vm";

function compile(pattern) {
  try {
    return { regex: new RegExp(pattern, "u"), legacy: false };
  } catch {
    return { regex: new RegExp(pattern), legacy: true };
  }
}

const context = vm.createContext({});
const test = new vm.Script("strings.map((text) => regex.test(text))");

for await (const line of createInterface({ input: process.stdin })) {
  const { pattern, strings } = JSON.parse(line);
  let answer;
  try {
    const { regex, legacy } = compile(pattern);
    Object.assign(context, { regex, strings });
    answer = { matches: [...test.runInContext(context, { timeout: 300 })], legacy };
  } catch (error) {
    answer = { error: error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? "timeout" : error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
