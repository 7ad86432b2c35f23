/* The exports: one run from its envelope to its end. */
#include "guest.h"
#include <stdlib.h>
#include <string.h>

bool started;

static Step step;
static void *reserve; /* freed when the program has failed, so that an out-of-memory error can still be reported */

enum { RESERVE_BYTES = 256 * 1024 };

/* What the library in `../lib` gives, see its `run.py`. */
static struct {
    PyObject *globals; /* of `__main__` */
    PyObject *prepare; /* prepare(source, input) -> None, or the syntax tree to compile instead */
    PyObject *begin; /* begin(value): what the program's code gave, maybe to be awaited */
    PyObject *complete; /* complete(call id, is a value, JSON) */
    PyObject *run; /* run() -> (value,) at the end, or when the next timer is due in ns, -1 for none */
    PyObject *report; /* report(error) -> what the host is told of it; None when it is no failure */
} library;

static Step *end_with(enum StepTag tag, Json text)
{
    module_flush();
    step = (Step){.tag = tag, .text = text.bytes, .len = (uint32_t)text.len, .wake_at = -1};
    return &step;
}

static Step *done(PyObject *value)
{
    Json json = json_of(value, "the program's value");
    if (!json.bytes)
        return NULL;
    return end_with(DONE, json);
}

/* Ends the run with the current exception. */
static Step *fail(void)
{
    static char NO_MEMORY[] = "{\"name\":\"MemoryError\",\"message\":\"out of memory\","
                              "\"stack\":\"MemoryError: out of memory\",\"out_of_memory\":true}";
    static char UNKNOWN[] = "{\"name\":\"RuntimeError\",\"message\":\"the error could not be described\",\"stack\":\"\"}";
    free(reserve);
    reserve = NULL;
    PyObject *error = PyErr_GetRaisedException();
    bool out_of_memory = PyErr_GivenExceptionMatches(error, PyExc_MemoryError);
    for (int tries = 0; tries < 2; tries++) {
        PyObject *told = PyObject_CallOneArg(library.report, error);
        Json json = {NULL, 0};
        if (told == Py_None)
            json = json_of(Py_None, "");
        else if (told)
            json = json_of(told, "the error");
        enum StepTag tag = told == Py_None ? DONE : FAILED;
        Py_XDECREF(told);
        if (json.bytes)
            return end_with(tag, json);
        out_of_memory |= PyErr_ExceptionMatches(PyExc_MemoryError);
        PyErr_Clear();
    }
    return end_with(FAILED, out_of_memory ? (Json){NO_MEMORY, sizeof NO_MEMORY - 1} : (Json){UNKNOWN, sizeof UNKNOWN - 1});
}

static Step *run(void)
{
    PyObject *state = PyObject_CallNoArgs(library.run);
    if (!state)
        return fail();
    if (PyTuple_Check(state)) {
        Step *end = done(PyTuple_GET_ITEM(state, 0));
        Py_DECREF(state);
        return end ? end : fail();
    }
    module_flush();
    step = (Step){.tag = WAITING, .wake_at = PyLong_AsLongLong(state)};
    Py_DECREF(state);
    return PyErr_Occurred() ? fail() : &step;
}

static uint32_t read_u32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static Text next_section(const char **at)
{
    Text section = {*at + 4, (Py_ssize_t)read_u32(*at), NULL};
    *at = section.bytes + section.len + 1;
    return section;
}

/* Editors put a byte order mark in front of UTF-8. */
static Text without_mark(Text source)
{
    bool marked = source.len >= 3 && !memcmp(source.bytes, "\xef\xbb\xbf", 3);
    return marked ? (Text){source.bytes + 3, source.len - 3, NULL} : source;
}

static PyObject *string_of(Text text)
{
    return PyUnicode_DecodeUTF8(text.bytes, text.len, "replace");
}

static PyObject *compile(Text source, Text input)
{
    PyObject *texts[2] = {string_of(source), string_of(input)};
    PyObject *tree = texts[0] && texts[1] ? PyObject_Vectorcall(library.prepare, texts, 2, NULL) : NULL;
    Py_XDECREF(texts[0]);
    Py_XDECREF(texts[1]);
    PyObject *code = tree ? program_compile(source.bytes, tree == Py_None ? NULL : tree) : NULL;
    Py_XDECREF(tree);
    return code;
}

static Step *start_program(Text source, Text input)
{
    PyObject *code = compile(source, input);
    PyObject *value = code ? PyEval_EvalCode(code, library.globals, library.globals) : NULL;
    Py_XDECREF(code);
    PyObject *begun = value ? PyObject_CallOneArg(library.begin, value) : NULL;
    Py_XDECREF(value);
    if (!begun)
        return fail();
    Py_DECREF(begun);
    return run();
}

EXPORT("alloc") void *guest_alloc(uint32_t len)
{
    return malloc(len);
}

/* The envelope stays: upstreams' names are read when they are asked for. */
EXPORT("start") Step *guest_start(const char *envelope, uint32_t len)
{
    (void)len;
    started = true;
    Text source = without_mark(next_section(&envelope));
    next_section(&envelope); /* positions are the program's own */
    Text input = next_section(&envelope);
    upstream_names = string_of(next_section(&envelope));
    return upstream_names ? start_program(source, input) : fail();
}

EXPORT("resume") Step *guest_resume(char *completions, uint32_t len)
{
    const char *at = completions, *stop = completions + len;
    bool failed = false;
    while (!failed && at < stop) {
        int64_t id;
        memcpy(&id, at, sizeof id);
        uint32_t status = read_u32(at + 8), json_len = read_u32(at + 12);
        PyObject *done = PyObject_CallFunction(library.complete, "Lis#", (long long)id, (int)(status == 0), at + 16,
                                               (Py_ssize_t)json_len);
        failed = !done;
        Py_XDECREF(done);
        at += 16 + json_len + 1;
    }
    free(completions);
    return failed ? fail() : run();
}

extern const struct _frozen library_modules[];

/* The snapshot cannot be made: says why, to whoever builds it. */
static void must(bool holds, const char *what)
{
    if (holds)
        return;
    started = true;
    if (PyErr_Occurred())
        PyErr_Print();
    module_flush();
    host_write(2, what, strlen(what));
    __builtin_trap();
}

static void configure(PyConfig *config)
{
    PyConfig_InitIsolatedConfig(config);
    config->use_hash_seed = 1;
    config->hash_seed = 0;
    config->site_import = 0;
    config->install_signal_handlers = 0;
    config->write_bytecode = 0;
    config->use_frozen_modules = 1;
    config->pathconfig_warnings = 0;
    config->module_search_paths_set = 1;
    config->parse_argv = 0;
    wchar_t **texts[] = {&config->program_name, &config->executable, &config->base_executable, &config->prefix,
                         &config->base_prefix, &config->exec_prefix, &config->base_exec_prefix, &config->stdlib_dir};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        must(!PyStatus_Exception(PyConfig_SetString(config, texts[i], i ? L"" : L"python")), "config");
    must(!PyStatus_Exception(PyConfig_SetString(config, &config->platlibdir, L"lib")), "config");
}

static PyObject *from_library(PyObject *module, const char *name)
{
    PyObject *value = PyObject_GetAttrString(module, name);
    must(value, name);
    return value;
}

/* Runs programs as the host will, so that no run has to do what only the first one does. */
static void warm(void)
{
    enum { ROUNDS = 60 };
    static const char JSON[] = "{\"key\": [1, 2.5, null]}";
    static const Text INPUT = {JSON, sizeof JSON - 1, NULL};
    PyObject *module = PyImport_ImportModule("_conduit_lib.warm");
    must(module, "the warming");
    PyObject *programs = from_library(module, "PROGRAMS"), *clean = from_library(module, "clean");
    for (int round = 0; round < ROUNDS; round++) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(programs); i++) {
            Text source = text_of(PyTuple_GET_ITEM(programs, i));
            Step *end = start_program(source, INPUT);
            if (end->tag == WAITING) {
                PyObject *done = PyObject_CallFunction(library.complete, "iis", 0, 1, INPUT.bytes);
                must(done, "a call");
                Py_DECREF(done);
                end = run();
            }
            PyObject *cleaned = PyObject_CallFunction(clean, "i", (int)end->tag);
            must(cleaned, "cleaning");
            Py_DECREF(cleaned);
            PyMem_RawFree((void *)end->text);
        }
    }
    Py_DECREF(programs);
    Py_DECREF(clean);
    Py_DECREF(module);
    must(PyImport_ImportModule("_conduit_lib.sealed"), "sealing");
}

EXPORT("wizer-initialize") void guest_initialize(void)
{
    must(!heap_begin(), "memory");
    PyPreConfig pre;
    PyPreConfig_InitIsolatedConfig(&pre);
    pre.utf8_mode = 1;
    pre.configure_locale = 0;
    must(!PyStatus_Exception(Py_PreInitialize(&pre)), "pre-initialisation");
    must(!PyImport_AppendInittab("_conduit", module_init), "_conduit");
    PyImport_FrozenModules = library_modules;
    PyConfig config;
    configure(&config);
    must(!PyStatus_Exception(Py_InitializeFromConfig(&config)), "initialisation");
    PyConfig_Clear(&config);
    PyObject *module = PyImport_ImportModule("_conduit_lib.run");
    must(module, "the library");
    library.globals = from_library(module, "program_globals");
    library.prepare = from_library(module, "prepare");
    library.begin = from_library(module, "begin");
    library.complete = from_library(module, "complete");
    library.run = from_library(module, "run");
    library.report = from_library(module, "report");
    Py_DECREF(module);
    warm();
    reserve = malloc(RESERVE_BYTES);
    must(reserve && !heap_seal(), "memory");
}
