/* The globals of a program, made once, while the snapshot is taken. */
#include <string.h>
#include "guest.h"
#include "library.h"

int define_hidden(JSValueConst object, const char *name, JSValue value)
{
    return JS_DefinePropertyValueStr(ctx, object, name, value, JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) < 0 ? -1 : 0;
}

int define_function(JSValueConst object, const char *name, JSCFunctionMagic *function, int length, int magic)
{
    JSCFunctionType type = {.generic_magic = function};
    return define_hidden(object, name,
                         JS_NewCFunction2(ctx, type.generic, name, length, JS_CFUNC_generic_magic, magic));
}

/* Compiles without keeping the source, which nothing needs in a run. */
static JSValue load(const struct LibraryFile *file)
{
    JSValue code = JS_Eval(ctx, file->source, file->len, file->name,
                           JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_STRICT | JS_EVAL_FLAG_COMPILE_ONLY);
    /* Zeroes are not stored in the snapshot. */
    memset(file->source, 0, file->len);
    if (JS_IsException(code))
        return code;
    size_t size;
    uint8_t *bytes = JS_WriteObject(ctx, &size, code, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
    JS_FreeValue(ctx, code);
    if (!bytes)
        return JS_EXCEPTION;
    code = JS_ReadObject(ctx, bytes, size, JS_READ_OBJ_BYTECODE);
    js_free(ctx, bytes);
    return JS_IsException(code) ? code : JS_EvalFunction(ctx, code);
}

/* Runs one file; what it evaluates to, if a function, is called with the natives. */
static int run_file(const struct LibraryFile *file, JSValueConst native)
{
    JSValue entry = load(file);
    JSValue result = JS_IsFunction(ctx, entry) ? JS_Call(ctx, entry, JS_UNDEFINED, 1, &native) : JS_DupValue(ctx, entry);
    JS_FreeValue(ctx, entry);
    JS_FreeValue(ctx, result);
    return JS_IsException(result) ? -1 : 0;
}

static int delete_global(JSValueConst global, const char *name)
{
    JSAtom atom = JS_NewAtom(ctx, name);
    int deleted = JS_DeleteProperty(ctx, global, atom, 0);
    JS_FreeAtom(ctx, atom);
    return deleted == 1 ? 0 : -1;
}

int setup_globals(void)
{
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue native = JS_NewObjectProto(ctx, JS_NULL);
    int failed = delete_global(global, "SharedArrayBuffer") || define_hidden(global, "input", JS_NULL) ||
                 stack_setup() || json_setup() || timers_setup() || console_setup(native) || web_setup(native);
    for (size_t i = 0; i < LIBRARY_FILES && !failed; i++)
        failed = run_file(&LIBRARY[i], native);
    failed = failed || delete_global(global, "__core-js_shared__") || calls_setup();
    JS_FreeValue(ctx, native);
    JS_FreeValue(ctx, global);
    return failed ? -1 : 0;
}
