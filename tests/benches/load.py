"""One kind of client that mints session tokens as fast as it can: `load.py KIND URL CA_FILE CALLS`.

Prints calls per second and microseconds of its own CPU per call as JSON. `tests/bench_python.py` runs and compares
the kinds; each has the same deadlines (10 s to connect, 60 s in all) and reads the same answer to the same values.
"""

import asyncio
import json
import os
import pathlib
import re
import ssl
import sys
import threading
import time
from datetime import datetime, timedelta

IN_FLIGHT, THREADS = 64, 16
HOUR = timedelta(hours=1)
CREDENTIALS = {"client_id": "skc_bench", "client_secret": "bench-secret"}
FORM = {"grant_type": "client_credentials", **CREDENTIALS}
PATH = "/api/v1/mcp/configs/cfg_1/tokens"
BODY = {"identifier": "user_123", "expiry": "3600s"}


def resident_kib():
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path("/proc/self/status").read_text())[1])


def measured(calls, work):
    """A tenth warms up; then the clock runs."""
    work(calls // 10)
    begun, cpu = time.perf_counter(), time.process_time()
    work(calls)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return {"calls_per_s": calls / seconds, "cpu_us": cpu / calls * 1e6}


async def measured_async(calls, mint):
    async def work(count):
        left = iter(range(count))

        async def worker():
            for _ in left:
                await mint()

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))

    await work(calls // 10)
    begun, cpu = time.perf_counter(), time.process_time()
    await work(calls)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return {"calls_per_s": calls / seconds, "cpu_us": cpu / calls * 1e6}


def in_threads(count, mint):
    """Work for `measured`, shared by as many threads."""
    def work(calls):
        left, failures = iter(range(calls)), []
        lock = threading.Lock()

        def worker():
            try:
                while True:
                    with lock:
                        if next(left, None) is None:
                            return
                    mint()
            except BaseException as error:
                failures.append(error)
                raise

        threads = [threading.Thread(target=worker) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            sys.exit(1)

    return work


def check(token, expires_at):
    assert len(token) == 700 and expires_at.year == 2026


async def ours_async(url, ca, calls):
    from scalekit_vmcp import AsyncScalekitClient

    async with AsyncScalekitClient(url, **CREDENTIALS, ca_file=ca) as client:
        mcp = client.actions.mcp

        async def mint():
            minted = await mcp.create_session_token("cfg_1", "user_123", HOUR)
            check(minted.token, minted.expires_at)

        return await measured_async(calls, mint)


async def with_aiohttp(url, ca, calls):
    import aiohttp

    connector = aiohttp.TCPConnector(limit=IN_FLIGHT, ssl=ssl.create_default_context(cafile=ca))
    timeout = aiohttp.ClientTimeout(total=60, sock_connect=10, sock_read=20)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        async with session.post(url + "/oauth/token", data=FORM) as answer:
            answer.raise_for_status()
            access = (await answer.json())["access_token"]
        headers = {"authorization": "Bearer " + access, "x-api-version": "20261012"}

        async def mint():
            async with session.post(url + PATH, json=BODY, headers=headers) as answer:
                answer.raise_for_status()
                minted = await answer.json()
            check(minted["token"], datetime.fromisoformat(minted["expires_at"].replace("Z", "+00:00")))

        return await measured_async(calls, mint)


async def with_httpx(url, ca, calls):
    import httpx

    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    verify = ssl.create_default_context(cafile=ca)
    async with httpx.AsyncClient(base_url=url, verify=verify, limits=limits, timeout=httpx.Timeout(60, connect=10),
                                 trust_env=False) as client:
        answer = await client.post("/oauth/token", data=FORM)
        headers = {"authorization": "Bearer " + answer.raise_for_status().json()["access_token"], "x-api-version": "20261012"}

        async def mint():
            answer = await client.post(PATH, json=BODY, headers=headers)
            minted = answer.raise_for_status().json()
            check(minted["token"], datetime.fromisoformat(minted["expires_at"].replace("Z", "+00:00")))

        return await measured_async(calls, mint)


def ours_blocking(url, ca, calls, threads=THREADS):
    from scalekit_vmcp import ScalekitClient

    with ScalekitClient(url, **CREDENTIALS, ca_file=ca) as client:
        mcp = client.actions.mcp

        def mint():
            minted = mcp.create_session_token("cfg_1", "user_123", HOUR)
            check(minted.token, minted.expires_at)

        return measured(calls, in_threads(threads, mint))


def with_requests(url, ca, calls):
    import requests

    session = requests.Session()
    session.trust_env, session.verify = False, ca
    session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))
    answer = session.post(url + "/oauth/token", data=FORM, timeout=(10, 60))
    answer.raise_for_status()
    headers = {"authorization": "Bearer " + answer.json()["access_token"], "x-api-version": "20261012"}

    def mint():
        answer = session.post(url + PATH, json=BODY, headers=headers, timeout=(10, 60))
        answer.raise_for_status()
        minted = answer.json()
        check(minted["token"], datetime.fromisoformat(minted["expires_at"].replace("Z", "+00:00")))

    return measured(calls, in_threads(THREADS, mint))


def official(url, ca, calls):
    """gRPC over TLS to the same server, as many calls in flight."""
    os.environ["REQUESTS_CA_BUNDLE"] = os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = ca
    from scalekit import ScalekitClient

    mcp = ScalekitClient(url, **CREDENTIALS).actions.mcp

    def mint():
        minted = mcp.create_session_token("cfg_1", "user_123", HOUR)
        check(minted.token, minted.expires_at)

    return measured(calls, in_threads(IN_FLIGHT, mint))


def memory(url, ca, calls):
    """Resident KiB after each tenth of the calls."""
    from scalekit_vmcp import ScalekitClient

    resident = []
    with ScalekitClient(url, **CREDENTIALS, ca_file=ca) as client:
        mcp = client.actions.mcp
        work = in_threads(THREADS, lambda: mcp.create_session_token("cfg_1", "user_123", HOUR))
        for _ in range(10):
            work(calls // 10)
            resident.append(resident_kib())
    return {"resident_kib": resident}


KINDS = {
    "ours-async": ours_async,
    "aiohttp": with_aiohttp,
    "httpx": with_httpx,
    "ours-blocking": ours_blocking,
    "requests": with_requests,
    "official": official,
    "memory": memory,
}


def main():
    kind, url, ca, calls = sys.argv[1:]
    outcome = KINDS[kind](url, ca, int(calls))
    print(json.dumps(asyncio.run(outcome) if asyncio.iscoroutine(outcome) else outcome))


if __name__ == "__main__":
    main()
