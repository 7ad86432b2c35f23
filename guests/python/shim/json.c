/* JSON that leaves the guest, as strict parsers want it: arguments of calls, and the program's value. */
#include "guest.h"
#include <math.h>
#include <string.h>

/* The host's own bound on nesting. */
enum { MAX_DEPTH = 127 };

typedef struct Writer {
    char *bytes;
    size_t len, capacity;
    /* The way to what is being written: containers, and the key (owned) or the index of the member in each. */
    PyObject *containers[MAX_DEPTH];
    PyObject *keys[MAX_DEPTH];
    Py_ssize_t indexes[MAX_DEPTH];
} Writer;

/* Of the library's `plain.py`. */
static PyObject *plain; /* plain(value): what to write for a value that JSON does not know */
static PyObject *key_text; /* key_text(key): likewise for a key */
static PyObject *inexpressible; /* the exception that both raise, and this file: (class, what is wrong) */

static int refuse(const char *what)
{
    PyObject *arguments = Py_BuildValue("Os", PyExc_ValueError, what);
    if (arguments)
        PyErr_SetObject(inexpressible, arguments);
    Py_XDECREF(arguments);
    return -1;
}

static int reserve(Writer *into, size_t more)
{
    if (more <= into->capacity - into->len)
        return 0;
    size_t wanted = into->capacity * 2 > into->len + more ? into->capacity * 2 : into->len + more;
    char *grown = PyMem_RawRealloc(into->bytes, wanted);
    if (!grown) {
        PyErr_NoMemory();
        return -1;
    }
    into->bytes = grown;
    into->capacity = wanted;
    return 0;
}

static int put(Writer *into, const char *bytes, size_t len)
{
    if (reserve(into, len))
        return -1;
    memcpy(into->bytes + into->len, bytes, len);
    into->len += len;
    return 0;
}

static int put_char(Writer *into, char byte)
{
    return put(into, &byte, 1);
}

static int put_escape(Writer *into, unsigned char byte)
{
    static const char SHORT[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *pair = SHORT; *pair; pair += 2) {
        if ((unsigned char)pair[0] == byte)
            return put(into, (char[]){'\\', pair[1]}, 2);
    }
    char text[8];
    return put(into, text, snprintf(text, sizeof text, "\\u%04x", byte));
}

static int put_text(Writer *into, const char *at, size_t len)
{
    const char *end = at + len;
    if (reserve(into, len + 2) || put_char(into, '"'))
        return -1;
    while (at < end) {
        const char *stop = at;
        while (stop < end && (unsigned char)*stop >= 0x20 && *stop != '"' && *stop != '\\')
            stop++;
        if (put(into, at, stop - at) || (stop < end && put_escape(into, *stop)))
            return -1;
        at = stop + 1;
    }
    return put_char(into, '"');
}

static int put_string(Writer *into, PyObject *string)
{
    Text text = text_of(string);
    int failed = !text.bytes || put_text(into, text.bytes, text.len);
    text_free(text);
    return failed ? -1 : 0;
}

/* Integers beyond 64 bits would lose digits on their way: they are texts. */
static int put_integer(Writer *into, PyObject *value, bool as_key)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (!overflow) {
        char digits[24];
        return put(into, digits, snprintf(digits, sizeof digits, as_key ? "\"%lld\"" : "%lld", number));
    }
    PyObject *text = PyLong_Type.tp_repr(value);
    int failed = !text || put_string(into, text);
    Py_XDECREF(text);
    return failed ? -1 : 0;
}

static int put_float(Writer *into, PyObject *value)
{
    double number = PyFloat_AS_DOUBLE(value);
    if (!isfinite(number))
        return put(into, "null", 4);
    char *text = PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (!text)
        return -1;
    int failed = put(into, text, strlen(text));
    PyMem_Free(text);
    return failed;
}

static int put_value(Writer *into, PyObject *value, int depth);

/* The list is looked at anew for each item: what it holds may run code of the program. */
static int put_sequence(Writer *into, PyObject *sequence, int depth)
{
    if (put_char(into, '['))
        return -1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); i++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(sequence, i));
        into->indexes[depth] = i;
        int failed = (i && put_char(into, ',')) || put_value(into, item, depth + 1);
        Py_DECREF(item);
        if (failed)
            return -1;
    }
    return put_char(into, ']');
}

static int put_set(Writer *into, PyObject *set, int depth)
{
    PyObject *list = PySequence_List(set);
    int failed = !list || put_sequence(into, list, depth);
    Py_XDECREF(list);
    return failed ? -1 : 0;
}

static int put_key(Writer *into, PyObject *key)
{
    if (PyUnicode_Check(key))
        return put_string(into, key);
    if (key == Py_True || key == Py_False || key == Py_None) {
        const char *text = key == Py_True ? "true" : key == Py_False ? "false" : "null";
        return put_text(into, text, strlen(text));
    }
    if (PyLong_Check(key))
        return put_integer(into, key, true);
    PyObject *text = PyObject_CallOneArg(key_text, key);
    int failed = !text || put_string(into, text);
    Py_XDECREF(text);
    return failed ? -1 : 0;
}

static int put_dict(Writer *into, PyObject *dict, int depth)
{
    Py_ssize_t at = 0, size = PyDict_GET_SIZE(dict);
    PyObject *key, *value;
    if (put_char(into, '{'))
        return -1;
    for (bool first = true; PyDict_Next(dict, &at, &key, &value); first = false) {
        Py_INCREF(value);
        Py_XSETREF(into->keys[depth], Py_NewRef(key));
        int failed = (!first && put_char(into, ',')) || put_key(into, key) || put_char(into, ':') ||
                     put_value(into, value, depth + 1);
        Py_DECREF(value);
        if (failed)
            return -1;
        if (PyDict_GET_SIZE(dict) != size)
            return refuse("changes its size while it is written as JSON");
    }
    return put_char(into, '}');
}

static int put_other(Writer *into, PyObject *value, int depth)
{
    PyObject *instead = PyObject_CallOneArg(plain, value);
    int failed = !instead || put_value(into, instead, depth + 1);
    Py_XDECREF(instead);
    return failed ? -1 : 0;
}

static int too_deep(Writer *into, PyObject *value)
{
    for (int depth = 0; depth < MAX_DEPTH; depth++) {
        if (into->containers[depth] == value)
            return refuse("contains a cycle, which JSON cannot express");
    }
    return refuse("is nested deeper than 127 levels");
}

static int put_container(Writer *into, PyObject *value, int depth)
{
    if (depth >= MAX_DEPTH)
        return too_deep(into, value);
    into->containers[depth] = value;
    into->indexes[depth] = -1;
    int failed = PyDict_Check(value)                              ? put_dict(into, value, depth)
                 : PyList_Check(value) || PyTuple_Check(value)    ? put_sequence(into, value, depth)
                 : PyAnySet_Check(value)                          ? put_set(into, value, depth)
                                                                  : put_other(into, value, depth);
    /* After a failure the way stays, for the message. */
    if (!failed) {
        into->containers[depth] = NULL;
        Py_CLEAR(into->keys[depth]);
    }
    return failed;
}

static int put_value(Writer *into, PyObject *value, int depth)
{
    if (value == Py_None)
        return put(into, "null", 4);
    if (value == Py_True)
        return put(into, "true", 4);
    if (value == Py_False)
        return put(into, "false", 5);
    if (PyUnicode_Check(value))
        return put_string(into, value);
    if (PyLong_Check(value))
        return put_integer(into, value, false);
    if (PyFloat_Check(value))
        return put_float(into, value);
    return put_container(into, value, depth);
}

/* `['rows'][3]`: where in the value the member is that failed; a long way is cut. */
static PyObject *way(Writer *into)
{
    enum { SHOWN = 8 };
    PyObject *text = PyUnicode_FromString("");
    for (int depth = 0; text && depth < MAX_DEPTH && into->containers[depth]; depth++) {
        if (depth == SHOWN) {
            Py_SETREF(text, PyUnicode_FromFormat("%U...", text));
            break;
        }
        if (into->keys[depth])
            Py_SETREF(text, PyUnicode_FromFormat("%U[%R]", text, into->keys[depth]));
        else if (into->indexes[depth] >= 0)
            Py_SETREF(text, PyUnicode_FromFormat("%U[%zd]", text, into->indexes[depth]));
    }
    return text;
}

/* Says what failed and where in front of what is wrong: "the program's value['rows'][3] is of type ...". Errors that the
   program itself raised on the way stay as they are. */
static void explain(Writer *into, const char *what)
{
    if (!PyErr_ExceptionMatches(inexpressible))
        return;
    PyObject *error = PyErr_GetRaisedException(), *arguments = PyObject_GetAttrString(error, "args"), *type, *wrong;
    PyObject *place = way(into);
    if (place && arguments && PyArg_ParseTuple(arguments, "OO", &type, &wrong))
        PyErr_Format(type, "%s%U %U", what, place, wrong);
    Py_XDECREF(place);
    Py_XDECREF(arguments);
    Py_DECREF(error);
}

Json json_of(PyObject *value, const char *what)
{
    Writer writer;
    memset(&writer, 0, sizeof writer);
    int failed = put_value(&writer, value, 0);
    if (failed) {
        explain(&writer, what);
        PyMem_RawFree(writer.bytes);
        writer.bytes = NULL;
        for (int depth = 0; depth < MAX_DEPTH; depth++)
            Py_CLEAR(writer.keys[depth]);
    }
    return (Json){writer.bytes, writer.len};
}

void json_setup(PyObject *plain_function, PyObject *key_function, PyObject *exception)
{
    plain = Py_NewRef(plain_function);
    key_text = Py_NewRef(key_function);
    inexpressible = Py_NewRef(exception);
}
