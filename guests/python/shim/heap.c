/* What a run writes to costs it a copy of that page, and the host one range to reset: so a run shall write to few pages, and
   to neighbouring ones. The snapshot's objects are made immortal: nobody counts references to them, nobody frees them. What a
   run allocates lies together, in room that was kept free below the snapshot's own. */
#include "guest.h"
#include <stdlib.h>

/* Objects whose members are not looked at yet. */
static PyObject **found;
static size_t count, capacity;

static int visit(PyObject *object, void *unused)
{
    (void)unused;
    if (!object || object->ob_refcnt == _Py_IMMORTAL_REFCNT)
        return 0;
    if (count == capacity) {
        capacity = capacity ? 2 * capacity : 1 << 16;
        PyObject **grown = realloc(found, capacity * sizeof *found);
        if (!grown)
            return -1;
        found = grown;
    }
    object->ob_refcnt = _Py_IMMORTAL_REFCNT;
    found[count++] = object;
    return 0;
}

static int visit_code(PyCodeObject *code)
{
    PyObject *members[] = {code->co_consts, code->co_names, code->co_exceptiontable, code->co_localsplusnames,
                           code->co_localspluskinds, code->co_filename, code->co_name, code->co_qualname,
                           code->co_linetable};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (visit(members[i], NULL))
            return -1;
    }
    return 0;
}

/* Static types are immortal from the start, and no traversal enters them. */
static int visit_static_types(PyTypeObject *type)
{
    PyObject *dict = PyType_GetDict(type);
    if (!dict || visit(dict, NULL) || visit(type->tp_mro, NULL) || visit(type->tp_bases, NULL))
        return -1;
    PyObject *subclasses = PyObject_CallMethod((PyObject *)&PyType_Type, "__subclasses__", "O", type);
    if (!subclasses)
        return -1;
    int failed = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(subclasses) && !failed; i++) {
        PyTypeObject *subclass = (PyTypeObject *)PyList_GET_ITEM(subclasses, i);
        failed = subclass->tp_flags & Py_TPFLAGS_HEAPTYPE ? visit((PyObject *)subclass, NULL)
                                                          : visit_static_types(subclass);
    }
    Py_DECREF(subclasses);
    return failed;
}

static int visit_tracked(PyObject *object, void *failed)
{
    /* The caller holds a reference of its own for the time of the call. */
    Py_DECREF(object);
    *(int *)failed |= visit(object, NULL);
    Py_INCREF(object);
    return 1;
}

static int make_immortal(void)
{
    int failed = visit_static_types(&PyBaseObject_Type);
    PyUnstable_GC_VisitObjects(visit_tracked, &failed);
    while (count && !failed) {
        PyObject *object = found[--count];
        PyTypeObject *type = Py_TYPE(object);
        failed = visit((PyObject *)type, NULL);
        if (!failed && PyCode_Check(object))
            failed = visit_code((PyCodeObject *)object);
        else if (!failed && PyObject_IS_GC(object) && type->tp_traverse)
            failed = type->tp_traverse(object, visit, NULL);
    }
    /* Zeroes are not stored in the snapshot. */
    memset(found, 0, capacity * sizeof *found);
    free(found);
    found = NULL;
    return failed;
}

enum { ROOM_BYTES = 2 << 20, ALIGNMENT = 8, SMALL_BYTES = 512 };

static char *room; /* below everything that the snapshot has allocated */

static bool in_room(char *at)
{
    return at >= room && at < room + ROOM_BYTES;
}

int heap_begin(void)
{
    room = malloc(ROOM_BYTES);
    return room ? 0 : -1;
}

/* Takes malloc's free chunks between the snapshot's blocks. */
static void fill_chunks(void)
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

/* Takes the free blocks of the interpreter's pools, of every size, until new pools come from the room. */
static void fill_pools(void)
{
    for (size_t size = ALIGNMENT; size <= SMALL_BYTES; size += ALIGNMENT) {
        char *block;
        while (!in_room(block = PyObject_Malloc(size)))
            continue;
        PyObject_Free(block);
    }
}

int heap_seal(void)
{
    if (make_immortal())
        return -1;
    fill_chunks();
    free(room);
    fill_pools();
    return 0;
}
