/* The lines that console writes: one call, one `write`. The common case, plain strings and numbers, is done here;
   everything else is formatted by the library. */
#include <string.h>
#include "guest.h"

static JSValue format; /* the library's format(...values) -> string */
static uint32_t indentation; /* of console.group, in spaces */

enum { MAX_INDENTATION = 64 };

static bool is_plain(JSValueConst value)
{
    int tag = JS_VALUE_GET_NORM_TAG(value);
    /* A double may be -0, which String() would lose. */
    return JS_IsString(value) || tag == JS_TAG_INT || tag == JS_TAG_BOOL || tag == JS_TAG_NULL ||
           tag == JS_TAG_UNDEFINED || (tag == JS_TAG_FLOAT64 && JS_VALUE_GET_FLOAT64(value) != 0);
}

static bool all_plain(int argc, JSValueConst *argv)
{
    for (int i = 0; i < argc; i++) {
        if (!is_plain(argv[i]))
            return false;
    }
    if (argc < 2 || !JS_IsString(argv[0]))
        return true;
    size_t len;
    const char *first = JS_ToCStringLen(ctx, &len, argv[0]);
    bool plain = first && !memchr(first, '%', len);
    JS_FreeCString(ctx, first);
    return plain;
}

static int put_text(DynBuf *line, JSValueConst value)
{
    Text text = text_of(value);
    if (!text.bytes)
        return -1;
    const char *at = text.bytes, *end = at + text.len;
    while (indentation && at < end) {
        const char *newline = memchr(at, '\n', end - at);
        if (!newline)
            break;
        dbuf_put(line, at, newline + 1 - at);
        for (uint32_t i = 0; i < indentation; i++)
            dbuf_putc(line, ' ');
        at = newline + 1;
    }
    dbuf_put(line, at, end - at);
    text_free(text);
    return 0;
}

static JSValue write_line(int stream, int argc, JSValueConst *argv)
{
    DynBuf line;
    int failed = 0;
    buffer_init(&line);
    for (uint32_t i = 0; i < indentation; i++)
        dbuf_putc(&line, ' ');
    for (int i = 0; i < argc && !failed; i++) {
        if (i)
            dbuf_putc(&line, ' ');
        failed = put_text(&line, argv[i]);
    }
    dbuf_putc(&line, '\n');
    if (!failed && dbuf_error(&line)) {
        JS_ThrowOutOfMemory(ctx);
        failed = -1;
    }
    if (!failed)
        host_write(stream, (const char *)line.buf, line.size);
    dbuf_free(&line);
    return failed ? JS_EXCEPTION : JS_UNDEFINED;
}

/* console.log and its like; the magic is the stream. */
static JSValue log_values(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int stream)
{
    (void)context, (void)this_value;
    if (all_plain(argc, argv))
        return write_line(stream, argc, argv);
    JSValue text = JS_Call(ctx, format, JS_UNDEFINED, argc, argv);
    if (JS_IsException(text))
        return text;
    JSValue result = write_line(stream, 1, (JSValueConst *)&text);
    JS_FreeValue(ctx, text);
    return result;
}

/* native.indent(steps): console.group and groupEnd */
static JSValue indent(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)magic;
    int32_t steps;
    if (argc < 1 || JS_ToInt32(ctx, &steps, argv[0]))
        return JS_EXCEPTION;
    int32_t wanted = (int32_t)indentation + 2 * steps;
    indentation = wanted < 0 ? 0 : wanted > MAX_INDENTATION ? MAX_INDENTATION : (uint32_t)wanted;
    return JS_UNDEFINED;
}

/* native.onFormat(format) */
static JSValue on_format(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)argc;
    JSValue *into = magic ? &inspect : &format;
    JS_FreeValue(ctx, *into);
    *into = JS_DupValue(ctx, argv[0]);
    return JS_UNDEFINED;
}

/* native.kindOf(object): the name of the engine's class, which the object cannot fake */
static JSValue kind_of(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)argc, (void)magic;
    /* The engine calls its class `Object`. */
    if (JS_IsProxy(argv[0]))
        return JS_NewString(ctx, "Proxy");
    JSAtom name = JS_GetClassName(rt, JS_GetClassID(argv[0]));
    JSValue kind = JS_AtomToString(ctx, name);
    JS_FreeAtom(ctx, name);
    return kind;
}

static JSValue entries(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)argc, (void)magic;
    return engine_entries(argv[0]);
}

/* native.promiseState(promise) -> [0 pending | 1 fulfilled | 2 rejected, result] */
static JSValue promise_state(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)argc, (void)magic;
    JSPromiseStateEnum state = JS_PromiseState(ctx, argv[0]);
    JSValue pair[2] = {JS_NewInt32(ctx, state), JS_PromiseResult(ctx, argv[0])};
    return JS_NewArrayFrom(ctx, 2, pair);
}

int console_setup(JSValueConst native)
{
    static const struct { const char *name; int stream; } METHODS[] = {
        {"log", 1}, {"info", 1}, {"debug", 1}, {"warn", 2}, {"error", 2},
    };
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue console = JS_NewObject(ctx);
    int failed = JS_IsException(console);
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS && !failed; i++)
        failed = define_function(console, METHODS[i].name, log_values, 0, METHODS[i].stream);
    failed = failed || define_hidden(global, "console", console) || define_function(native, "indent", indent, 1, 0) ||
             define_function(native, "onFormat", on_format, 1, 0) || define_function(native, "onInspect", on_format, 1, 1) ||
             define_function(native, "kindOf", kind_of, 1, 0) || define_function(native, "entries", entries, 1, 0) ||
             define_function(native, "promiseState", promise_state, 1, 0);
    JS_FreeValue(ctx, global);
    return failed ? -1 : 0;
}
