/* An example plugin: writes a greeting into a file of the workspace.
 *
 * It shows what most plugins need: inputs with a schema, files, a tool that it can do without, a
 * value that outlives the run, and an outcome for people and for programs. The same plugin is
 * beside it in Rust, JavaScript and Python.
 *
 * Never: a file replaced that holds something else.
 */
#include <errno.h>
#include <string.h>

#include "remit.h"

static const char INPUTS[] =
    "{\"type\": \"object\", \"properties\": {"
    "\"name\": {\"description\": \"Who is greeted.\", \"type\": \"string\","
    " \"minLength\": 1, \"maxLength\": 100},"
    "\"file\": {\"description\": \"Where the greeting is written, relative to the workspace.\","
    " \"type\": \"string\", \"minLength\": 1, \"default\": \"HELLO.md\"}},"
    "\"required\": [\"name\"], \"additionalProperties\": false}";

static const char OUTPUTS[] =
    "{\"type\": \"object\", \"properties\": {"
    "\"file\": {\"type\": \"string\"},"
    "\"files_in_git\": {\"type\": [\"integer\", \"null\"]},"
    "\"greetings\": {\"type\": \"integer\"}},"
    "\"required\": [\"file\", \"files_in_git\", \"greetings\"]}";

static const char *file_of(const remit_json *inputs)
{
    return remit_get_string(inputs, "file", "HELLO.md");
}

/* What the schema cannot say. The host calls this before any work, and shows every problem. */
static void check(const remit_json *inputs, remit_problems *problems)
{
    const remit_json *name = remit_get(inputs, "name");
    const char *file = file_of(inputs);
    size_t bytes = name && name->kind == REMIT_STRING ? name->length : 0;
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)name->text[i] < ' ') {
            remit_problem(problems, "/name", "control-character",
                          "a name is one line of plain text");
            break;
        }
    }
    size_t length = strlen(file);
    if (length < 3 || strcmp(file + length - 3, ".md"))
        remit_problem(problems, "/file", "not-markdown",
                      "a greeting is Markdown: its name ends with `.md`");
}

static void count(remit_text line, bool is_stdout, void *with)
{
    int *files = with;
    if (!is_stdout) {
        remit_debug(remit_string(line));
        return;
    }
    /* The template asks git for names that end with a zero byte. */
    for (size_t i = 0; i < line.len; i++) *files += line.ptr[i] == 0;
}

/* How many files git knows; -1 where the owner does not grant git, or this is no repository. */
static bool count_files(remit_done *done, int *files)
{
    remit_call call = remit_call_of("git", "ls-files");
    remit_plugin_process_exit_t exit;
    remit_process_error error;
    *files = 0;
    if (!remit_lines(&call, count, files, &exit, &error)) {
        if (error.tag != REMIT_PLUGIN_PROCESS_PROCESS_ERROR_DENIED &&
            error.tag != REMIT_PLUGIN_PROCESS_PROCESS_ERROR_TOOL_MISSING)
            return remit_fail_process(done, &error);
        /* The host has told its owner already what would allow it. */
        remit_warn("git cannot be asked");
        *files = -1;
    } else if (exit.tag != REMIT_PLUGIN_PROCESS_EXIT_CODE || exit.val.code != 0) {
        remit_info(remit_format("git %s", remit_describe_exit(exit)));
        *files = -1;
    }
    return true;
}

static bool cannot(remit_done *done, const char *what, const char *file)
{
    return remit_fail(done, remit_format("cannot-%s", what),
                      remit_format("cannot %s %s", what, file), NULL);
}

/* Writes the greeting. The host decides whether the file may be touched. */
static bool write_greeting(remit_done *done, const char *file, const char *text)
{
    const char *old = remit_read(file);
    if (!old && errno != ENOENT) return cannot(done, "read", file);
    if (old && !strcmp(old, text)) return true;
    if (old)
        return remit_fail(done, "file-exists", remit_format("%s holds something else", file),
                          "move it away, or name another file");
    return remit_write(file, text) || cannot(done, "write", file);
}

static bool count_greetings(remit_done *done, int *greetings)
{
    const remit_json *before;
    remit_plugin_state_state_error_t error;
    if (!remit_state_get("greetings", &before, &error)) return remit_fail_state(done, &error);
    *greetings = (before ? (int)before->number : 0) + 1;
    if (!remit_state_set("greetings", remit_format("%d", *greetings), &error))
        return remit_fail_state(done, &error);
    return true;
}

static bool greet(const remit_json *inputs, const remit_context *context, remit_done *done)
{
    (void)context;
    const char *name = remit_get_string(inputs, "name", ""), *file = file_of(inputs);
    int files, greetings;
    remit_step("ask git");
    if (!count_files(done, &files)) return false;
    remit_percent(50);

    remit_step("write the greeting");
    if (!write_greeting(done, file, remit_format("# Hello, %s!\n", name))) return false;
    if (!count_greetings(done, &greetings)) return false;

    remit_produced(done, file, "text/markdown", remit_format("a greeting for %s", name));
    remit_log(REMIT_PLUGIN_PROGRESS_LEVEL_INFO, "greeted",
              remit_format("{\"name\":%s,\"file\":%s}", remit_quote(name), remit_quote(file)));
    remit_percent(100);
    const char *among = files < 0 ? "" : remit_format(", among %d files", files);
    const char *known = files < 0 ? "null" : remit_format("%d", files);
    remit_finish(done, remit_format("%s is greeted%s", name, among),
                 remit_format("{\"file\":%s,\"files_in_git\":%s,\"greetings\":%d}",
                              remit_quote(file), known, greetings));
    return true;
}

const remit_pattern remit_pattern_plugin = {INPUTS, OUTPUTS, check, greet};
