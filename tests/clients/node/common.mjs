// SPDX-License-Identifier: AGPL-3.0-only
// What all clients are asked, and the tool and the form that they get.
import { z } from "zod";

export const url = process.argv[2];
export const v1 = `${url}/v1`;
export const hello = [{ role: "user", content: "Hello there" }];
export const repeated = "You said: Hello there";
export const thought = "I think about it.";
export const warm = "Done: Ankara is warm";
export const place = { city: "Ankara" };
export const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
export const described = { name: "get_weather", description: "The weather of a city." };
export const weather = ({ city }) => `${city} is warm`;
export const Place = z.object({ city: z.string() });
export const Person = z.object({
  name: z.string(),
  age: z.number().int(),
  tags: z.array(z.string()),
});
export const ada = { name: "Ada", age: 36, tags: ["text"] };
