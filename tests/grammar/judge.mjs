// SPDX-License-Identifier: AGPL-3.0-only
// Asks ajv. Reads lines {"dialect", "schema", "texts"}, writes {"verdicts": [true, ...]} or
// {"refused": "why"}; a text that JavaScript does not read is null.
import { createInterface } from "node:readline";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

// An integer and a power of ten, exactly the number that JavaScript prints.
function decimal(number) {
  const [digits, exponent = "0"] = String(number).split("e");
  const [whole, part = ""] = digits.split(".");
  return [BigInt(whole + part), Number(exponent) - part.length];
}

// ajv divides doubles, so that 0.3 would be no multiple of 0.1.
function isMultiple(number, divisor) {
  const [a, powerOfA] = decimal(number);
  const [b, powerOfB] = decimal(divisor);
  const power = Math.min(powerOfA, powerOfB);
  return (a * 10n ** BigInt(powerOfA - power)) % (b * 10n ** BigInt(powerOfB - power)) === 0n;
}

function make(Kind) {
  // Not strict: only what the specification forbids is refused.
  const ajv = new Kind({ strict: false, unicodeRegExp: true, logger: false });
  addFormats(ajv, { mode: "full" });
  ajv.removeKeyword("multipleOf");
  ajv.addKeyword({
    keyword: "multipleOf",
    type: "number",
    schemaType: "number",
    compile: (divisor) => (number) => isMultiple(number, divisor),
  });
  return ajv;
}

const kinds = { "2020-12": make(Ajv2020), "draft-07": make(Ajv) };

function verdict(validate, text) {
  try {
    return validate(JSON.parse(text));
  } catch {
    return null;
  }
}

function answer({ dialect, schema, texts }) {
  const ajv = kinds[dialect];
  try {
    const validate = ajv.compile(schema);
    return { verdicts: texts.map((text) => verdict(validate, text)) };
  } catch (error) {
    return { refused: error.message };
  } finally {
    ajv.removeSchema();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
}
