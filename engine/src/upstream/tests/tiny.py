"""A tiny MCP server over stdio. Its first argument says how it misbehaves."""
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time

mode = sys.argv[1] if len(sys.argv) > 1 else "legacy"
with open("starts", "a") as starts:
    starts.write(mode + "\n")
link = None
if "LINK" in os.environ:  # the test sees this process, and who inherits the socket, die
    link = socket.create_connection(("127.0.0.1", int(os.environ["LINK"])))
if mode == "needs-ok" and not os.path.exists("ok"):
    sys.exit("no file ok, key is " + os.environ.get("API_KEY", "unset"))
if mode == "mute":
    time.sleep(1000)
if mode == "crowd":  # how many start at the same time as this one
    os.makedirs("starting", exist_ok=True)
    open("starting/%d" % os.getpid(), "w").close()
    with open("crowd", "a") as crowd:
        crowd.write("%d\n" % len(os.listdir("starting")))


def send(**message):
    if mode == "noisy":
        print("starting up... {not json", flush=True)
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def tell(text):
    link.sendall(text.encode() + b"\n")


if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.set_inheritable(link.fileno(), True)
    subprocess.Popen(["sleep", "1000"], close_fds=False)
    tell("family")


def subscribed(method, **params):
    meta = {"io.modelcontextprotocol/subscriptionId": subscription}
    send(method=method, params={"_meta": meta, **params})


discovered = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0,
              "cacheScope": "private", "capabilities": {"tools": {"listChanged": True}}}
subscription = None
tools = ["one", "two", "three"]
methods = []
for line in sys.stdin:
    message = json.loads(line)
    if "method" not in message:  # an answer to garbage
        continue
    method, id, params = message["method"], message.get("id"), message.get("params", {})
    methods.append(method)
    if mode == "crowd" and method == "notifications/initialized":
        os.remove("starting/%d" % os.getpid())
    if mode == "deaf" and method in ("tools/list", "tools/call") and not os.path.exists("ok"):
        continue
    if mode == "wrong-shape":
        send(id=id, result={"surprise": True})
    elif method == "server/discover" and mode == "silent":
        pass
    elif method == "server/discover" and mode in ("late", "late-modern"):
        late = id
    elif method == "server/discover" and mode == "modern":
        send(id=id, result=discovered)
    elif method == "subscriptions/listen":
        subscription = id
        subscribed("notifications/subscriptions/acknowledged", notifications=params["notifications"])
        tell("listening")
    elif method == "initialize" and mode == "late-modern":
        send(id=late, result=discovered)
        send(id=id, error={"code": -32022, "message": "the initialize handshake is not accepted"})
    elif method == "initialize" and mode == "refuses-both":
        send(id=id, error={"code": -32000, "message": "not today"})
    elif method == "initialize":
        if mode == "late":
            send(id=late, error={"code": -32601, "message": "Method not found"})
        send(id=id, result={"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                            "serverInfo": {"name": "tiny", "version": "1"}})
    elif method == "tools/list" and mode == "no-tools":
        send(id=id, result={"tools": "none"})
    elif method == "tools/list" and mode in ("same-cursor", "endless-pages"):
        cursor = "again" if mode == "same-cursor" else str(len(methods))
        send(id=id, result={"tools": [], "nextCursor": cursor})
    elif method == "tools/list":  # one tool per page
        at = int(params.get("cursor") or 0)
        page = {"tools": [{"name": tools[at], "inputSchema": {"type": "object"}}]}
        if at + 1 < len(tools):
            page["nextCursor"] = str(at + 1)
        send(id=id, result=page)
    elif method == "notifications/cancelled":
        tell("cancelled")
    elif method == "tools/call":
        name = params["name"]
        if name == "die":
            with open("died", "a") as died:
                died.write("x")
            os._exit(3)
        elif name == "hang":
            tell("hanging")
            continue
        elif name == "stand-still":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif name == "refuse":
            send(id=id, error={"code": -32042, "message": "no", "data": {"why": "because"}})
            continue
        elif name == "progress":
            token = params["_meta"]["progressToken"]
            for at in range(50):
                send(method="notifications/progress", params={"progressToken": token, "progress": at})
        elif name == "grow":
            tools.append("four")
            if subscription is not None:
                subscribed("notifications/tools/list_changed")
            else:
                send(method="notifications/tools/list_changed")
        elif name == "shrink":
            tools.pop()
            send(method="notifications/tools/list_changed")
        elif name == "wrong":
            send(id=id, result={"content": "none"})
            continue
        elif name == "deep":
            print('{"jsonrpc":"2.0","id":%d,"result":{"content":[],"structuredContent":%s}}'
                  % (id, "[" * 200 + "]" * 200), flush=True)
            continue
        elif name == "too-large":
            send(id=id, result={"content": [{"type": "text", "text": "x" * (17 << 20)}]})
            continue
        elif name == "endless-line":
            for _ in range(40):
                sys.stdout.write("x" * (1 << 20))
            sys.stdout.write("\n")
            sys.stdout.flush()
            continue
        elif name == "garbage":
            sys.stdout.buffer.write(b"\xff\x00{[\n\n[]\n{}\n7\n{\"jsonrpc\":\"2.0\"}\n")
        elif name == "twice":
            send(id=id + 1, result={"content": [], "structuredContent": {"pid": 0}})
        signal_on_death = ctypes.c_int(-1)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(2, ctypes.byref(signal_on_death))
        text = "x" * (10 << 20) if name == "large" else ""
        answer = {"content": [{"type": "text", "text": text}], "structuredContent": {
            "pid": os.getpid(), "env": dict(os.environ), "cwd": os.getcwd(), "methods": methods,
            "signal_on_death": signal_on_death.value, "arguments": params.get("arguments")}}
        for _ in range(2 if name == "twice" else 1):
            send(id=id, result=answer)
    elif id is not None:
        send(id=id, error={"code": -32601, "message": "Method not found"})
if mode == "stubborn":
    time.sleep(1000)
