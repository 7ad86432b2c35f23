/* What the files of the shim share. */
#ifndef CONDUIT_GUEST_H
#define CONDUIT_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "contract.h"
#include "cutils.h"
#include "quickjs.h"

/* The library's files, whose frames no stack shows. */
#define LIBRARY_FILE_PREFIX "conduit:"
/* The file name that a program has in stacks. */
#define PROGRAM_FILE "program.ts"

enum CallKind { CALL = 0, CALL_FULL = 1, SEARCH = 2, DESCRIBE = 3, LIST = 4 };

/* Of the 1.75 MiB shadow stack; the rest is for what runs below the engine's own check. */
#define MAX_JS_STACK (1536 * 1024)
/* The first cycle collection of a run; short runs never have one. */
#define GC_THRESHOLD (8 * 1024 * 1024)

/* main.c */
extern JSRuntime *rt;
extern JSContext *ctx;
extern bool started; /* false while the snapshot is made: no import may be called then */
extern JSValue inspect; /* the library's inspect(value) -> string */

/* A slice of the envelope, which stays in memory for the whole run. */
typedef struct Section {
    const char *text;
    uint32_t len;
} Section;
extern Section program_source, program_mappings, upstream_names;

/* setup.c */
int setup_globals(void);
int define_hidden(JSValueConst object, const char *name, JSValue value);
int define_function(JSValueConst object, const char *name, JSCFunctionMagic *function, int length, int magic);

/* calls.c */
int calls_setup(void);
bool calls_pending(void);
void calls_complete(int64_t id, uint32_t status, const char *json, uint32_t len);

/* timers.c */
int timers_setup(void);
int timers_fire_due(void); /* 1: one fired, 0: none is due, -1: it threw */
int64_t timers_next_due(void);

/* console.c */
int console_setup(JSValueConst native);

/* web.c */
int web_setup(JSValueConst native);
void web_start(void);

/* positions.c; lines and bytes are counted from 1, as the engine does */
const char *program_at(uint32_t line, uint32_t byte_column);
bool position_of(uint32_t line, uint32_t byte_column, uint32_t *into_line, uint32_t *into_column);

/* stack.c */
int stack_setup(void);
bool stack_position(JSValueConst stack, uint32_t *line, uint32_t *column); /* of its first frame in the program */

/* json.c */
typedef struct Text {
    const char *bytes;
    size_t len;
} Text;
Text text_of(JSValueConst value); /* UTF-8 without lone surrogates; bytes NULL on exception */
void text_free(Text text);
void buffer_init(DynBuf *buffer);
JSValue buffer_end(DynBuf *buffer); /* frees it; its text as a string */
int json_setup(void);
Text json_of_arguments(JSValueConst value);
Text json_of_result(JSValueConst value);

/* engine.c: what quickjs.h does not offer */
typedef struct CallSite CallSite;
void engine_seed(uint64_t seed);
JSValue engine_new_promise(void);
void engine_settle(JSValueConst promise, JSValueConst value, bool is_reject);
CallSite *engine_capture_call_site(void);
void engine_free_call_site(CallSite *site);
JSValue engine_new_error(JSValueConst prototype, const CallSite *site);
JSValue engine_raw_stack(JSValueConst error); /* undefined when it is no Error object */
void engine_set_raw_stack(JSValueConst error, JSValue stack);
JSValue engine_entries(JSValueConst map_or_set);
JSAtom engine_atom_stack(void);
bool engine_is_out_of_memory(JSValueConst thrown);
bool engine_atom_is_symbol(JSAtom atom);
int engine_seal_heap(void);

#endif
