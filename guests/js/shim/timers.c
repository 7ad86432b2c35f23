/* setTimeout and setInterval: a heap of timers, ordered by due time, then by id. */
#include <math.h>
#include "guest.h"

typedef struct Timer {
    int64_t due; /* nanoseconds since the epoch */
    int64_t period; /* 0: once */
    uint32_t id;
    uint32_t argc;
    JSValue callback;
    JSValue *argv;
} Timer;

static Timer *heap;
static uint32_t length, capacity, last_id;
static uint32_t running; /* the timer whose callback runs; 0 once the callback has cleared it */

static bool before(const Timer *a, const Timer *b)
{
    return a->due != b->due ? a->due < b->due : a->id < b->id;
}

static void swap(uint32_t a, uint32_t b)
{
    Timer timer = heap[a];
    heap[a] = heap[b];
    heap[b] = timer;
}

static void sift_up(uint32_t at)
{
    for (uint32_t parent; at > 0 && before(&heap[at], &heap[parent = (at - 1) / 2]); at = parent)
        swap(at, parent);
}

static void sift_down(uint32_t at)
{
    for (uint32_t child; (child = 2 * at + 1) < length; at = child) {
        if (child + 1 < length && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &heap[at]))
            return;
        swap(at, child);
    }
}

static int insert(Timer timer)
{
    if (length == capacity) {
        uint32_t wanted = capacity ? capacity * 2 : 8;
        Timer *grown = js_realloc(ctx, heap, wanted * sizeof(Timer));
        if (!grown)
            return -1;
        heap = grown;
        capacity = wanted;
    }
    heap[length++] = timer;
    sift_up(length - 1);
    return 0;
}

static Timer take(uint32_t at)
{
    Timer timer = heap[at];
    length--;
    if (at < length) {
        heap[at] = heap[length];
        sift_down(at);
        sift_up(at);
    }
    return timer;
}

static void release(Timer timer)
{
    JS_FreeValue(ctx, timer.callback);
    for (uint32_t i = 0; i < timer.argc; i++)
        JS_FreeValue(ctx, timer.argv[i]);
    js_free(ctx, timer.argv);
}

/* Delays below one millisecond, not a number or beyond 31 bits count as one millisecond, as in Node. */
static int delay_of(JSValueConst value, int64_t *nanoseconds)
{
    double ms = 0;
    if (!JS_IsUndefined(value) && JS_ToFloat64(ctx, &ms, value))
        return -1;
    if (!(ms >= 1 && ms <= INT32_MAX))
        ms = 1;
    *nanoseconds = (int64_t)trunc(ms) * 1000000;
    return 0;
}

static JSValue set_timer(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int repeats)
{
    (void)context, (void)this_value;
    if (argc < 1 || !JS_IsFunction(ctx, argv[0]))
        return JS_ThrowTypeError(ctx, "the first argument of %s must be a function",
                                 repeats ? "setInterval" : "setTimeout");
    Timer timer = {0};
    int64_t delay;
    if (delay_of(argc > 1 ? argv[1] : JS_UNDEFINED, &delay))
        return JS_EXCEPTION;
    if (argc > 2) {
        timer.argv = js_malloc(ctx, (argc - 2) * sizeof(JSValue));
        if (!timer.argv)
            return JS_EXCEPTION;
        for (; (int)timer.argc < argc - 2; timer.argc++)
            timer.argv[timer.argc] = JS_DupValue(ctx, argv[timer.argc + 2]);
    }
    timer.due = host_now() + delay;
    timer.period = repeats ? delay : 0;
    timer.id = ++last_id;
    timer.callback = JS_DupValue(ctx, argv[0]);
    if (insert(timer)) {
        release(timer);
        return JS_EXCEPTION;
    }
    return JS_NewUint32(ctx, timer.id);
}

static JSValue clear_timer(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)magic;
    double id;
    if (argc < 1 || !JS_IsNumber(argv[0]) || JS_ToFloat64(ctx, &id, argv[0]))
        return JS_UNDEFINED;
    if (id == running)
        running = 0;
    for (uint32_t i = 0; i < length; i++) {
        if (heap[i].id == id) {
            release(take(i));
            break;
        }
    }
    return JS_UNDEFINED;
}

int64_t timers_next_due(void)
{
    return length ? heap[0].due : -1;
}

int timers_fire_due(void)
{
    if (!length || heap[0].due > host_now())
        return 0;
    Timer timer = take(0);
    running = timer.id;
    JSValue result = JS_Call(ctx, timer.callback, JS_UNDEFINED, timer.argc, (JSValueConst *)timer.argv);
    bool again = timer.period && running == timer.id;
    running = 0;
    if (JS_IsException(result)) {
        release(timer);
        return -1;
    }
    JS_FreeValue(ctx, result);
    timer.due = host_now() + timer.period;
    if (!again || insert(timer)) {
        release(timer);
        return again ? -1 : 1;
    }
    return 1;
}

int timers_setup(void)
{
    JSValue global = JS_GetGlobalObject(ctx);
    int failed = define_function(global, "setTimeout", set_timer, 2, 0) ||
                 define_function(global, "setInterval", set_timer, 2, 1) ||
                 define_function(global, "clearTimeout", clear_timer, 1, 0) ||
                 define_function(global, "clearInterval", clear_timer, 1, 0);
    JS_FreeValue(ctx, global);
    return failed ? -1 : 0;
}
