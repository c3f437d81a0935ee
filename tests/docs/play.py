"""Runs a Python program of a page, which may `await` at its top; complaints name the page and its lines."""

import ast
import asyncio
import inspect
import linecache
import sys
import traceback

file, page = sys.argv[1:]
with open(file, encoding="utf-8") as source:
    text = source.read()
# The interpreter's own way to tell of an exception looks for files.
sys.excepthook = traceback.print_exception
linecache.cache[page] = (len(text), None, text.splitlines(keepends=True), page)
code = compile(text, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
result = eval(code, {"__name__": "__main__"})
if inspect.iscoroutine(result):
    asyncio.run(result)
