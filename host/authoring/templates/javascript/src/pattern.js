// Greets someone.

import * as remit from "../.remit/javascript/remit.js";

export const pattern = remit.pattern({
  inputs: {
    type: "object",
    properties: { name: { type: "string", description: "Who is greeted." } },
    required: ["name"],
    additionalProperties: false,
  },
  outputs: {
    type: "object",
    properties: { greeting: { type: "string" } },
    required: ["greeting"],
  },

  execute({ name }) {
    const greeting = `Hello, ${name}!`;
    remit.files.write("hello.txt", greeting);
    const artifacts = [remit.artifact("hello.txt", "text/plain")];
    return { summary: greeting, outputs: { greeting }, artifacts };
  },
});
