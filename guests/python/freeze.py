"""Compiles the standard library and ours to one table of frozen modules: `frozen.c`, with the code in `frozen.bin`.

Usage: freeze.py LIB OURS ZONEINFO OUT, run by a CPython of the version that is built.
"""

import marshal
import pathlib
import sys

# What could never be imported, or is of no use without files, screens, processes and other systems; `LIMITATIONS.md` has the
# reasons. What is left out here and named in `lib/_conduit_lib/refused.py` says so when it is imported.
SKIPPED = set("""
    __hello__ __phello__ _aix_support _android_support _apple_support _ios_support _osx_support _pyrepl antigravity bz2 ctypes
    curses dbm ensurepip ftplib idlelib imaplib lib2to3 lzma mailbox mmap multiprocessing nturl2path poplib pty pydoc pydoc_data
    site-packages smtplib socketserver sqlite3 ssl test this tkinter tty turtle turtledemo venv webbrowser wsgiref xmlrpc zipapp
""".split())
SKIPPED_PARTS = {"http.server", "__pycache__"}


def modules(folder):
    """(name, is a package, path) of each module below a folder."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if package else parts)
        if parts[0] not in SKIPPED and name not in SKIPPED_PARTS and not SKIPPED_PARTS.intersection(parts):
            yield name, package, path.read_bytes()


def zones(folder):
    """The time zones as the source of a module."""
    names = [line for line in (folder.parent / "zones").read_text().split() if line]
    return "ZONES = " + repr({name: (folder / name).read_bytes() for name in sorted(names)})


def main(library, ours, zoneinfo, out):
    table = list(modules(library)) + list(modules(ours))
    table.append(("_conduit_zones", False, zones(zoneinfo)))
    # `sysconfig` looks for it; there is nothing to tell of the build.
    table.append(("_sysconfigdata__wasi_wasm32-wasi", False, "build_time_vars = {}"))
    blob, rows = bytearray(), []
    for name, package, source in table:
        code = marshal.dumps(compile(source, f"<frozen {name}>", "exec", dont_inherit=True, optimize=0))
        blob += bytes(-len(blob) % 16)
        rows.append(f'    {{"{name}", BYTES + {len(blob)}, {len(code)}, {int(package)}}},\n')
        blob += code
    (out / "frozen.bin").write_bytes(blob)
    (out / "frozen.c").write_text(
        "#include <Python.h>\n\n"
        "static const unsigned char BYTES[] __attribute__((aligned(16))) = {\n#embed \"frozen.bin\"\n};\n\n"
        f"const struct _frozen library_modules[] = {{\n{''.join(rows)}    {{0}},\n}};\n"
    )
    print(len(rows), "modules,", len(blob), "bytes")


main(*map(pathlib.Path, sys.argv[1:]))
