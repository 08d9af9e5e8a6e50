/* JSON (RFC 8259) in: a tree that lives as long as the instance.
 *
 * Never: a text that is no JSON taken for one.
 */
#include <stdlib.h>
#include <string.h>

#include "remit.h"

/* Enough for any input, small beside the stack. */
#define MAX_DEPTH 64

typedef struct {
    const uint8_t *at, *end;
    bool bad;
} reader;

static void *room(size_t count, size_t size)
{
    void *found = calloc(count ? count : 1, size);
    if (!found) abort();
    return found;
}

static void *more_room(void *old, size_t count, size_t size)
{
    void *found = realloc(old, count * size);
    if (!found) abort();
    return found;
}

static void space(reader *in)
{
    while (in->at < in->end && strchr(" \t\r\n", *in->at) && *in->at) in->at++;
}

static bool take(reader *in, char wanted)
{
    space(in);
    if (in->at >= in->end || *in->at != (uint8_t)wanted) return false;
    in->at++;
    return true;
}

static unsigned hex(reader *in)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        char digit = in->at < in->end ? (char)*in->at++ : 0;
        if (digit >= '0' && digit <= '9') value = value * 16 + (unsigned)(digit - '0');
        else if (digit >= 'a' && digit <= 'f') value = value * 16 + (unsigned)(digit - 'a') + 10;
        else if (digit >= 'A' && digit <= 'F') value = value * 16 + (unsigned)(digit - 'A') + 10;
        else in->bad = true;
    }
    return value;
}

static size_t put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 63));
        out[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 63));
    out[2] = (char)(0x80 | (code >> 6 & 63));
    out[3] = (char)(0x80 | (code & 63));
    return 4;
}

/* What stands after a backslash. */
static size_t escape(reader *in, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char letter = in->at < in->end ? (char)*in->at++ : 0;
    const char *known = letter ? strchr(from, letter) : NULL;
    if (known) {
        out[0] = to[known - from];
        return 1;
    }
    if (letter != 'u') {
        in->bad = true;
        return 0;
    }
    unsigned code = hex(in);
    if (code >= 0xd800 && code < 0xdc00 && in->end - in->at >= 6 && in->at[0] == '\\' &&
        in->at[1] == 'u') {
        in->at += 2;
        unsigned low = hex(in);
        if (low < 0xdc00 || low > 0xdfff) in->bad = true;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xd800 && code <= 0xdfff) {
        in->bad = true;
    }
    return put_utf8(out, code);
}

static char *string(reader *in, size_t *length)
{
    if (!take(in, '"')) {
        in->bad = true;
        return NULL;
    }
    /* No escape makes a text longer than it is written. */
    char *out = room((size_t)(in->end - in->at) + 4, 1);
    size_t size = 0;
    while (!in->bad) {
        if (in->at >= in->end || *in->at < 0x20) {
            in->bad = true;
        } else if (*in->at == '"') {
            in->at++;
            break;
        } else if (*in->at == '\\') {
            in->at++;
            size += escape(in, out + size);
        } else {
            out[size++] = (char)*in->at++;
        }
    }
    out[size] = 0;
    out = more_room(out, size + 1, 1);
    if (length) *length = size;
    return out;
}

static remit_json *value(reader *in, int depth);

static void items(reader *in, remit_json *into, char closing, int depth)
{
    size_t size = 0;
    if (take(in, closing)) return;
    do {
        if (into->length == size) {
            size = size ? size * 2 : 8;
            into->items = more_room(into->items, size, sizeof *into->items);
            into->keys = more_room(into->keys, size, sizeof *into->keys);
        }
        into->keys[into->length] = NULL;
        if (into->kind == REMIT_OBJECT) {
            space(in);
            into->keys[into->length] = string(in, NULL);
            if (!take(in, ':')) in->bad = true;
        }
        into->items[into->length++] = value(in, depth + 1);
    } while (!in->bad && take(in, ','));
    if (!take(in, closing)) in->bad = true;
}

static bool word(reader *in, const char *wanted)
{
    size_t length = strlen(wanted);
    if ((size_t)(in->end - in->at) < length || memcmp(in->at, wanted, length)) return false;
    in->at += length;
    return true;
}

static void number(reader *in, remit_json *into)
{
    char digits[64];
    size_t length = 0;
    while (in->at < in->end && length + 1 < sizeof digits && *in->at &&
           strchr("+-.0123456789eE", *in->at))
        digits[length++] = (char)*in->at++;
    digits[length] = 0;
    char *end;
    into->kind = REMIT_NUMBER;
    into->number = strtod(digits, &end);
    if (!length || *end || digits[0] == '+' || digits[0] == '.') in->bad = true;
}

static remit_json *value(reader *in, int depth)
{
    remit_json *found = room(1, sizeof *found);
    space(in);
    if (depth > MAX_DEPTH || in->at >= in->end) {
        in->bad = true;
    } else if (take(in, '{')) {
        found->kind = REMIT_OBJECT;
        items(in, found, '}', depth);
    } else if (take(in, '[')) {
        found->kind = REMIT_ARRAY;
        items(in, found, ']', depth);
    } else if (*in->at == '"') {
        found->kind = REMIT_STRING;
        found->text = string(in, &found->length);
    } else if (word(in, "true") || word(in, "false")) {
        found->kind = REMIT_BOOL;
        found->boolean = in->at[-2] == 'u';
    } else if (!word(in, "null")) {
        number(in, found);
    }
    return found;
}

const remit_json *remit_parse(remit_text text)
{
    reader in = {text.ptr, text.ptr + text.len, false};
    const remit_json *found = value(&in, 0);
    space(&in);
    return in.bad || in.at != in.end ? NULL : found;
}

const remit_json *remit_get(const remit_json *object, const char *key)
{
    if (!object || object->kind != REMIT_OBJECT) return NULL;
    for (size_t i = object->length; i-- > 0;)
        if (!strcmp(object->keys[i], key)) return object->items[i];
    return NULL;
}

const char *remit_get_string(const remit_json *object, const char *key, const char *otherwise)
{
    const remit_json *found = remit_get(object, key);
    return found && found->kind == REMIT_STRING ? found->text : otherwise;
}

double remit_get_number(const remit_json *object, const char *key, double otherwise)
{
    const remit_json *found = remit_get(object, key);
    return found && found->kind == REMIT_NUMBER ? found->number : otherwise;
}

bool remit_get_bool(const remit_json *object, const char *key, bool otherwise)
{
    const remit_json *found = remit_get(object, key);
    return found && found->kind == REMIT_BOOL ? found->boolean : otherwise;
}

char *remit_quote(const char *text)
{
    static const char digits[] = "0123456789abcdef";
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    char *out = room(strlen(text) * 6 + 3, 1), *at = out;
    *at++ = '"';
    for (; *text; text++) {
        const char *known = strchr(from, *text);
        if (known) {
            *at++ = '\\';
            *at++ = to[known - from];
        } else if ((unsigned char)*text < 0x20) {
            memcpy(at, "\\u00", 4);
            at[4] = digits[*text >> 4];
            at[5] = digits[*text & 15];
            at += 6;
        } else {
            *at++ = *text;
        }
    }
    *at = '"';
    return out;
}
