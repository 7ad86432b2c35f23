/* What the files of the shim share. `../../CONTRACT.md` is the contract with the host. */
#ifndef CONDUIT_GUEST_H
#define CONDUIT_GUEST_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("conduit"), import_name(name)))

/* The file name that a program has in tracebacks. */
#define PROGRAM_FILE "program.py"

IMPORT("submit")
int64_t host_submit(int32_t kind, const char *name, uint32_t name_len, const char *args, uint32_t args_len);
IMPORT("write") void host_write(int32_t stream, const char *text, uint32_t len);
IMPORT("now") int64_t host_now(void);
IMPORT("random") void host_random(void *into, uint32_t len);
IMPORT("sleep") void host_sleep(int64_t ns);

/* main.c */
extern bool started; /* false while the snapshot is made: no import may be called then */

/* module.c: the module `_conduit`, the interpreter's side of the imports */
PyObject *module_init(void);
void module_flush(void); /* writes what `print` has left in the buffer */
extern PyObject *upstream_names; /* str: the JSON array of the envelope */

/* A slice of text in UTF-8; `owner` keeps it alive. */
typedef struct Text {
    const char *bytes;
    Py_ssize_t len;
    PyObject *owner;
} Text;
Text text_of(PyObject *string); /* without lone surrogates; bytes NULL on exception */
void text_free(Text text);

/* program.c */
PyObject *program_compile(const char *source, PyObject *tree); /* `tree`, an `ast.Module`, goes first if not NULL */

/* json.c */
typedef struct Json {
    char *bytes; /* for PyMem_RawFree; NULL on exception */
    size_t len;
} Json;
Json json_of(PyObject *value, const char *what); /* `what` is what messages call the value */
void json_setup(PyObject *plain, PyObject *key_text, PyObject *inexpressible);

/* heap.c */
int heap_begin(void);
int heap_seal(void);

#endif
