/* `tools`, and the host calls that wait for their completion. Nothing the program overrides is used here.
   A call's promise is reachable by no function of the program; only a completion of the host settles it. */
#include <string.h>
#include "guest.h"

typedef struct PendingCall {
    int64_t id;
    JSValue promise;
    CallSite *site; /* NULL: the slot is free */
} PendingCall;

/* Open addressing by the host's call id; `capacity` is a power of two, at most half of it used. */
static PendingCall *table;
static uint32_t capacity, used;

static JSAtom atom_then, atom_to_json, atom_to_primitive, atom_to_string_tag;
static JSClassID tools_class, upstream_class;
static JSValue tool_error_prototype;

static uint32_t slot_of(int64_t id)
{
    uint64_t hash = (uint64_t)id * 0x9e3779b97f4a7c15u;
    uint32_t slot = (uint32_t)(hash >> 32) & (capacity - 1);
    while (table[slot].site && table[slot].id != id)
        slot = (slot + 1) & (capacity - 1);
    return slot;
}

static int reserve_slot(void)
{
    if (2 * (used + 1) <= capacity)
        return 0;
    PendingCall *old = table;
    uint32_t old_capacity = capacity;
    uint32_t wanted = capacity ? capacity * 2 : 16;
    PendingCall *grown = js_mallocz(ctx, wanted * sizeof(PendingCall));
    if (!grown)
        return -1;
    table = grown;
    capacity = wanted;
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i].site)
            table[slot_of(old[i].id)] = old[i];
    }
    js_free(ctx, old);
    return 0;
}

static void free_slot(uint32_t slot)
{
    used--;
    table[slot].site = NULL;
    /* Move back what probed past the freed slot, or it would not be found again. */
    for (uint32_t next = (slot + 1) & (capacity - 1); table[next].site; next = (next + 1) & (capacity - 1)) {
        PendingCall moved = table[next];
        table[next].site = NULL;
        table[slot_of(moved.id)] = moved;
    }
}

bool calls_pending(void)
{
    return used != 0;
}

/* A rejected promise with the current exception, so that a misuse is seen where the call is awaited. */
static JSValue rejected(void)
{
    JSValue error = JS_GetException(ctx);
    JSValue promise = engine_new_promise();
    if (!JS_IsException(promise))
        engine_settle(promise, error, true);
    JS_FreeValue(ctx, error);
    return promise;
}

static JSValue submit(enum CallKind kind, Text name, Text arguments)
{
    if (reserve_slot())
        return JS_EXCEPTION;
    CallSite *site = engine_capture_call_site();
    if (!site)
        return JS_EXCEPTION;
    JSValue promise = engine_new_promise();
    if (JS_IsException(promise)) {
        engine_free_call_site(site);
        return promise;
    }
    int64_t id = host_submit(kind, name.bytes, name.len, arguments.bytes, arguments.len);
    PendingCall *call = &table[slot_of(id)];
    call->id = id;
    call->promise = JS_DupValue(ctx, promise);
    call->site = site;
    used++;
    return promise;
}

static JSValue submit_call(enum CallKind kind, Text name, JSValueConst arguments)
{
    static const Text NO_ARGUMENTS = {"{}", 2};
    if (JS_IsUndefined(arguments))
        return submit(kind, name, NO_ARGUMENTS);
    if (!JS_IsObject(arguments) || JS_IsArray(arguments) || JS_IsFunction(ctx, arguments)) {
        JS_ThrowTypeError(ctx, "`%s` takes its arguments as one object, such as {key: value}", name.bytes);
        return rejected();
    }
    Text json = json_of_arguments(arguments);
    if (!json.bytes)
        return rejected();
    JSValue promise;
    if (json.len && json.bytes[0] == '{') {
        promise = submit(kind, name, json);
    } else {
        JS_ThrowTypeError(ctx, "the argument of `%s` is not an object once written as JSON", name.bytes);
        promise = rejected();
    }
    text_free(json);
    return promise;
}

static JSValue call_tool(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic,
                         JSValueConst *data)
{
    (void)context, (void)this_value, (void)magic;
    Text name = text_of(data[0]);
    if (!name.bytes)
        return JS_EXCEPTION;
    JSValue promise;
    if (argc > 1) {
        JS_ThrowTypeError(ctx, "`%s` takes one object with its arguments, got %d arguments", name.bytes, argc);
        promise = rejected();
    } else {
        promise = submit_call(CALL, name, argc ? argv[0] : JS_UNDEFINED);
    }
    text_free(name);
    return promise;
}

static JSValue wants_string(const char *usage)
{
    JS_ThrowTypeError(ctx, "the first argument must be a string: %s", usage);
    return rejected();
}

/* tools.$call(name, arguments, {full: true}?) */
static JSValue call_by_name(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)magic;
    if (argc < 1 || !JS_IsString(argv[0]))
        return wants_string("tools.$call('upstream.tool', {key: value})");
    int full = 0;
    if (argc > 2 && JS_IsObject(argv[2])) {
        JSValue option = JS_GetPropertyStr(ctx, argv[2], "full");
        if (JS_IsException(option))
            return rejected();
        full = JS_ToBool(ctx, option);
        JS_FreeValue(ctx, option);
    }
    Text name = text_of(argv[0]);
    if (!name.bytes)
        return JS_EXCEPTION;
    JSValue promise = submit_call(full ? CALL_FULL : CALL, name, argc > 1 ? argv[1] : JS_UNDEFINED);
    text_free(name);
    return promise;
}

static const Text NOTHING = {"", 0};
static const Text JSON_NULL = {"null", 4};

static JSValue search(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)magic;
    if (argc < 1 || !JS_IsString(argv[0]))
        return wants_string("tools.$search('create an issue')");
    Text query = json_of_arguments(argv[0]);
    if (!query.bytes)
        return rejected();
    JSValue promise = submit(SEARCH, NOTHING, query);
    text_free(query);
    return promise;
}

static JSValue describe(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)magic;
    if (argc < 1 || !JS_IsString(argv[0]))
        return wants_string("tools.$describe('upstream.tool')");
    Text name = text_of(argv[0]);
    if (!name.bytes)
        return JS_EXCEPTION;
    JSValue promise = submit(DESCRIBE, name, JSON_NULL);
    text_free(name);
    return promise;
}

static JSValue list(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
    (void)context, (void)this_value, (void)argc, (void)argv, (void)magic;
    return submit(LIST, NOTHING, JSON_NULL);
}

/* Takes the parsed error of the host. */
static JSValue tool_error(JSValue fields, const CallSite *site)
{
    static const char *const NAMES[] = {"code", "tool", "content"};
    JSValue error = engine_new_error(tool_error_prototype, site);
    if (JS_IsException(error))
        goto done;
    JSValue message = JS_GetPropertyStr(ctx, fields, "message");
    if (JS_IsException(message) ||
        JS_DefinePropertyValueStr(ctx, error, "message", message, JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE) < 0)
        goto failed;
    for (int i = 0; i < 3; i++) {
        JSValue value = JS_GetPropertyStr(ctx, fields, NAMES[i]);
        if (JS_IsUndefined(value))
            continue;
        if (JS_IsException(value) || JS_DefinePropertyValueStr(ctx, error, NAMES[i], value, JS_PROP_C_W_E) < 0)
            goto failed;
    }
    goto done;
failed:
    JS_FreeValue(ctx, error);
    error = JS_EXCEPTION;
done:
    JS_FreeValue(ctx, fields);
    return error;
}

void calls_complete(int64_t id, uint32_t status, const char *json, uint32_t len)
{
    if (!used)
        return;
    uint32_t slot = slot_of(id);
    PendingCall call = table[slot];
    if (!call.site)
        return;
    free_slot(slot);
    bool is_reject = status != 0;
    JSValue value = JS_ParseJSON(ctx, json, len, "<reply>");
    if (is_reject && JS_IsObject(value))
        value = tool_error(value, call.site);
    if (JS_IsException(value)) {
        value = JS_GetException(ctx);
        is_reject = true;
    }
    engine_settle(call.promise, value, is_reject);
    JS_FreeValue(ctx, value);
    JS_FreeValue(ctx, call.promise);
    engine_free_call_site(call.site);
}

/* `tools` and its upstreams: objects without prototype and without writable properties, whose members are made when
   they are first read. */
typedef struct Members {
    JSValue made; /* object without prototype: name -> value */
    JSAtom upstream; /* JS_ATOM_NULL for `tools` itself */
} Members;

static void finalize_members(JSRuntime *runtime, JSValueConst object)
{
    JSClassID class_id;
    Members *members = JS_GetAnyOpaque(object, &class_id);
    if (!members)
        return;
    JS_FreeValueRT(runtime, members->made);
    JS_FreeAtomRT(runtime, members->upstream);
    js_free_rt(runtime, members);
}

static void mark_members(JSRuntime *runtime, JSValueConst object, JS_MarkFunc *mark)
{
    JSClassID class_id;
    Members *members = JS_GetAnyOpaque(object, &class_id);
    if (members)
        JS_MarkValue(runtime, members->made, mark);
}

static JSValue new_members(JSClassID class_id, JSAtom upstream)
{
    Members *members = js_mallocz(ctx, sizeof(*members));
    if (!members)
        return JS_EXCEPTION;
    members->made = JS_NewObjectProto(ctx, JS_NULL);
    JSValue object = JS_IsException(members->made) ? JS_EXCEPTION
                                                   : JS_NewObjectProtoClass(ctx, JS_NULL, class_id);
    if (JS_IsException(object)) {
        JS_FreeValue(ctx, members->made);
        js_free(ctx, members);
        return JS_EXCEPTION;
    }
    members->upstream = JS_DupAtom(ctx, upstream);
    JS_SetOpaque(object, members);
    JS_PreventExtensions(ctx, object);
    return object;
}

static JSValue new_tool(JSAtom upstream, JSAtom tool)
{
    JSValue function = JS_EXCEPTION;
    size_t upstream_len, tool_len;
    const char *upstream_name = JS_AtomToCStringLen(ctx, &upstream_len, upstream);
    const char *tool_name = JS_AtomToCStringLen(ctx, &tool_len, tool);
    char *name = upstream_name && tool_name ? js_malloc(ctx, upstream_len + tool_len + 2) : NULL;
    if (name) {
        memcpy(name, upstream_name, upstream_len);
        name[upstream_len] = '.';
        memcpy(name + upstream_len + 1, tool_name, tool_len + 1);
        JSValue full_name = JS_NewStringLen(ctx, name, upstream_len + tool_len + 1);
        if (!JS_IsException(full_name))
            function = JS_NewCFunctionData2(ctx, call_tool, name, 1, 0, 1, (JSValueConst *)&full_name);
        JS_FreeValue(ctx, full_name);
        js_free(ctx, name);
    }
    JS_FreeCString(ctx, tool_name);
    JS_FreeCString(ctx, upstream_name);
    return function;
}

static JSValue not_a_value(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv)
{
    (void)context, (void)this_value, (void)argc, (void)argv;
    return JS_ThrowTypeError(ctx, "tools are not values: call one, as in await tools.upstream.tool({key: value})");
}

static JSValue get_member(JSContext *context, JSValueConst object, JSAtom name, JSValueConst receiver)
{
    (void)context, (void)receiver;
    JSClassID class_id;
    Members *members = JS_GetAnyOpaque(object, &class_id);
    /* Not thenable, not JSON, not cloneable (its tag is no plain object's), and no conversion to a string may end as a
       call of a tool named `toString`. */
    if (name == atom_then || name == atom_to_json)
        return JS_UNDEFINED;
    if (name == atom_to_string_tag)
        return JS_NewString(ctx, class_id == tools_class ? "Tools" : "Upstream");
    if (engine_atom_is_symbol(name))
        return name == atom_to_primitive ? JS_NewCFunction(ctx, not_a_value, "", 0) : JS_UNDEFINED;
    JSValue member = JS_GetProperty(ctx, members->made, name);
    if (!JS_IsUndefined(member))
        return member;
    member = class_id == tools_class ? new_members(upstream_class, name) : new_tool(members->upstream, name);
    if (JS_IsException(member) ||
        JS_DefinePropertyValue(ctx, members->made, name, JS_DupValue(ctx, member), JS_PROP_C_W_E) < 0) {
        JS_FreeValue(ctx, member);
        return JS_EXCEPTION;
    }
    return member;
}

/* The upstream names of the envelope, as an array. */
static JSValue names(void)
{
    if (!upstream_names.len)
        return JS_NewArray(ctx);
    return JS_ParseJSON(ctx, upstream_names.text, upstream_names.len, "<upstreams>");
}

static int get_tools_names(JSContext *context, JSPropertyEnum **into, uint32_t *count, JSValueConst object)
{
    (void)context, (void)object;
    JSValue array = names();
    int64_t length;
    if (JS_IsException(array) || JS_GetLength(ctx, array, &length)) {
        JS_FreeValue(ctx, array);
        return -1;
    }
    JSPropertyEnum *found = js_mallocz(ctx, (length + 1) * sizeof(*found));
    int64_t at = 0;
    for (; found && at < length; at++) {
        JSValue name = JS_GetPropertyInt64(ctx, array, at);
        found[at].atom = JS_IsException(name) ? JS_ATOM_NULL : JS_ValueToAtom(ctx, name);
        JS_FreeValue(ctx, name);
        if (found[at].atom == JS_ATOM_NULL)
            break;
    }
    JS_FreeValue(ctx, array);
    if (!found)
        return -1;
    if (at < length) {
        JS_FreePropertyEnum(ctx, found, at);
        return -1;
    }
    *into = found;
    *count = (uint32_t)length;
    return 0;
}

static int get_own_tools(JSContext *context, JSPropertyDescriptor *into, JSValueConst object, JSAtom name)
{
    JSPropertyEnum *found;
    uint32_t count, at = 0;
    if (engine_atom_is_symbol(name))
        return 0;
    if (get_tools_names(context, &found, &count, object))
        return -1;
    while (at < count && found[at].atom != name)
        at++;
    JS_FreePropertyEnum(ctx, found, count);
    if (at == count)
        return 0;
    if (into) {
        into->flags = JS_PROP_ENUMERABLE;
        into->getter = into->setter = JS_UNDEFINED;
        into->value = get_member(context, object, name, object);
        if (JS_IsException(into->value))
            return -1;
    }
    return 1;
}

static int refuse(void)
{
    JS_ThrowTypeError(ctx, "`tools` is read-only");
    return -1;
}

static int set_member(JSContext *context, JSValueConst object, JSAtom name, JSValueConst value, JSValueConst receiver,
                      int flags)
{
    (void)context, (void)object, (void)name, (void)value, (void)receiver, (void)flags;
    return refuse();
}

static int define_member(JSContext *context, JSValueConst object, JSAtom name, JSValueConst value, JSValueConst getter,
                         JSValueConst setter, int flags)
{
    (void)context, (void)object, (void)name, (void)value, (void)getter, (void)setter, (void)flags;
    return refuse();
}

static int delete_member(JSContext *context, JSValueConst object, JSAtom name)
{
    (void)context, (void)object, (void)name;
    return refuse();
}

static JSClassExoticMethods tools_methods = {
    .get_own_property = get_own_tools,
    .get_own_property_names = get_tools_names,
    .get_property = get_member,
    .set_property = set_member,
    .define_own_property = define_member,
    .delete_property = delete_member,
};

static JSClassExoticMethods upstream_methods = {
    .get_property = get_member,
    .set_property = set_member,
    .define_own_property = define_member,
    .delete_property = delete_member,
};

static int define_tools(JSValueConst global)
{
    JSValue tools = new_members(tools_class, JS_ATOM_NULL);
    if (JS_IsException(tools))
        return -1;
    JSClassID class_id;
    Members *members = JS_GetAnyOpaque(tools, &class_id);
    if (define_function(members->made, "$call", call_by_name, 2, 0) ||
        define_function(members->made, "$search", search, 1, 0) ||
        define_function(members->made, "$describe", describe, 1, 0) ||
        define_function(members->made, "$list", list, 0, 0)) {
        JS_FreeValue(ctx, tools);
        return -1;
    }
    /* Neither writable nor configurable, so no code can put another object in its place. */
    return JS_DefinePropertyValueStr(ctx, global, "tools", tools, JS_PROP_ENUMERABLE) < 0 ? -1 : 0;
}

int calls_setup(void)
{
    static const JSClassDef TOOLS = {
        .class_name = "Tools", .finalizer = finalize_members, .gc_mark = mark_members, .exotic = &tools_methods};
    static const JSClassDef UPSTREAM = {
        .class_name = "Upstream", .finalizer = finalize_members, .gc_mark = mark_members, .exotic = &upstream_methods};
    JS_NewClassID(rt, &tools_class);
    JS_NewClassID(rt, &upstream_class);
    if (JS_NewClass(rt, tools_class, &TOOLS) || JS_NewClass(rt, upstream_class, &UPSTREAM) || reserve_slot())
        return -1;
    atom_then = JS_NewAtom(ctx, "then");
    atom_to_json = JS_NewAtom(ctx, "toJSON");
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue symbol = JS_GetPropertyStr(ctx, global, "Symbol");
    JSValue to_primitive = JS_GetPropertyStr(ctx, symbol, "toPrimitive");
    atom_to_primitive = JS_ValueToAtom(ctx, to_primitive);
    JSValue to_string_tag = JS_GetPropertyStr(ctx, symbol, "toStringTag");
    atom_to_string_tag = JS_ValueToAtom(ctx, to_string_tag);
    JSValue error_class = JS_GetPropertyStr(ctx, global, "ToolError");
    tool_error_prototype = JS_GetPropertyStr(ctx, error_class, "prototype");
    int failed = !JS_IsObject(tool_error_prototype) || define_tools(global);
    JS_FreeValue(ctx, error_class);
    JS_FreeValue(ctx, to_string_tag);
    JS_FreeValue(ctx, to_primitive);
    JS_FreeValue(ctx, symbol);
    JS_FreeValue(ctx, global);
    return failed ? -1 : 0;
}
