#!/usr/bin/env node
/** Prints the statistics of the numbers on the command line or on standard input. */
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { summarize } from "./«name».js";

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
  const words = args.length > 0 ? args : readFileSync(0, "utf8").split(/\s+/).filter(Boolean);
  const bad = words.find((word) => !Number.isFinite(Number(word)));
  if (bad !== undefined || words.length === 0) {
    console.error(`«distribution»: ${bad === undefined ? "no numbers given" : `no number: ${bad}`}`);
    return 1;
  }
  const stats = summarize(words.map(Number));
  print(`count=${stats.count} mean=${stats.mean} deviation=${stats.deviation}`);
  print(`minimum=${stats.minimum} maximum=${stats.maximum}`);
  return 0;
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2));
}
