// SPDX-License-Identifier: AGPL-3.0-only
// What Node says about patterns with the flag u: reads lines {"pattern": "...", "strings": [...]} and
// answers each with {"matches": [...]} or {"error": "..."}; "timeout" for patterns that backtrack too
// long.
import { createInterface } from "node:readline";
import vm from "node:vm";

const context = vm.createContext({});
const test = new vm.Script("strings.map((text) => regex.test(text))");

for await (const line of createInterface({ input: process.stdin })) {
  const { pattern, strings } = JSON.parse(line);
  let answer;
  try {
    Object.assign(context, { regex: new RegExp(pattern, "u"), strings });
    answer = { matches: [...test.runInContext(context, { timeout: 300 })] };
  } catch (error) {
    answer = { error: error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? "timeout" : error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
