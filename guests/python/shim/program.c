/* A program becomes code: a module with top-level `await` and `return`, whose last expression is its value. */
#define Py_BUILD_CORE
#include "guest.h"
#include "pycore_ast.h"
#include "pycore_compile.h"
#include "pycore_parser.h"
#include "pycore_pyarena.h"

/* The value of the last statement, when this is an expression, is that of the program. */
static void return_last_expression(mod_ty module)
{
    asdl_stmt_seq *body = module->v.Module.body;
    Py_ssize_t count = asdl_seq_LEN(body);
    stmt_ty last = count ? asdl_seq_GET(body, count - 1) : NULL;
    if (!last || last->kind != Expr_kind)
        return;
    expr_ty value = last->v.Expr.value;
    last->kind = Return_kind;
    last->v.Return.value = value;
}

static PyObject *compile(const char *source, PyObject *tree, PyObject *file, PyArena *arena)
{
    PyCompilerFlags flags = {PyCF_ALLOW_TOP_LEVEL_AWAIT | PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE, PY_MINOR_VERSION};
    mod_ty module = tree ? PyAST_obj2mod(tree, arena, 0)
                         : _PyParser_ASTFromString(source, file, Py_file_input, &flags, arena);
    if (!module)
        return NULL;
    return_last_expression(module);
    return (PyObject *)_PyAST_Compile(module, file, &flags, -1, arena);
}

PyObject *program_compile(const char *source, PyObject *tree)
{
    PyArena *arena = _PyArena_New();
    PyObject *file = PyUnicode_InternFromString(PROGRAM_FILE);
    PyObject *code = arena && file ? compile(source, tree, file, arena) : NULL;
    Py_XDECREF(file);
    if (arena)
        _PyArena_Free(arena);
    return code;
}
