"""What programs look for and that is not here, with the reason: modules, files, threads, sockets, processes."""

import _signal
import _thread
import builtins
import errno
import http.client
import io
import os
import posix
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

_NO_NETWORK = "there is no network: call tools"
_NO_PROCESSES = "there are no processes: call tools"
_NO_TERMINAL = "there is no terminal and no screen"
_NO_FILES = "there are no files: use values, `io.StringIO` or `io.BytesIO`"
_NO_NATIVE = "there is no native code: the sandbox runs Python only"
_NO_SYSTEM = "there is no such operating system"
_NO_LIBRARY = "its C library is not in the sandbox"

#: `LIMITATIONS.md` says the same.
REASONS = {
    module: reason
    for reason, modules in {
        _NO_NETWORK: "ftplib http.server imaplib poplib smtplib socketserver ssl webbrowser wsgiref xmlrpc "
        "aiohttp httpx requests urllib3",
        _NO_PROCESSES: "multiprocessing pty",
        _NO_TERMINAL: "antigravity curses idlelib pydoc pydoc_data readline termios this tkinter tty turtle turtledemo",
        _NO_FILES: "dbm ensurepip fcntl mailbox mmap venv zipapp",
        _NO_NATIVE: "ctypes",
        _NO_SYSTEM: "grp msvcrt nt nturl2path pwd resource syslog winreg winsound",
        f"{_NO_LIBRARY}: use zlib, gzip or zipfile": "bz2 lzma",
        f"{_NO_LIBRARY}: use dicts and lists, or a tool": "sqlite3",
    }.items()
    for module in modules.split()
}


class Finder:
    """The last finder: says why a module is not here."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        reason = REASONS.get(name) or REASONS.get(name.partition(".")[0])
        if reason is None and "." not in name and name not in sys.stdlib_module_names:
            reason = "programs have Python's standard library and `tools`, and no packages"
        # Who only asks, as `importlib.util.find_spec` does, hears that there is none.
        if reason is not None and sys._getframe(2).f_code.co_name == "_find_and_load_unlocked":
            raise ModuleNotFoundError(f"no module named {name!r}: {reason}", name=name)


def open(file, mode="r", *args, **kwargs):
    """Takes the place of the built-in `open`."""
    if "r" in mode and "+" not in mode:
        raise FileNotFoundError(errno.ENOENT, f"no such file, {_NO_FILES}", file)
    raise OSError(errno.EROFS, _NO_FILES, file)


def no_thread(*args, **kwargs):
    raise RuntimeError("there are no threads: use asyncio, whose tool calls overlap, or call the function")


def no_network(*args, **kwargs):
    raise OSError(errno.ENETUNREACH, _NO_NETWORK)


def no_url(*args, **kwargs):
    raise urllib.error.URLError(_NO_NETWORK)


def no_file(*args, **kwargs):
    raise OSError(errno.EROFS, _NO_FILES)


def no_process(*args, **kwargs):
    raise OSError(errno.ENOTSUP, _NO_PROCESSES)


class Socket:
    __init__ = no_network


def install():
    sys.path.clear()
    sys.path_hooks.clear()
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder.__name__ != "PathFinder"] + [Finder]
    builtins.open = io.open = open
    for module, name in ((_thread, "start_new_thread"), (_thread, "start_joinable_thread"), (threading, "_start_joinable_thread")):
        setattr(module, name, no_thread)
    socket.socket = Socket
    for name in ("create_connection", "create_server", "getaddrinfo", "gethostbyname", "gethostname", "socketpair"):
        setattr(socket, name, no_network)
    urllib.request.urlopen = urllib.request.OpenerDirector.open = no_url
    http.client.HTTPConnection.connect = no_network
    http.client.HTTPSConnection = http.client.HTTPConnection
    # The C library does nothing, and says that it has.
    os.chmod = posix.chmod = no_file
    for name in ("abort", "execv", "execve", "fork", "kill", "popen", "posix_spawn", "system"):
        setattr(os, name, no_process)
    os._exit = posix._exit = sys.exit
    signal.raise_signal = _signal.raise_signal = no_process
    subprocess.Popen.__init__ = no_process
    subprocess.Popen.__del__ = lambda self: None
