/* The functions that a pattern exports, over `remit_pattern_plugin` of src/pattern.c.
 *
 * Never: anything of the plugin's own.
 */
#include <string.h>

#include "manifest.h"
#include "remit.h"

void exports_remit_plugin_pattern_describe(exports_remit_plugin_pattern_descriptor_t *ret)
{
    const remit_pattern *plugin = &remit_pattern_plugin;
    ret->id = remit_owned(REMIT_ID);
    ret->version = remit_owned(REMIT_VERSION);
    ret->title = remit_owned(REMIT_TITLE);
    ret->input_schema = remit_owned(plugin->inputs ? plugin->inputs : "{}");
    ret->output_schema = remit_owned(plugin->outputs ? plugin->outputs : "{}");
}

void exports_remit_plugin_pattern_validate_inputs(remit_text *inputs,
                                                  exports_remit_plugin_pattern_list_problem_t *ret)
{
    remit_problems problems = {NULL, 0};
    const remit_json *read = remit_parse(*inputs);
    if (!read) remit_problem(&problems, "", "type", "this is no JSON that can be read");
    else if (remit_pattern_plugin.validate) remit_pattern_plugin.validate(read, &problems);
    ret->ptr = problems.ptr;
    ret->len = problems.len;
}

bool exports_remit_plugin_pattern_execute(exports_remit_plugin_pattern_context_t *context,
                                          exports_remit_plugin_pattern_outcome_t *ret,
                                          exports_remit_plugin_pattern_failure_t *err)
{
    remit_done done;
    memset(&done, 0, sizeof done);
    const remit_json *inputs = remit_parse(context->inputs);
    bool good = inputs ? remit_pattern_plugin.execute(inputs, context, &done)
                       : remit_fail(&done, "type", "the inputs are no JSON that can be read", NULL);
    if (!good) {
        *err = done.failure;
        return false;
    }
    ret->summary = done.summary.ptr ? done.summary : remit_owned("done");
    ret->outputs = done.outputs.ptr ? done.outputs : remit_owned("{}");
    ret->artifacts.ptr = done.artifacts;
    ret->artifacts.len = done.artifact_count;
    return true;
}
