// An example plugin: writes a greeting into a file of the workspace.
//
// It shows what most plugins need: inputs with a schema, files, a tool that it can do without, a
// value that outlives the run, and an outcome for people and for programs. The same plugin is
// beside it in Rust, Python and C.
//
// Never: a file replaced that holds something else.

import * as remit from "../.remit/javascript/remit.js";
import { files, problem, progress, state } from "../.remit/javascript/remit.js";

export const pattern = remit.pattern({
  inputs: {
    type: "object",
    properties: {
      name: { description: "Who is greeted.", type: "string", minLength: 1, maxLength: 100 },
      file: {
        description: "Where the greeting is written, relative to the workspace.",
        type: "string",
        minLength: 1,
        default: "HELLO.md",
      },
    },
    required: ["name"],
    additionalProperties: false,
  },

  outputs: {
    type: "object",
    properties: {
      file: { type: "string" },
      files_in_git: { type: ["integer", "null"] },
      greetings: { type: "integer" },
    },
    required: ["file", "files_in_git", "greetings"],
  },

  // What the schema cannot say. The host calls this before any work, and shows every problem.
  validate({ name, file = "HELLO.md" }) {
    const problems = [];
    if (/[\0-\x1f]/.test(name)) {
      problems.push(problem("/name", "control-character", "a name is one line of plain text"));
    }
    if (!file.endsWith(".md")) {
      const message = "a greeting is Markdown: its name ends with `.md`";
      problems.push(problem("/file", "not-markdown", message));
    }
    return problems;
  },

  execute({ name, file = "HELLO.md" }) {
    progress.step("ask git");
    const filesInGit = countFiles();
    progress.percent(50);

    progress.step("write the greeting");
    write(file, `# Hello, ${name}!\n`);
    const greetings = (state.get("project", "greetings") ?? 0) + 1;
    state.set("project", "greetings", greetings);

    const artifact = remit.artifact(file, "text/markdown", `a greeting for ${name}`);
    progress.produced(artifact);
    progress.info("greeted", { name, file });
    progress.percent(100);
    const among = filesInGit === null ? "" : `, among ${filesInGit} files`;
    return {
      summary: `${name} is greeted${among}`,
      outputs: { file, files_in_git: filesInGit, greetings },
      artifacts: [artifact],
    };
  },
});

// How many files git knows; null where the owner does not grant git, or this is no repository.
function countFiles() {
  let found = 0;
  let exit;
  try {
    exit = remit.lines("git", "ls-files", {}, (line, stream) => {
      // The template asks git for names that end with a zero byte.
      if (stream === "stdout") found += line.split("\0").length - 1;
      else progress.debug(line);
    });
  } catch (error) {
    if (!error.denied && error.tag !== "tool-missing") throw error;
    // The host has told its owner already what would allow it.
    progress.warn("git cannot be asked");
    return null;
  }
  if (exit.tag === "code" && exit.val === 0) return found;
  progress.info(`git ${remit.describeExit(exit)}`);
  return null;
}

// Writes the greeting. The host decides whether the file may be touched.
function write(file, text) {
  let old;
  try {
    old = files.read(file);
  } catch (error) {
    if (error.code !== "no-entry") throw cannot("read", file);
  }
  if (old === text) return;
  if (old !== undefined) {
    throw remit.failed("file-exists", `${file} holds something else`, {
      hint: "move it away, or name another file",
    });
  }
  try {
    files.write(file, text);
  } catch {
    throw cannot("write", file);
  }
}

function cannot(what, file) {
  return remit.failed(`cannot-${what}`, `cannot ${what} ${file}`);
}
