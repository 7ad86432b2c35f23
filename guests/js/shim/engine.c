/* The engine itself, compiled in one unit with the few functions that need its private structures. */
#include "quickjs.c"
#undef malloc
#undef free
#undef realloc
#include "guest.h"

enum { CALL_SITE_FRAMES = 8 };

struct CallSite {
    uint32_t count;
    struct {
        JSValue function;
        uint32_t pc;
    } frames[CALL_SITE_FRAMES];
};

void engine_seed(uint64_t seed)
{
    ctx->random_state = seed ? seed : 1;
}

JSValue engine_new_promise(void)
{
    JSValue promise = JS_NewObjectClass(ctx, JS_CLASS_PROMISE);
    if (JS_IsException(promise))
        return promise;
    JSPromiseData *data = js_mallocz(ctx, sizeof(*data));
    if (!data) {
        JS_FreeValue(ctx, promise);
        return JS_EXCEPTION;
    }
    data->promise_state = JS_PROMISE_PENDING;
    init_list_head(&data->promise_reactions[0]);
    init_list_head(&data->promise_reactions[1]);
    data->promise_result = JS_UNDEFINED;
    JS_SetOpaqueInternal(promise, data);
    return promise;
}

/* Settles without looking up `then` on the value, so nothing that the program overrides can catch it. */
void engine_settle(JSValueConst promise, JSValueConst value, bool is_reject)
{
    fulfill_or_reject_promise(ctx, promise, value, is_reject);
}

/* A call's stack is kept as functions and positions: text is made only for a call that fails. */
CallSite *engine_capture_call_site(void)
{
    CallSite *site = js_malloc(ctx, sizeof(*site));
    if (!site)
        return NULL;
    site->count = 0;
    for (JSStackFrame *frame = rt->current_stack_frame; frame && site->count < CALL_SITE_FRAMES;
         frame = frame->prev_frame) {
        JSObject *function = JS_VALUE_GET_OBJ(frame->cur_func);
        if (!js_class_has_bytecode(function->class_id) || !frame->cur_pc)
            continue;
        JSFunctionBytecode *code = function->u.func.function_bytecode;
        site->frames[site->count].function = js_dup(frame->cur_func);
        site->frames[site->count].pc = frame->cur_pc - code->byte_code_buf - 1;
        site->count++;
    }
    return site;
}

void engine_free_call_site(CallSite *site)
{
    for (uint32_t i = 0; i < site->count; i++)
        JS_FreeValue(ctx, site->frames[i].function);
    js_free(ctx, site);
}

static JSValue call_site_text(const CallSite *site)
{
    DynBuf text;
    js_dbuf_init(ctx, &text);
    for (uint32_t i = 0; i < site->count; i++) {
        JSFunctionBytecode *code = JS_VALUE_GET_OBJ(site->frames[i].function)->u.func.function_bytecode;
        const char *name = get_func_name(ctx, site->frames[i].function);
        const char *file = code->filename ? JS_AtomToCString(ctx, code->filename) : NULL;
        int column;
        int line = find_line_num(ctx, code, site->frames[i].pc, &column);
        dbuf_printf(&text, "    at %s (%s:%d:%d)\n", name && *name ? name : "<anonymous>", file ? file : "", line,
                    column);
        JS_FreeCString(ctx, name);
        JS_FreeCString(ctx, file);
    }
    JSValue stack = dbuf_error(&text) ? JS_ThrowOutOfMemory(ctx) : JS_NewStringLen(ctx, (char *)text.buf, text.size);
    dbuf_free(&text);
    return stack;
}

JSValue engine_new_error(JSValueConst prototype, const CallSite *site)
{
    JSValue error = JS_NewObjectProtoClass(ctx, prototype, JS_CLASS_ERROR);
    if (JS_IsException(error))
        return error;
    JSValue stack = call_site_text(site);
    if (JS_IsException(stack)) {
        JS_FreeValue(ctx, error);
        return JS_EXCEPTION;
    }
    engine_set_raw_stack(error, stack);
    return error;
}

JSValue engine_raw_stack(JSValueConst error)
{
    if (JS_GetClassID(error) != JS_CLASS_ERROR)
        return JS_UNDEFINED;
    return js_dup(JS_VALUE_GET_OBJ(error)->u.object_data);
}

void engine_set_raw_stack(JSValueConst error, JSValue stack)
{
    set_value(ctx, &JS_VALUE_GET_OBJ(error)->u.object_data, stack);
}

/* The entries of a Map as [key, value] pairs, the elements of a Set; undefined for anything else. */
JSValue engine_entries(JSValueConst map_or_set)
{
    JSClassID class_id = JS_GetClassID(map_or_set);
    if (class_id != JS_CLASS_MAP && class_id != JS_CLASS_SET)
        return JS_UNDEFINED;
    JSMapState *state = JS_VALUE_GET_OBJ(map_or_set)->u.map_state;
    JSValue array = JS_NewArray(ctx);
    if (JS_IsException(array))
        return array;
    struct list_head *el;
    uint32_t index = 0;
    list_for_each(el, &state->records) {
        JSMapRecord *record = list_entry(el, JSMapRecord, link);
        if (record->empty)
            continue;
        JSValue item;
        if (class_id == JS_CLASS_SET) {
            item = js_dup(record->key);
        } else {
            JSValueConst pair[2] = {record->key, record->value};
            item = js_create_array(ctx, 2, pair);
        }
        if (JS_IsException(item) || JS_DefinePropertyValueUint32(ctx, array, index++, item, JS_PROP_C_W_E) < 0) {
            JS_FreeValue(ctx, array);
            return JS_EXCEPTION;
        }
    }
    return array;
}

/* With no memory left for an error object, the engine throws null. */
bool engine_is_out_of_memory(JSValueConst thrown)
{
    if (JS_IsNull(thrown))
        return true;
    return JS_IsError(thrown) && JS_VALUE_GET_OBJ(thrown)->shape->proto ==
                                     JS_VALUE_GET_OBJ(ctx->native_error_proto[JS_INTERNAL_ERROR]);
}

static bool stands_at_call(const uint8_t *code, const uint8_t *pc)
{
    if (pc > code && pc[-1] >= OP_call0 && pc[-1] <= OP_call3)
        return true;
    if (pc - code < 3)
        return false;
    uint8_t op = pc[-3];
    return op == OP_call || op == OP_call_method || op == OP_tail_call || op == OP_tail_call_method ||
           op == OP_call_constructor || op == OP_apply;
}

static bool in_name(char c)
{
    uint8_t byte = (uint8_t)c;
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           byte == '_' || byte == '$' || byte == '#' || byte >= 0x80;
}

/* Called by the patched engine: reads the callee from the program's text, at the place of the call. */
const char *conduit_callee(char *into, size_t size)
{
    JSStackFrame *frame = started ? rt->current_stack_frame : NULL;
    JSObject *function = frame ? JS_VALUE_GET_OBJ(frame->cur_func) : NULL;
    if (!function || !js_class_has_bytecode(function->class_id) || !frame->cur_pc)
        return "";
    JSFunctionBytecode *code = function->u.func.function_bytecode;
    const char *file = code->filename ? JS_AtomToCString(ctx, code->filename) : NULL;
    bool in_program = file && !strcmp(file, PROGRAM_FILE);
    JS_FreeCString(ctx, file);
    if (!in_program || !stands_at_call(code->byte_code_buf, frame->cur_pc))
        return "";
    int column;
    int line = find_line_num(ctx, code, frame->cur_pc - code->byte_code_buf - 1, &column);
    const char *start = program_source.text, *end = start + program_source.len;
    const char *from = program_at(line, column);
    if (end - from > 4 && !memcmp(from, "new ", 4))
        from += 4;
    const char *to = from;
    while (to < end && (in_name(*to) || *to == '.'))
        to++;
    if (to == from)
        return "";
    while (from > start && (in_name(from[-1]) || from[-1] == '.' || from[-1] == '?'))
        from--;
    while (*from == '.' || *from == '?')
        from++;
    int written = snprintf(into, size, "%.*s is ", (int)(to - from), from);
    return written < (int)size ? into : "";
}

JSAtom engine_atom_stack(void)
{
    return JS_ATOM_stack;
}

bool engine_atom_is_symbol(JSAtom atom)
{
    return JS_AtomGetKind(ctx, atom) != JS_ATOM_KIND_STRING;
}

/* Leaves the half-empty arenas of the snapshot unused and puts a small new one per size next to each other, so that a
   short run writes to few pages. Each holds one block for good, or the engine would free it when it is empty. */
static int fresh_arena(int size_index, uint8_t *at, size_t bytes)
{
    int block_size = arena_block_sizes[size_index];
    JSArena *arena = (JSArena *)at;
    arena->block_size_idx = size_index;
    arena->n_blocks = (bytes - sizeof(JSArena)) / block_size;
    arena->n_used_blocks = 0;
    arena->first_free_block = 0;
    for (int i = 0; i < arena->n_blocks; i++) {
        JSMallocBlockHeader *block = arena_get_block(arena, i, block_size);
        block->u.free_next = i + 1 < arena->n_blocks ? i + 1 : JS_ARENA_FREE_NIL;
        block->block_size_idx = size_index;
    }
    list_add(&arena->link, &rt->arena_state.arena_list[size_index]);
    list_add(&arena->free_link, &rt->arena_state.free_arena_list[size_index]);
    return js_arena_malloc(rt, block_size - sizeof(JSMallocBlockHeader)) ? 0 : -1;
}

int engine_seal_heap(void)
{
    enum { FRESH_BYTES = 1536 };
    JSArenaState *arenas = &rt->arena_state;
    uint8_t *fresh = aligned_alloc(4096, JS_ARENA_BLOCK_SIZE_COUNT * FRESH_BYTES / 4096 * 4096 + 4096);
    if (!fresh)
        return -1;
    for (int i = 0; i < JS_ARENA_BLOCK_SIZE_COUNT; i++) {
        struct list_head *el, *next;
        list_for_each_safe(el, next, &arenas->free_arena_list[i]) {
            list_del(el);
            init_list_head(el);
        }
        if (fresh_arena(i, fresh + i * FRESH_BYTES, FRESH_BYTES))
            return -1;
    }
    return 0;
}
