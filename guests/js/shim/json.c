/* Text and JSON that leave the guest: UTF-8 and JSON as strict parsers want them. */
#include <string.h>
#include "guest.h"

static const Text NO_TEXT = {NULL, 0};

/* The engine's UTF-8 keeps a lone surrogate as three bytes (ED A0..BF xx): U+FFFD has the same length. */
static char *next_surrogate(char *at, char *end)
{
    while (at < end && (at = memchr(at, 0xed, end - at))) {
        if (end - at >= 3 && (uint8_t)at[1] >= 0xa0)
            return at;
        at++;
    }
    return NULL;
}

Text text_of(JSValueConst value)
{
    Text text;
    text.bytes = JS_ToCStringLen(ctx, &text.len, value);
    if (!text.bytes)
        return NO_TEXT;
    /* A string with a surrogate is not ASCII, so the engine has made these bytes for this call alone. */
    char *end = (char *)text.bytes + text.len;
    for (char *at = next_surrogate((char *)text.bytes, end); at; at = next_surrogate(at, end))
        memcpy(at, "\xef\xbf\xbd", 3);
    return text;
}

void text_free(Text text)
{
    JS_FreeCString(ctx, text.bytes);
}

static void *grow(void *opaque, void *bytes, size_t size)
{
    (void)opaque;
    return js_realloc_rt(rt, bytes, size);
}

void buffer_init(DynBuf *buffer)
{
    dbuf_init2(buffer, NULL, grow);
}

JSValue buffer_end(DynBuf *buffer)
{
    JSValue string = dbuf_error(buffer) ? JS_ThrowOutOfMemory(ctx)
                                        : JS_NewStringLen(ctx, (const char *)buffer->buf, buffer->size);
    dbuf_free(buffer);
    return string;
}

/* Takes a fresh JSON string. Strict parsers refuse the escape of a lone surrogate, so it becomes \ufffd in place. */
static Text text_of_json(JSValue json)
{
    Text text = text_of(json);
    JS_FreeValue(ctx, json);
    if (!text.bytes)
        return text;
    char *end = (char *)text.bytes + text.len;
    for (char *at = memchr(text.bytes, '\\', text.len); at && end - at >= 2; at = memchr(at, '\\', end - at)) {
        if (end - at >= 6 && at[1] == 'u' && at[2] == 'd' && at[3] >= '8')
            memcpy(at + 2, "fffd", 4);
        at += 2;
    }
    return text;
}

/* Says what to do about it where the engine says only that it cannot. */
static Text explain(const char *what)
{
    JSValue error = JS_GetException(ctx);
    JSValue message = JS_IsError(error) ? JS_GetPropertyStr(ctx, error, "message") : JS_UNDEFINED;
    const char *text = JS_IsString(message) ? JS_ToCString(ctx, message) : NULL;
    if (text && !strcmp(text, "circular reference"))
        JS_ThrowTypeError(ctx, "%s contains a cycle, which JSON cannot express", what);
    else if (text && !strcmp(text, "BigInt are forbidden in JSON.stringify"))
        JS_ThrowTypeError(ctx, "%s contains a BigInt: convert it with String(value) or Number(value)", what);
    else
        JS_Throw(ctx, JS_DupValue(ctx, error));
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, message);
    JS_FreeValue(ctx, error);
    return NO_TEXT;
}

Text json_of_arguments(JSValueConst value)
{
    JSValue json = JS_JSONStringify(ctx, value, JS_UNDEFINED, JS_UNDEFINED);
    if (JS_IsException(json))
        return explain("the tool's argument");
    return text_of_json(json);
}

static JSValue replacer, map_constructor, map_get, map_set;
static JSValue arrays; /* of the result being converted: Map or Set -> its one array, so that cycles are seen */

static JSValue array_of(JSValueConst collection)
{
    if (JS_IsUndefined(arrays)) {
        arrays = JS_CallConstructor(ctx, map_constructor, 0, NULL);
        if (JS_IsException(arrays)) {
            arrays = JS_UNDEFINED;
            return JS_EXCEPTION;
        }
    }
    JSValue array = JS_Call(ctx, map_get, arrays, 1, &collection);
    if (!JS_IsUndefined(array))
        return array;
    array = engine_entries(collection);
    if (JS_IsException(array))
        return array;
    JSValueConst entry[2] = {collection, array};
    JSValue set = JS_Call(ctx, map_set, arrays, 2, entry);
    if (JS_IsException(set)) {
        JS_FreeValue(ctx, array);
        return set;
    }
    JS_FreeValue(ctx, set);
    return array;
}

static JSValue replace(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv)
{
    (void)context, (void)this_value, (void)argc;
    if (JS_IsBigInt(argv[1]))
        return JS_ToString(ctx, argv[1]);
    if (JS_IsMap(argv[1]) || JS_IsSet(argv[1]))
        return array_of(argv[1]);
    return JS_DupValue(ctx, argv[1]);
}

Text json_of_result(JSValueConst value)
{
    JSValue json = JS_IsUndefined(value) ? JS_UNDEFINED : JS_JSONStringify(ctx, value, replacer, JS_UNDEFINED);
    JS_FreeValue(ctx, arrays);
    arrays = JS_UNDEFINED;
    if (JS_IsException(json))
        return explain("the program's result");
    if (JS_IsUndefined(json))
        json = JS_NewString(ctx, "null");
    return JS_IsException(json) ? NO_TEXT : text_of_json(json);
}

int json_setup(void)
{
    arrays = JS_UNDEFINED;
    replacer = JS_NewCFunction(ctx, replace, "", 2);
    JSValue global = JS_GetGlobalObject(ctx);
    map_constructor = JS_GetPropertyStr(ctx, global, "Map");
    JSValue prototype = JS_GetPropertyStr(ctx, map_constructor, "prototype");
    map_get = JS_GetPropertyStr(ctx, prototype, "get");
    map_set = JS_GetPropertyStr(ctx, prototype, "set");
    JS_FreeValue(ctx, prototype);
    JS_FreeValue(ctx, global);
    return JS_IsFunction(ctx, replacer) && JS_IsFunction(ctx, map_set) ? 0 : -1;
}
