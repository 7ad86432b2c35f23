/* The module `_conduit`: what the library in `../lib` needs of C. */
#include "guest.h"
#include <string.h>

PyObject *upstream_names;

/* What was printed and not yet written, of one stream at a time: an entry is a line, or several printed at once. */
static struct {
    int32_t stream;
    uint32_t len;
    char bytes[8 * 1024];
} pending;

void module_flush(void)
{
    if (pending.len && started)
        host_write(pending.stream, pending.bytes, pending.len);
    pending.len = 0;
}

static void replace_surrogates(char *at, char *end)
{
    /* CPython's "surrogatepass" keeps one as three bytes (ED A0..BF xx): U+FFFD has the same length. */
    while (at < end && (at = memchr(at, 0xed, end - at))) {
        if (end - at >= 3 && (uint8_t)at[1] >= 0xa0)
            memcpy(at, "\xef\xbf\xbd", 3);
        at++;
    }
}

Text text_of(PyObject *string)
{
    Text text = {NULL, 0, NULL};
    text.bytes = PyUnicode_AsUTF8AndSize(string, &text.len);
    if (text.bytes || !PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return text;
    PyErr_Clear();
    text.owner = PyUnicode_AsEncodedString(string, "utf-8", "surrogatepass");
    if (!text.owner)
        return text;
    text.len = PyBytes_GET_SIZE(text.owner);
    text.bytes = PyBytes_AS_STRING(text.owner);
    replace_surrogates((char *)text.bytes, (char *)text.bytes + text.len);
    return text;
}

void text_free(Text text)
{
    Py_XDECREF(text.owner);
}

static void write_text(int32_t stream, Text text)
{
    bool fits = text.len <= (Py_ssize_t)sizeof pending.bytes;
    if (stream != pending.stream || !fits || text.len > (Py_ssize_t)(sizeof pending.bytes - pending.len))
        module_flush();
    pending.stream = stream;
    if (!fits) {
        if (started)
            host_write(stream, text.bytes, text.len);
        return;
    }
    memcpy(pending.bytes + pending.len, text.bytes, text.len);
    pending.len += text.len;
    if (text.len && text.bytes[text.len - 1] == '\n')
        module_flush();
}

static PyObject *write_to(int32_t stream, PyObject *string)
{
    if (!PyUnicode_Check(string))
        return PyErr_Format(PyExc_TypeError, "write() argument must be str, not %.80s", Py_TYPE(string)->tp_name);
    Text text = text_of(string);
    if (!text.bytes)
        return NULL;
    write_text(stream, text);
    text_free(text);
    return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(string));
}

static PyObject *write_stdout(PyObject *module, PyObject *string)
{
    (void)module;
    return write_to(1, string);
}

static PyObject *write_stderr(PyObject *module, PyObject *string)
{
    (void)module;
    return write_to(2, string);
}

static PyObject *flush(PyObject *module, PyObject *nothing)
{
    (void)module, (void)nothing;
    module_flush();
    Py_RETURN_NONE;
}

/* submit(kind, name, arguments) -> the call's id */
static PyObject *submit(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 3 || !PyLong_Check(arguments[0]) || !PyUnicode_Check(arguments[1]))
        return PyErr_Format(PyExc_TypeError, "submit(kind, name, arguments)");
    long kind = PyLong_AsLong(arguments[0]);
    Text name = text_of(arguments[1]);
    if (!name.bytes)
        return NULL;
    PyObject *id = NULL;
    Json json = json_of(arguments[2], "the argument");
    if (json.bytes) {
        module_flush();
        int64_t call = started ? host_submit(kind, name.bytes, name.len, json.bytes, json.len) : 0;
        id = PyLong_FromLongLong(call);
        PyMem_RawFree(json.bytes);
    }
    text_free(name);
    return id;
}

static PyObject *names(PyObject *module, PyObject *nothing)
{
    (void)module, (void)nothing;
    return Py_NewRef(upstream_names ? upstream_names : Py_None);
}

static PyObject *set_json(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count == 3)
        json_setup(arguments[0], arguments[1], arguments[2]);
    Py_RETURN_NONE;
}

static PyMethodDef METHODS[] = {
    {"write_stdout", write_stdout, METH_O, NULL},
    {"write_stderr", write_stderr, METH_O, NULL},
    {"flush", flush, METH_NOARGS, NULL},
    {"submit", (PyCFunction)(void *)submit, METH_FASTCALL, NULL},
    {"upstream_names", names, METH_NOARGS, NULL},
    {"set_json", (PyCFunction)(void *)set_json, METH_FASTCALL, NULL},
    {0},
};

static struct PyModuleDef DEFINITION = {PyModuleDef_HEAD_INIT, .m_name = "_conduit", .m_size = -1, .m_methods = METHODS};

PyObject *module_init(void)
{
    return PyModule_Create(&DEFINITION);
}
