#!/usr/bin/env node
/** Counts lines, words and characters of files or of standard input. */
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { count, render«ts|, type Counts» } from "./«name».js";

/**
 * Runs the command.
 *
 * @param «js|{string[]} »args the files to count; standard input if none
 * @param «js|{(line: string) => void} »print takes the result
 * @returns «js|{number} »the exit code: 1 if a file could not be read
 */
export function main(
  args«ts|: string[]»,
  print«ts|: (line: string) => void» = console.log,
)«ts|: number» {
  if (args.length === 0) {
    print(render([["-", count(readFileSync(0, "utf8"))]]));
    return 0;
  }
  «js|/** @type {Parameters<typeof render>[0]} */
  »const rows«ts|: [string, Counts][]» = [];
  let code = 0;
  for (const name of args) {
    try {
      rows.push([name, count(readFileSync(name, "utf8"))]);
    } catch (error) {
      console.error(`«distribution»: ${error instanceof Error ? error.message : error}`);
      code = 1;
    }
  }
  if (rows.length > 0) {
    print(render(rows));
  }
  return code;
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2));
}
