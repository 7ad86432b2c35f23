/* The natives behind TextEncoder, TextDecoder, crypto and performance. */
#include <string.h>
#include "guest.h"

enum { RANDOM_QUOTA = 65536 };

static int64_t origin; /* of performance.now(): the start of the run */

void web_start(void)
{
    origin = host_now();
}

static JSValue performance_now(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)argc, (void)argv, (void)magic;
    return JS_NewFloat64(ctx, (double)(host_now() - origin) / 1e6);
}

static JSValue time_origin(JSContext *context, JSValueConst this_value)
{
    (void)context, (void)this_value;
    return JS_NewFloat64(ctx, (double)origin / 1e6);
}

/* The bytes of a view; NULL with an exception when it is none or its buffer is gone. */
static uint8_t *bytes_of(JSValueConst view, size_t *len)
{
    size_t offset, element, size;
    JSValue buffer = JS_GetTypedArrayBuffer(ctx, view, &offset, len, &element);
    if (JS_IsException(buffer))
        return NULL;
    uint8_t *bytes = JS_GetArrayBuffer(ctx, &size, buffer);
    JS_FreeValue(ctx, buffer);
    if (!bytes || offset > size || *len > size - offset) {
        if (!JS_HasException(ctx))
            JS_ThrowTypeError(ctx, "the array's buffer is detached");
        return NULL;
    }
    return bytes + offset;
}

static JSValue get_random_values(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)magic;
    int type = argc ? JS_GetTypedArrayType(argv[0]) : -1;
    if (type < 0 || type >= JS_TYPED_ARRAY_FLOAT16)
        return JS_ThrowDOMException(ctx, "TypeMismatchError", "getRandomValues takes an array of integers");
    size_t len;
    uint8_t *bytes = bytes_of(argv[0], &len);
    if (!bytes && len)
        return JS_EXCEPTION;
    if (len > RANDOM_QUOTA)
        return JS_ThrowDOMException(ctx, "QuotaExceededError", "getRandomValues gives at most %d bytes", RANDOM_QUOTA);
    if (len)
        host_random(bytes, len);
    return JS_DupValue(ctx, argv[0]);
}

static JSValue random_uuid(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)argc, (void)argv, (void)magic;
    static const char DIGITS[] = "0123456789abcdef";
    uint8_t bytes[16];
    char text[36], *at = text;
    host_random(bytes, sizeof bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = DIGITS[bytes[i] >> 4];
        *at++ = DIGITS[bytes[i] & 15];
    }
    return JS_NewStringLen(ctx, text, sizeof text);
}

/* native.encode(string) -> Uint8Array */
static JSValue encode(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)argc, (void)magic;
    Text text = text_of(argv[0]);
    if (!text.bytes)
        return JS_EXCEPTION;
    JSValue array = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text.bytes, text.len);
    text_free(text);
    return array;
}

/* How many bytes the valid sequence at `at` has; 0 when there is none, `*bad` is then how many belong together. */
static size_t sequence_at(const uint8_t *at, size_t left, size_t *bad, bool *cut)
{
    uint8_t lead = *at, low = 0x80, high = 0xbf;
    size_t len = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3
               : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    *bad = 1;
    *cut = false;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    for (size_t i = 1; i < len; i++, low = 0x80, high = 0xbf) {
        if (i == left) {
            *cut = true;
            return 0;
        }
        if (at[i] < low || at[i] > high)
            return 0;
        *bad = i + 1;
    }
    return len;
}

/* native.decode(bytes, fatal, stream) -> [string, how many bytes at the end wait for more] */
static JSValue decode(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)argc, (void)magic;
    size_t len = 0, waiting = 0;
    const uint8_t *bytes = bytes_of(argv[0], &len);
    if (!bytes && len)
        return JS_EXCEPTION;
    int fatal = JS_ToBool(ctx, argv[1]), stream = JS_ToBool(ctx, argv[2]);
    DynBuf text;
    buffer_init(&text);
    for (size_t at = 0, bad; at < len;) {
        bool cut;
        size_t valid = sequence_at(bytes + at, len - at, &bad, &cut);
        if (valid) {
            dbuf_put(&text, bytes + at, valid);
            at += valid;
            continue;
        }
        if (cut && stream) {
            waiting = len - at;
            break;
        }
        if (fatal) {
            dbuf_free(&text);
            return JS_ThrowTypeError(ctx, "the bytes are not valid UTF-8");
        }
        dbuf_putstr(&text, "\xef\xbf\xbd");
        at += bad;
    }
    JSValue string = buffer_end(&text);
    if (JS_IsException(string))
        return string;
    JSValue pair[2] = {string, JS_NewUint32(ctx, (uint32_t)waiting)};
    return JS_NewArrayFrom(ctx, 2, pair);
}

int web_setup(JSValueConst native)
{
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue crypto = JS_NewObject(ctx), performance = JS_NewObject(ctx);
    JSCFunctionType getter = {.getter = time_origin};
    JSAtom time_origin_name = JS_NewAtom(ctx, "timeOrigin");
    int failed =
        define_function(crypto, "getRandomValues", get_random_values, 1, 0) ||
        define_function(crypto, "randomUUID", random_uuid, 0, 0) ||
        define_function(performance, "now", performance_now, 0, 0) ||
        JS_DefinePropertyGetSet(ctx, performance, time_origin_name,
                                JS_NewCFunction2(ctx, getter.generic, "get timeOrigin", 0, JS_CFUNC_getter, 0),
                                JS_UNDEFINED, JS_PROP_CONFIGURABLE | JS_PROP_ENUMERABLE) < 0 ||
        define_function(native, "encode", encode, 1, 0) || define_function(native, "decode", decode, 3, 0);
    failed = define_hidden(global, "crypto", crypto) || failed;
    failed = define_hidden(global, "performance", performance) || failed;
    JS_FreeAtom(ctx, time_origin_name);
    JS_FreeValue(ctx, global);
    return failed ? -1 : 0;
}
