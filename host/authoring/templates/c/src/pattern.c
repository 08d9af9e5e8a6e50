/* Greets someone. */
#include "remit.h"

static const char INPUTS[] =
    "{\"type\": \"object\", \"required\": [\"name\"], \"additionalProperties\": false,"
    " \"properties\": {\"name\": {\"type\": \"string\", \"description\": \"Who is greeted.\"}}}";
static const char OUTPUTS[] =
    "{\"type\": \"object\", \"required\": [\"greeting\"],"
    " \"properties\": {\"greeting\": {\"type\": \"string\"}}}";

static bool hello(const remit_json *inputs, const remit_context *context, remit_done *done)
{
    (void)context;
    char *greeting = remit_format("Hello, %s!", remit_get_string(inputs, "name", ""));
    if (!remit_write("hello.txt", greeting))
        return remit_fail(done, "not-written", "hello.txt cannot be written", NULL);
    remit_artifact(done, "hello.txt", "text/plain", NULL);
    remit_finish(done, greeting, remit_format("{\"greeting\": %s}", remit_quote(greeting)));
    return true;
}

const remit_pattern remit_pattern_plugin = {INPUTS, OUTPUTS, NULL, hello};
