#!/usr/bin/env node
/** Serves the items on a local port, for development. */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { createApiServer, Store } from "./«name».js";

/**
 * Reads the command line.
 *
 * @param «js|{string[]} »args what stands after the program's name
 * @returns «js|{{host: string, port: number}} »where to listen
 */
export function parse(args«ts|: string[]»)«ts|: { host: string; port: number }» {
  const { values } = parseArgs({
    args,
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8000" },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(`no port: ${values.port}`);
  }
  return { host: values.host ?? "127.0.0.1", port };
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  const { host, port } = parse(process.argv.slice(2));
  const server = createApiServer(new Store());
  server.listen(port, host, () => console.log("listening on", server.address()));
}
