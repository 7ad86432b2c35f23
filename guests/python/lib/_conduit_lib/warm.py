"""Run once, before the snapshot: imports what programs import, and does what they do, so that no run has to."""


import abc, argparse, ast, asyncio, base64, binascii, bisect, calendar, cmath, codecs, collections, collections.abc  # noqa
import concurrent.futures, contextlib, contextvars, copy, csv, dataclasses, datetime, decimal, difflib, enum, fractions  # noqa
import functools, graphlib, gzip, hashlib, heapq, hmac, html, html.parser, inspect, io, ipaddress, itertools, json  # noqa
import keyword, linecache, locale, logging, math, mimetypes, numbers, operator, os, pathlib, pickle, pprint, queue  # noqa
import random, re, reprlib, secrets, shlex, signal, statistics, string, struct, sys, tempfile, textwrap, threading, time  # noqa
import timeit, tokenize, traceback, types, typing, unicodedata, urllib.parse, uuid, warnings, weakref, zipfile, zlib  # noqa
import xml.etree.ElementTree, zoneinfo, _strptime  # noqa
import encodings.ascii, encodings.idna, encodings.latin_1, encodings.utf_16, encodings.utf_8_sig  # noqa

from . import run  # noqa: E402

#: What programs do, in small. Each ends well, or as its comment says.
PROGRAMS = (
    "print(1+1)",
    "raise ValueError('told')",  # fails
    "import json\nprint(json.dumps({'a': input}))\nawait tools.test.echo(a=1, b=[2.5, None])",
    "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x\nawait asyncio.gather(f(1), f(2))",
    "import asyncio\nasync def main():\n    return {'b': 1}\nasyncio.run(main())",
)

_kept = dict(run.program_globals)
_WAITING, _DONE, _FAILED = range(3)


def clean(tag):
    """After each program: nothing of it stays."""
    if tag != (_FAILED if "ValueError" in linecache.getline("program.py", 1) else _DONE):
        raise RuntimeError(f"a program ended as {tag}: {linecache.getlines('program.py')}")
    run.program_globals.clear()
    run.program_globals.update(_kept)
    linecache.clearcache()
