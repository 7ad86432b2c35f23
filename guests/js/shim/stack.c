/* `error.stack`: a header line, then the frames of the program at the positions the user wrote.
   The engine stores the raw frames when an error is made; they are translated when `stack` is first read. */
#include <string.h>
#include "guest.h"

static JSValue error_to_string; /* the original Error.prototype.toString */

static bool starts_with(const char *at, const char *end, const char *prefix)
{
    size_t len = strlen(prefix);
    return (size_t)(end - at) >= len && !memcmp(at, prefix, len);
}

static void put_header(DynBuf *text, JSValueConst error)
{
    JSValue header = JS_Call(ctx, error_to_string, error, 0, NULL);
    size_t len;
    const char *bytes = JS_IsException(header) ? NULL : JS_ToCStringLen(ctx, &len, header);
    if (bytes) {
        dbuf_put(text, bytes, len);
        JS_FreeCString(ctx, bytes);
    } else {
        JS_FreeValue(ctx, JS_GetException(ctx));
        dbuf_putstr(text, "Error");
    }
    JS_FreeValue(ctx, header);
}

static uint32_t read_number(const char **at, const char *end)
{
    uint32_t number = 0;
    while (*at < end && **at >= '0' && **at <= '9')
        number = number * 10 + (uint32_t)(*(*at)++ - '0');
    return number;
}

/* The last occurrence of `wanted` in a frame's line: a function's name may hold anything. */
static const char *find_last(const char *line, const char *end, const char *wanted)
{
    size_t len = strlen(wanted);
    for (const char *at = end - len; at >= line; at--) {
        if (!memcmp(at, wanted, len))
            return at;
    }
    return NULL;
}

static void put_frame(DynBuf *text, const char *line, const char *end)
{
    if (find_last(line, end, "(" LIBRARY_FILE_PREFIX))
        return;
    dbuf_putc(text, '\n');
    const char *file = find_last(line, end, PROGRAM_FILE ":");
    if (!file) {
        dbuf_put(text, line, end - line);
        return;
    }
    const char *at = file + sizeof(PROGRAM_FILE ":") - 1;
    uint32_t raw_line = read_number(&at, end), source_line, source_column;
    uint32_t raw_column = at < end && *at == ':' ? (at++, read_number(&at, end)) : 1;
    dbuf_put(text, line, file - line);
    if (position_of(raw_line, raw_column, &source_line, &source_column))
        dbuf_printf(text, PROGRAM_FILE ":%u:%u", source_line, source_column);
    else
        dbuf_putstr(text, PROGRAM_FILE);
    dbuf_put(text, at, end - at);
}

/* A new string for the raw frames of `error`; takes them. */
static JSValue translate(JSValueConst error, JSValue raw)
{
    size_t len = 0;
    /* The engine stores null when it had no memory for the frames. */
    const char *frames = JS_IsNull(raw) ? NULL : JS_ToCStringLen(ctx, &len, raw);
    if (!frames && !JS_IsNull(raw))
        return JS_EXCEPTION;
    JS_FreeValue(ctx, raw);
    DynBuf text;
    buffer_init(&text);
    put_header(&text, error);
    const char *end = frames + len;
    for (const char *line = frames; line < end;) {
        const char *line_end = memchr(line, '\n', end - line);
        if (!line_end)
            line_end = end;
        put_frame(&text, line, line_end);
        line = line_end + 1;
    }
    JS_FreeCString(ctx, frames);
    return buffer_end(&text);
}

static bool is_raw(JSValueConst stack)
{
    if (!JS_IsString(stack))
        return JS_IsNull(stack);
    size_t len;
    const char *bytes = JS_ToCStringLen(ctx, &len, stack);
    bool raw = bytes && (!len || starts_with(bytes, bytes + len, "    at "));
    JS_FreeCString(ctx, bytes);
    return raw;
}

static JSValue get_stack(JSContext *context, JSValueConst this_value)
{
    (void)context;
    JSValue stack = engine_raw_stack(this_value);
    if (!is_raw(stack))
        return stack;
    stack = translate(this_value, stack);
    if (!JS_IsException(stack))
        engine_set_raw_stack(this_value, JS_DupValue(ctx, stack));
    return stack;
}

/* Called by the patched engine for a stack that becomes an own property, which no getter can translate later. */
JSValue conduit_own_stack(JSValueConst error, JSValue stack)
{
    if (!started || !is_raw(stack))
        return stack;
    stack = translate(error, stack);
    if (!JS_IsException(stack))
        return stack;
    JS_FreeValue(ctx, JS_GetException(ctx));
    return JS_NULL;
}

bool stack_position(JSValueConst stack, uint32_t *line, uint32_t *column)
{
    size_t len;
    const char *bytes = JS_ToCStringLen(ctx, &len, stack);
    const char *at = bytes, *end = bytes + len, *file = NULL;
    while (at && at < end && !file) {
        const char *line_end = memchr(at, '\n', end - at);
        if (!line_end)
            line_end = end;
        if (starts_with(at, line_end, "    at "))
            file = find_last(at, line_end, PROGRAM_FILE ":");
        at = line_end + 1;
    }
    bool found = false;
    if (file) {
        file += sizeof(PROGRAM_FILE ":") - 1;
        *line = read_number(&file, end);
        found = *line && file < end && *file++ == ':' && (*column = read_number(&file, end));
    }
    JS_FreeCString(ctx, bytes);
    return found;
}

int stack_setup(void)
{
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue error_class = JS_GetPropertyStr(ctx, global, "Error");
    JSValue prototype = JS_GetPropertyStr(ctx, error_class, "prototype");
    error_to_string = JS_GetPropertyStr(ctx, prototype, "toString");
    /* It would hand out positions of the compiled program. */
    JSAtom prepare = JS_NewAtom(ctx, "prepareStackTrace");
    int failed = JS_DeleteProperty(ctx, error_class, prepare, 0) != 1;
    JS_FreeAtom(ctx, prepare);
    JSPropertyDescriptor accessor;
    failed = failed || JS_GetOwnProperty(ctx, &accessor, prototype, engine_atom_stack()) != 1;
    if (!failed) {
        JS_FreeValue(ctx, accessor.getter);
        JS_FreeValue(ctx, accessor.value);
        JSCFunctionType getter = {.getter = get_stack};
        accessor.getter = JS_NewCFunction2(ctx, getter.generic, "get stack", 0, JS_CFUNC_getter, 0);
        failed = JS_DefinePropertyGetSet(ctx, prototype, engine_atom_stack(), accessor.getter, accessor.setter,
                                         JS_PROP_CONFIGURABLE) < 0;
    }
    JS_FreeValue(ctx, prototype);
    JS_FreeValue(ctx, error_class);
    JS_FreeValue(ctx, global);
    return failed ? -1 : 0;
}
