/* The contract with remit, comfortable in C.
 *
 * `remit plugin build` writes this file into `.remit/c` of a project, with `contract.h` beside it:
 * what the generator makes of the whole contract, which may be used as well. Files are files: fopen
 * below `remit_workspace()`.
 *
 * An instance of a plugin lives for one piece of work, and its memory with it: nothing that these
 * functions return has to be freed. They end the plugin when memory is over.
 *
 * Never: a grant made, widened or remembered here. The host decides each call anew.
 */
#ifndef REMIT_H
#define REMIT_H

#include "contract.h"

/* ---- text: bytes with a length, and a zero byte after them ------------------------------- */

typedef contract_string_t remit_text;

/* The text of a C string, not copied. */
remit_text remit_of(const char *text);
/* A new C string, as printf makes it. `%s` takes C strings. */
char *remit_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A copy that the host may free. */
remit_text remit_owned(const char *text);
/* A new C string with the same bytes. */
char *remit_string(remit_text text);

/* ---- JSON --------------------------------------------------------------------------------- */

typedef enum {
    REMIT_NULL,
    REMIT_BOOL,
    REMIT_NUMBER,
    REMIT_STRING,
    REMIT_ARRAY,
    REMIT_OBJECT
} remit_kind;

/* A parsed value. `text` of a string may hold zero bytes: `length` says how long it is. */
typedef struct remit_json {
    remit_kind kind;
    bool boolean;
    double number;
    char *text;
    size_t length;             /* bytes of a string, items of an array or object */
    char **keys;               /* of an object */
    struct remit_json **items; /* of an array or object */
} remit_json;

/* Reads a text; NULL if it is not JSON, or nested more than 64 deep. */
const remit_json *remit_parse(remit_text text);
/* The member of an object; NULL if it has none, or is no object. */
const remit_json *remit_get(const remit_json *object, const char *key);
/* The member as a C string, number or truth; `otherwise` if it is not there or something else. */
const char *remit_get_string(const remit_json *object, const char *key, const char *otherwise);
double remit_get_number(const remit_json *object, const char *key, double otherwise);
bool remit_get_bool(const remit_json *object, const char *key, bool otherwise);
/* A C string as JSON, with its quotes. */
char *remit_quote(const char *text);

/* ---- the plugin --------------------------------------------------------------------------- */

/* What is wrong with the inputs. */
typedef struct {
    remit_plugin_types_problem_t *ptr;
    size_t len;
} remit_problems;

/* What has come of the work so far. */
typedef struct {
    remit_text summary, outputs;
    remit_plugin_types_artifact_t *artifacts;
    size_t artifact_count;
    remit_plugin_types_failure_t failure;
} remit_done;

typedef remit_plugin_types_context_t remit_context;

/* Names one thing that is wrong with the inputs; `path` is a JSON pointer. */
void remit_problem(remit_problems *problems, const char *path, const char *code,
                   const char *message);

/* What a pattern is. `src/pattern.c` defines exactly one, called `remit_pattern_plugin`. Id, version
 * and title come from remit-plugin.toml. */
typedef struct {
    const char *inputs;  /* JSON Schema; NULL accepts anything */
    const char *outputs; /* JSON Schema; NULL promises nothing */
    /* What the schema cannot say; NULL if nothing. */
    void (*validate)(const remit_json *inputs, remit_problems *problems);
    /* Does the work: fills `done` and returns true, or returns what a remit_fail function did. */
    bool (*execute)(const remit_json *inputs, const remit_context *context, remit_done *done);
} remit_pattern;
extern const remit_pattern remit_pattern_plugin;

#ifdef REMIT_ADAPTER
/* What an adapter is. `src/adapter.c` defines exactly one, called `remit_adapter_plugin`. */
typedef struct {
    const char *inputs; /* JSON Schema; NULL accepts anything */
    exports_remit_plugin_adapter_safety_tier_t safety_tier;
    uint32_t max_parallel; /* 0 means 1 */
    uint64_t timeout_ms;   /* 0 means a minute */
    /* What is missing on this machine; NULL if nothing can be. */
    void (*validate_config)(remit_problems *problems);
    void (*validate)(const remit_json *inputs, remit_problems *problems);
    /* Fills `done`: the summary becomes the report's output, the outputs its details. False means
     * that the tool was not reached; `*success` says whether it did what was asked. */
    bool (*execute)(const remit_json *inputs, const remit_context *context, remit_done *done,
                    bool *success);
} remit_adapter;
extern const remit_adapter remit_adapter_plugin;
#endif

/* One line for people, and a JSON object that follows the schema of the outputs. */
void remit_finish(remit_done *done, const char *summary, const char *outputs);
/* Names a file that the work produced; `description` may be NULL. */
void remit_artifact(remit_done *done, const char *path, const char *media_type,
                    const char *description);
/* The same, and announces it at once to people who watch. */
void remit_produced(remit_done *done, const char *path, const char *media_type,
                    const char *description);

/* Each records why there is no outcome and returns false. `hint` may be NULL. */
bool remit_fail(remit_done *done, const char *code, const char *message, const char *hint);
bool remit_rejected(remit_done *done, const char *reason);
bool remit_unavailable(remit_done *done, const char *what);
/* The failure that fits an error of the host, as the Rust SDK has it. */
bool remit_fail_process(remit_done *done, const remit_plugin_process_process_error_t *error);
bool remit_fail_state(remit_done *done, const remit_plugin_state_state_error_t *error);

/* ---- telling people ----------------------------------------------------------------------- */

void remit_step(const char *name);
void remit_percent(unsigned percent);
void remit_debug(const char *message);
void remit_info(const char *message);
void remit_warn(const char *message);
void remit_error(const char *message);
/* A line with fields, a JSON object. */
void remit_log(remit_plugin_progress_level_t level, const char *message, const char *fields);

/* ---- tools -------------------------------------------------------------------------------- */

typedef remit_plugin_process_call_t remit_call;
typedef remit_plugin_process_process_error_t remit_process_error;

/* A call with nothing filled in: no input, no limits of its own. */
remit_call remit_call_of(const char *tool, const char *template_name);
/* Fills a slot with one value. */
void remit_slot(remit_call *call, const char *name, const char *value);

/* Runs a tool and hands each line of its output to `each`. False: it was not started, see `error`. */
bool remit_lines(remit_call *call, void (*each)(remit_text line, bool is_stdout, void *with),
                 void *with, remit_plugin_process_exit_t *exit, remit_process_error *error);
/* The end of a sentence that begins with the tool: `exited with code 1`. */
char *remit_describe_exit(remit_plugin_process_exit_t exit);

/* ---- files and values that last ------------------------------------------------------------ */

/* Where the workspace is in the plugin's file system; NULL if no directory was granted. */
const char *remit_workspace(void);
/* A path in it. */
char *remit_path(const char *relative);
/* A whole file as a C string; NULL if it cannot be read, and `errno` says why. */
char *remit_read(const char *relative);
/* Creates a file or replaces its content; false and `errno` if that is not possible. */
bool remit_write(const char *relative, const char *text);

/* The value of a key of this plugin in this workspace, parsed; NULL in `value` if there is none. */
bool remit_state_get(const char *key, const remit_json **value,
                     remit_plugin_state_state_error_t *error);
/* Stores a JSON text. */
bool remit_state_set(const char *key, const char *json, remit_plugin_state_state_error_t *error);

#endif
