/* The exports: one run from its envelope to its end. */
#include <stdlib.h>
#include <string.h>
#include "guest.h"

JSRuntime *rt;
JSContext *ctx;
bool started;
JSValue inspect;
Section program_source, program_mappings, upstream_names;

static Step step;
static JSValue program; /* the promise of the program */
static void *reserve; /* freed when the program has failed, so that an out-of-memory error can still be reported */

enum { RESERVE_BYTES = 64 * 1024 };

/* Promises rejected and not handled so far, oldest first. */
static struct Unhandled {
    JSValue promise, reason;
} *unhandled;
static uint32_t unhandled_count, unhandled_capacity;

static void track_rejection(JSContext *context, JSValueConst promise, JSValueConst reason, bool is_handled, void *opaque)
{
    (void)context, (void)opaque;
    if (!is_handled) {
        if (unhandled_count == unhandled_capacity) {
            uint32_t wanted = unhandled_capacity ? unhandled_capacity * 2 : 8;
            void *grown = js_realloc_rt(rt, unhandled, wanted * sizeof *unhandled);
            if (!grown)
                return;
            unhandled = grown;
            unhandled_capacity = wanted;
        }
        unhandled[unhandled_count++] =
            (struct Unhandled){JS_DupValue(ctx, promise), JS_DupValue(ctx, reason)};
        return;
    }
    for (uint32_t i = unhandled_count; i-- > 0;) {
        if (JS_VALUE_GET_PTR(unhandled[i].promise) != JS_VALUE_GET_PTR(promise))
            continue;
        struct Unhandled handled = unhandled[i];
        memmove(&unhandled[i], &unhandled[i + 1], (--unhandled_count - i) * sizeof *unhandled);
        JS_FreeValue(ctx, handled.promise);
        JS_FreeValue(ctx, handled.reason);
        return;
    }
}

static void import_refused(JSContext *context, const char *base, const char *file, JSValue token,
                           JSValueConst attributes, void *opaque)
{
    (void)context, (void)base, (void)attributes, (void)opaque;
    JSValue error = JS_NewTypeError(ctx, "cannot import `%s`: programs have no modules, only the globals and `tools`",
                                    file);
    JS_FinishDynamicImport(ctx, token, JS_EXCEPTION, error);
}

static Step *end_with(enum StepTag tag, Text text)
{
    step = (Step){.tag = tag, .text = text.bytes, .len = (uint32_t)text.len, .wake_at = -1};
    return &step;
}

/* A string property of a thrown value, whatever getters it has; undefined when there is none. */
static JSValue string_property(JSValueConst object, const char *name)
{
    JSValue value = JS_IsObject(object) ? JS_GetPropertyStr(ctx, object, name) : JS_UNDEFINED;
    if (JS_IsString(value))
        return value;
    if (JS_IsException(value))
        JS_FreeValue(ctx, JS_GetException(ctx));
    else
        JS_FreeValue(ctx, value);
    return JS_UNDEFINED;
}

/* As console shows the value; `otherwise`, which it takes, when that is impossible. */
static JSValue described(JSValueConst value, JSValue otherwise)
{
    JSValue text = JS_Call(ctx, inspect, JS_UNDEFINED, 1, &value);
    if (JS_IsException(text)) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        return otherwise;
    }
    JS_FreeValue(ctx, otherwise);
    return text;
}

static bool in_character(const char *at)
{
    return (*at & 0xc0) == 0x80;
}

/* Takes the text; of a longer one than `max` bytes, the beginning and the end stay. */
static int define_text(JSValueConst error, const char *key, JSValue value, size_t max)
{
    Text text = text_of(value);
    if (text.bytes && text.len > max) {
        const char *head = text.bytes + max / 2, *tail = text.bytes + text.len - max / 2;
        while (in_character(head))
            head--;
        while (in_character(tail))
            tail++;
        DynBuf cut;
        buffer_init(&cut);
        dbuf_put(&cut, text.bytes, head - text.bytes);
        dbuf_printf(&cut, "... %u bytes left out ...", (unsigned)(tail - head));
        dbuf_put(&cut, tail, text.bytes + text.len - tail);
        JS_FreeValue(ctx, value);
        value = buffer_end(&cut);
    }
    bool failed = !text.bytes || JS_IsException(value);
    text_free(text);
    return failed ? -1 : JS_DefinePropertyValueStr(ctx, error, key, value, JS_PROP_C_W_E);
}

static int define_number(JSValueConst error, const char *key, uint32_t value)
{
    return JS_DefinePropertyValueStr(ctx, error, key, JS_NewUint32(ctx, value), JS_PROP_C_W_E);
}

/* Ends the run with a thrown value, which it takes. */
static Step *fail_with(JSValue thrown)
{
    enum { MAX_NAME = 256, MAX_MESSAGE = 8 * 1024, MAX_STACK = 16 * 1024 };
    static const char NO_MEMORY[] = "{\"name\":\"InternalError\",\"message\":\"out of memory\","
                                    "\"stack\":\"InternalError: out of memory\",\"out_of_memory\":true}";
    static const Text OUT_OF_MEMORY = {NO_MEMORY, sizeof NO_MEMORY - 1};
    js_free_rt(rt, reserve);
    reserve = NULL;
    bool out_of_memory = engine_is_out_of_memory(thrown);
    JSValue name = string_property(thrown, "name");
    JSValue message = string_property(thrown, "message");
    JSValue stack = string_property(thrown, "stack");
    if (JS_IsUndefined(message) || (JS_IsUndefined(name) && !JS_IsError(thrown))) {
        JS_FreeValue(ctx, message);
        message = described(thrown, JS_NewString(ctx, "a value that cannot be described"));
    }
    if (JS_IsUndefined(name))
        name = JS_NewString(ctx, "Error");
    uint32_t line, column;
    bool placed = JS_IsString(stack) && stack_position(stack, &line, &column);
    if (JS_IsUndefined(stack))
        stack = JS_NewString(ctx, "");
    /* With its causes, the errors in it and its own fields. */
    if (JS_IsError(thrown))
        stack = described(thrown, stack);
    JSValue error = JS_NewObjectProto(ctx, JS_NULL);
    JS_FreeValue(ctx, thrown);
    if (JS_IsException(error) || define_text(error, "name", name, MAX_NAME) < 0 ||
        define_text(error, "message", message, MAX_MESSAGE) < 0 || define_text(error, "stack", stack, MAX_STACK) < 0 ||
        (placed && (define_number(error, "line", line) < 0 || define_number(error, "column", column) < 0)) ||
        (out_of_memory && JS_DefinePropertyValueStr(ctx, error, "out_of_memory", JS_TRUE, JS_PROP_C_W_E) < 0))
        return end_with(FAILED, OUT_OF_MEMORY);
    Text json = json_of_arguments(error);
    return end_with(FAILED, json.bytes ? json : OUT_OF_MEMORY);
}

static Step *fail(void)
{
    return fail_with(JS_GetException(ctx));
}

/* The end, when the run has come to it; NULL while there is something to wait for. */
static Step *end_of_run(void)
{
    JSPromiseStateEnum state = JS_PromiseState(ctx, program);
    if (state == JS_PROMISE_REJECTED)
        return fail_with(JS_PromiseResult(ctx, program));
    if (state != JS_PROMISE_FULFILLED || calls_pending())
        return NULL;
    if (unhandled_count)
        return fail_with(JS_DupValue(ctx, unhandled[0].reason));
    JSValue value = JS_PromiseResult(ctx, program);
    Text json = json_of_result(value);
    JS_FreeValue(ctx, value);
    return json.bytes ? end_with(DONE, json) : fail();
}

/* Runs microtasks until none is left; the end of the run, if they have brought it. */
static Step *run_jobs(void)
{
    JSContext *of_job;
    int result;
    while ((result = JS_ExecutePendingJob(rt, &of_job)) > 0) {
        if (JS_PromiseState(ctx, program) == JS_PROMISE_REJECTED)
            break;
    }
    return result < 0 ? fail() : end_of_run();
}

static Step *run(void)
{
    for (;;) {
        Step *end = run_jobs();
        if (end)
            return end;
        int fired = timers_fire_due();
        if (fired < 0)
            return fail();
        if (!fired)
            break;
    }
    step = (Step){.tag = WAITING, .wake_at = timers_next_due()};
    return &step;
}

static uint32_t read_u32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static Section next_section(const char **at)
{
    Section section = {*at + 4, read_u32(*at)};
    *at = section.text + section.len + 1;
    return section;
}

static Step *start_program(Section input)
{
    if (input.len != 4 || memcmp(input.text, "null", 4)) {
        JSValue global = JS_GetGlobalObject(ctx);
        JSValue value = JS_ParseJSON(ctx, input.text, input.len, "<input>");
        int failed = JS_IsException(value) || define_hidden(global, "input", value);
        JS_FreeValue(ctx, global);
        if (failed)
            return fail();
    }
    JSValue function = JS_EvalThis(ctx, JS_UNDEFINED, program_source.text, program_source.len, PROGRAM_FILE,
                                   JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_STRICT);
    if (JS_IsException(function))
        return fail();
    program = JS_Call(ctx, function, JS_UNDEFINED, 0, NULL);
    JS_FreeValue(ctx, function);
    if (JS_IsException(program))
        return fail();
    JS_PromiseMarkAsHandled(ctx, program);
    return run();
}

EXPORT("alloc") void *guest_alloc(uint32_t len)
{
    return malloc(len);
}

/* The envelope stays: positions are looked up in its program and mappings when an error's stack is read. */
EXPORT("start") Step *guest_start(const char *envelope, uint32_t len)
{
    (void)len;
    uint64_t seed;
    started = true;
    JS_UpdateStackTop(rt);
    host_random(&seed, sizeof seed);
    engine_seed(seed);
    web_start();
    program_source = next_section(&envelope);
    program_mappings = next_section(&envelope);
    Section input = next_section(&envelope);
    upstream_names = next_section(&envelope);
    return start_program(input);
}

EXPORT("resume") Step *guest_resume(char *completions, uint32_t len)
{
    JS_UpdateStackTop(rt);
    const char *at = completions, *stop = completions + len;
    Step *end = NULL;
    while (!end && at < stop) {
        int64_t id;
        memcpy(&id, at, sizeof id);
        uint32_t status = read_u32(at + 8), json_len = read_u32(at + 12);
        calls_complete(id, status, at + 16, json_len);
        at += 16 + json_len + 1;
        end = run_jobs();
    }
    free(completions);
    return end ? end : run();
}

/* Takes the free chunks between the snapshot's blocks, so that a run allocates above them, on neighbouring pages. */
static void fill_holes(void)
{
    char *top = malloc(1 << 20); /* no hole is this large */
    for (size_t size = 512 * 1024; size >= 16; size /= 2) {
        char *hole;
        while ((hole = malloc(size)) && hole < top)
            continue;
        free(hole);
    }
    free(top);
}

EXPORT("wizer-initialize") void guest_initialize(void)
{
    rt = JS_NewRuntime();
    ctx = rt ? JS_NewContext(rt) : NULL;
    if (!ctx)
        __builtin_trap();
    inspect = JS_UNDEFINED;
    program = JS_UNDEFINED;
    JS_SetMaxStackSize(rt, MAX_JS_STACK);
    JS_SetHostPromiseRejectionTracker(rt, track_rejection, NULL);
    JS_SetDynamicImportFunc(rt, import_refused, NULL);
    reserve = js_malloc_rt(rt, RESERVE_BYTES);
    if (!reserve || setup_globals())
        __builtin_trap();
    JS_RunGC(rt);
    fill_holes();
    if (engine_seal_heap())
        __builtin_trap();
    JS_SetGCThreshold(rt, GC_THRESHOLD);
}
