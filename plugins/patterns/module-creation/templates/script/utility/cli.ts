#!/usr/bin/env node
/** Prints the slug of each line of text on the command line or on standard input. */
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { slugify } from "./«name».js";

/**
 * Runs the command.
 *
 * @param «js|{string[]} »args what stands after the program's name
 * @param «js|{(line: string) => void} »print takes each line of the result
 * @returns «js|{number} »the exit code
 */
export function main(
  args«ts|: string[]»,
  print«ts|: (line: string) => void» = console.log,
)«ts|: number» {
  const lines = args.length > 0 ? args : readFileSync(0, "utf8").trimEnd().split("\n");
  for (const line of lines) {
    print(slugify(line));
  }
  return 0;
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2));
}
