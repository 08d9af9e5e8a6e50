/* What remit.h promises, except for JSON.
 *
 * Never: a pointer handed to the host that it could not free.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remit.h"

/* Lines taken from the host at once. */
#define LINES 256
/* The largest file that remit_read takes in. */
#define MAX_FILE (16 << 20)

static void *grown(void *old, size_t count, size_t size)
{
    void *found = realloc(old, count * size);
    if (!found) abort();
    return found;
}

/* ---- text --------------------------------------------------------------------------------- */

remit_text remit_of(const char *text)
{
    return (remit_text){(uint8_t *)text, strlen(text)};
}

remit_text remit_owned(const char *text)
{
    size_t length = strlen(text);
    uint8_t *copy = grown(NULL, length + 1, 1);
    memcpy(copy, text, length + 1);
    return (remit_text){copy, length};
}

char *remit_string(remit_text text)
{
    char *copy = grown(NULL, text.len + 1, 1);
    if (text.len) memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    return copy;
}

char *remit_format(const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) abort();
    char *text = grown(NULL, (size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

/* ---- failures ------------------------------------------------------------------------------ */

void remit_problem(remit_problems *problems, const char *path, const char *code,
                   const char *message)
{
    problems->ptr = grown(problems->ptr, problems->len + 1, sizeof *problems->ptr);
    problems->ptr[problems->len++] = (remit_plugin_types_problem_t){
        remit_owned(path), remit_owned(code), remit_owned(message)};
}

static bool report(remit_done *done, const char *code, const char *message, const char *hint,
                   bool retryable)
{
    done->failure.tag = REMIT_PLUGIN_TYPES_FAILURE_FAILED;
    done->failure.val.failed = (remit_plugin_types_report_t){
        .code = remit_owned(code), .message = remit_owned(message), .retryable = retryable};
    if (hint) done->failure.val.failed.hint = (contract_option_string_t){true, remit_owned(hint)};
    return false;
}

bool remit_fail(remit_done *done, const char *code, const char *message, const char *hint)
{
    return report(done, code, message, hint, false);
}

bool remit_rejected(remit_done *done, const char *reason)
{
    done->failure.tag = REMIT_PLUGIN_TYPES_FAILURE_REJECTED;
    done->failure.val.rejected = remit_owned(reason);
    return false;
}

bool remit_unavailable(remit_done *done, const char *what)
{
    done->failure.tag = REMIT_PLUGIN_TYPES_FAILURE_UNAVAILABLE;
    done->failure.val.unavailable = remit_owned(what);
    return false;
}

static bool invalid_call(remit_done *done, const remit_plugin_process_list_problem_t *problems)
{
    char *all = "";
    for (size_t i = 0; i < problems->len; i++)
        all = remit_format("%s%s%s: %s", all, i ? "; " : "", remit_string(problems->ptr[i].path),
                           remit_string(problems->ptr[i].message));
    return remit_fail(done, "invalid-call", all, NULL);
}

bool remit_fail_process(remit_done *done, const remit_process_error *error)
{
    switch (error->tag) {
    case REMIT_PLUGIN_PROCESS_PROCESS_ERROR_DENIED:
        done->failure.tag = REMIT_PLUGIN_TYPES_FAILURE_DENIED;
        done->failure.val.denied = error->val.denied;
        return false;
    case REMIT_PLUGIN_PROCESS_PROCESS_ERROR_INVALID_CALL:
        return invalid_call(done, &error->val.invalid_call);
    case REMIT_PLUGIN_PROCESS_PROCESS_ERROR_TOOL_MISSING:
        return remit_unavailable(done, remit_string(error->val.tool_missing));
    case REMIT_PLUGIN_PROCESS_PROCESS_ERROR_TOOL_CHANGED:
        return remit_fail(done, "tool-changed", remit_string(error->val.tool_changed), NULL);
    case REMIT_PLUGIN_PROCESS_PROCESS_ERROR_SPAWN_FAILED:
        return report(done, "spawn-failed", remit_string(error->val.spawn_failed), NULL, true);
    case REMIT_PLUGIN_PROCESS_PROCESS_ERROR_LIMIT:
        return report(done, "limit", remit_string(error->val.limit), NULL, true);
    case REMIT_PLUGIN_PROCESS_PROCESS_ERROR_STDIN_CLOSED:
        return remit_fail(done, "stdin-closed", "the tool reads no more input", NULL);
    default:
        return remit_fail(done, "misuse", remit_string(error->val.misuse), NULL);
    }
}

bool remit_fail_state(remit_done *done, const remit_plugin_state_state_error_t *error)
{
    switch (error->tag) {
    case REMIT_PLUGIN_STATE_STATE_ERROR_INVALID_KEY:
        return remit_fail(done, "invalid-key", "a state key has 1 to 255 bytes", NULL);
    case REMIT_PLUGIN_STATE_STATE_ERROR_INVALID_JSON:
        return remit_fail(done, "invalid-json", remit_string(error->val.invalid_json), NULL);
    case REMIT_PLUGIN_STATE_STATE_ERROR_QUOTA:
        return remit_fail(done, "quota", remit_string(error->val.quota), NULL);
    default:
        return report(done, "state-unavailable", remit_string(error->val.unavailable), NULL, true);
    }
}

/* ---- telling people ----------------------------------------------------------------------- */

void remit_step(const char *name)
{
    remit_text text = remit_of(name);
    remit_plugin_progress_step(&text);
}

void remit_percent(unsigned percent)
{
    remit_plugin_progress_percent(percent);
}

void remit_log(remit_plugin_progress_level_t level, const char *message, const char *fields)
{
    remit_text text = remit_of(message), json = remit_of(fields);
    remit_plugin_progress_log(level, &text, &json);
}

void remit_debug(const char *message)
{
    remit_log(REMIT_PLUGIN_PROGRESS_LEVEL_DEBUG, message, "");
}

void remit_info(const char *message)
{
    remit_log(REMIT_PLUGIN_PROGRESS_LEVEL_INFO, message, "");
}

void remit_warn(const char *message)
{
    remit_log(REMIT_PLUGIN_PROGRESS_LEVEL_WARN, message, "");
}

void remit_error(const char *message)
{
    remit_log(REMIT_PLUGIN_PROGRESS_LEVEL_ERROR, message, "");
}

void remit_finish(remit_done *done, const char *summary, const char *outputs)
{
    done->summary = remit_owned(summary);
    done->outputs = remit_owned(outputs);
}

void remit_artifact(remit_done *done, const char *path, const char *media_type,
                    const char *description)
{
    remit_plugin_types_artifact_t artifact = {
        remit_owned(path), remit_owned(media_type), {false, {NULL, 0}}};
    if (description)
        artifact.description = (contract_option_string_t){true, remit_owned(description)};
    size_t count = done->artifact_count;
    done->artifacts = grown(done->artifacts, count + 1, sizeof *done->artifacts);
    done->artifacts[count] = artifact;
    done->artifact_count = count + 1;
}

void remit_produced(remit_done *done, const char *path, const char *media_type,
                    const char *description)
{
    remit_artifact(done, path, media_type, description);
    remit_plugin_progress_produced(&done->artifacts[done->artifact_count - 1]);
}

/* ---- tools -------------------------------------------------------------------------------- */

remit_call remit_call_of(const char *tool, const char *template_name)
{
    remit_call call = {.tool = remit_of(tool), .template_ = remit_of(template_name)};
    call.stdin_.tag = REMIT_PLUGIN_PROCESS_STDIN_EMPTY;
    return call;
}

void remit_slot(remit_call *call, const char *name, const char *value)
{
    size_t count = call->slots.len;
    call->slots.ptr = grown(call->slots.ptr, count + 1, sizeof *call->slots.ptr);
    call->slots.ptr[count].f0 = remit_owned(name);
    call->slots.ptr[count].f1.tag = REMIT_PLUGIN_PROCESS_SLOT_VALUE_ONE;
    call->slots.ptr[count].f1.val.one = remit_owned(value);
    call->slots.len = count + 1;
}

bool remit_lines(remit_call *call, void (*each)(remit_text line, bool is_stdout, void *with),
                 void *with, remit_plugin_process_exit_t *exit, remit_process_error *error)
{
    remit_plugin_process_own_child_t child;
    if (!remit_plugin_process_spawn(call, &child, error)) return false;
    remit_plugin_process_borrow_child_t borrowed = remit_plugin_process_borrow_child(child);
    bool going = true, good = true;
    while (going) {
        remit_plugin_process_line_event_t event;
        if (!remit_plugin_process_method_child_next_lines(borrowed, LINES, NULL, &event, error)) {
            good = going = false;
        } else if (event.tag == REMIT_PLUGIN_PROCESS_LINE_EVENT_EXITED) {
            *exit = event.val.exited;
            going = false;
        } else if (event.tag != REMIT_PLUGIN_PROCESS_LINE_EVENT_NOTHING_YET) {
            bool is_stdout = event.tag == REMIT_PLUGIN_PROCESS_LINE_EVENT_STDOUT;
            contract_list_string_t lines = is_stdout ? event.val.stdout_ : event.val.stderr_;
            for (size_t i = 0; i < lines.len; i++) each(lines.ptr[i], is_stdout, with);
            remit_plugin_process_line_event_free(&event);
        }
    }
    remit_plugin_process_child_drop_own(child);
    return good;
}

char *remit_describe_exit(remit_plugin_process_exit_t exit)
{
    static const char *const causes[] = {
        "was ended on request",
        "was ended by its time limit",
        "was ended because it was silent for too long",
        "was ended because it wrote too much",
        "was ended with the run",
        "was ended because its supervisor died",
    };
    if (exit.tag == REMIT_PLUGIN_PROCESS_EXIT_CODE)
        return remit_format("exited with code %u", exit.val.code);
    if (exit.tag == REMIT_PLUGIN_PROCESS_EXIT_SIGNAL)
        return remit_format("was ended by signal %u", exit.val.signal);
    return remit_format("%s", causes[exit.val.killed]);
}

/* ---- files and values that last ------------------------------------------------------------ */

const char *remit_workspace(void)
{
    remit_text root;
    return remit_plugin_workspace_root(&root) ? remit_string(root) : NULL;
}

char *remit_path(const char *relative)
{
    const char *root = remit_workspace();
    return remit_format("%s/%s", root ? root : "", relative);
}

char *remit_read(const char *relative)
{
    FILE *file = fopen(remit_path(relative), "rb");
    if (!file) return NULL;
    char *text = NULL;
    size_t size = 0, got;
    do {
        text = grown(text, size + BUFSIZ + 1, 1);
        got = fread(text + size, 1, BUFSIZ, file);
        size += got;
    } while (got > 0 && size <= MAX_FILE);
    bool good = !ferror(file) && size <= MAX_FILE;
    if (!good && !ferror(file)) errno = EFBIG;
    int why = errno;
    fclose(file);
    errno = why;
    text[size] = 0;
    return good ? text : NULL;
}

bool remit_write(const char *relative, const char *text)
{
    FILE *file = fopen(remit_path(relative), "wb");
    if (!file) return false;
    bool good = fwrite(text, 1, strlen(text), file) == strlen(text);
    int why = errno;
    if (fclose(file) && good) return false;
    if (!good) errno = why;
    return good;
}

bool remit_state_get(const char *key, const remit_json **value,
                     remit_plugin_state_state_error_t *error)
{
    remit_text name = remit_of(key);
    remit_plugin_state_option_json_t found;
    if (!remit_plugin_state_get(REMIT_PLUGIN_STATE_SCOPE_PROJECT, &name, &found, error))
        return false;
    *value = found.is_some ? remit_parse(found.val) : NULL;
    return true;
}

bool remit_state_set(const char *key, const char *json, remit_plugin_state_state_error_t *error)
{
    remit_text name = remit_of(key), text = remit_of(json);
    return remit_plugin_state_set(REMIT_PLUGIN_STATE_SCOPE_PROJECT, &name, &text, error);
}
