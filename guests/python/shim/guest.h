/* What the files of the shim share. */
#ifndef CONDUIT_GUEST_H
#define CONDUIT_GUEST_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include "contract.h"

/* The file name that a program has in tracebacks. */
#define PROGRAM_FILE "program.py"

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
