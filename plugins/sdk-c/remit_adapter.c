/* The functions that an adapter exports, over `remit_adapter_plugin` of src/adapter.c.
 *
 * Never: anything of the plugin's own.
 */
#include <string.h>

#include "manifest.h"
#include "remit.h"

#define MINUTE_MS 60000

void exports_remit_plugin_adapter_describe(exports_remit_plugin_adapter_capabilities_t *ret)
{
    const remit_adapter *plugin = &remit_adapter_plugin;
    memset(ret, 0, sizeof *ret);
    ret->id = remit_owned(REMIT_ID);
    ret->version = remit_owned(REMIT_VERSION);
    ret->title = remit_owned(REMIT_TITLE);
    ret->max_parallel = plugin->max_parallel ? plugin->max_parallel : 1;
    ret->timeout_ms = plugin->timeout_ms ? plugin->timeout_ms : MINUTE_MS;
    ret->safety_tier = plugin->safety_tier;
    ret->input_schema = remit_owned(plugin->inputs ? plugin->inputs : "{}");
}

void exports_remit_plugin_adapter_validate_config(exports_remit_plugin_adapter_list_problem_t *ret)
{
    remit_problems problems = {NULL, 0};
    if (remit_adapter_plugin.validate_config) remit_adapter_plugin.validate_config(&problems);
    ret->ptr = problems.ptr;
    ret->len = problems.len;
}

void exports_remit_plugin_adapter_validate_inputs(remit_text *inputs,
                                                  exports_remit_plugin_adapter_list_problem_t *ret)
{
    remit_problems problems = {NULL, 0};
    const remit_json *read = remit_parse(*inputs);
    if (!read) remit_problem(&problems, "", "type", "this is no JSON that can be read");
    else if (remit_adapter_plugin.validate) remit_adapter_plugin.validate(read, &problems);
    ret->ptr = problems.ptr;
    ret->len = problems.len;
}

bool exports_remit_plugin_adapter_execute(exports_remit_plugin_adapter_context_t *context,
                                          exports_remit_plugin_adapter_report_t *ret,
                                          exports_remit_plugin_adapter_failure_t *err)
{
    remit_done done;
    memset(&done, 0, sizeof done);
    bool success = true;
    uint64_t began = remit_plugin_clock_monotonic_ns();
    const remit_json *inputs = remit_parse(context->inputs);
    bool good = inputs ? remit_adapter_plugin.execute(inputs, context, &done, &success)
                       : remit_fail(&done, "type", "the inputs are no JSON that can be read", NULL);
    if (!good) {
        *err = done.failure;
        return false;
    }
    memset(ret, 0, sizeof *ret);
    ret->success = success;
    ret->output = done.summary.ptr ? done.summary : remit_owned("");
    ret->details = done.outputs.ptr ? done.outputs : remit_owned("{}");
    ret->duration_ms = (double)(remit_plugin_clock_monotonic_ns() - began) / 1e6;
    ret->artifacts.ptr = done.artifacts;
    ret->artifacts.len = done.artifact_count;
    return true;
}
