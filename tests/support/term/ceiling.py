"""A worker with so much memory and no more."""

import resource
from multiprocessing import get_context
from pathlib import Path

from providers import memory
from term import NOW, installed
from worker.synchronize import synchronize

PATIENCE_SECONDS = 90


def run_under(megabytes, url, stores, idents):
    """How a run of each ended, in a process of its own that may take so much more memory than it begins with, and how
    much it did take, in megabytes.
    """
    context = get_context("spawn")
    told, tell = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(tell, megabytes, url, stores, idents))
    process.start()
    tell.close()
    try:
        return told.recv() if told.poll(PATIENCE_SECONDS) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()
        told.close()


def _run(tell, megabytes, url, stores, idents):
    installation = installed(url, {"memory": memory.Settings()}, stores)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    present = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    ceiling = present + megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    reports = [synchronize(installation, ident, lambda: NOW) for ident in idents]
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 - before
    tell.send(([(each.outcome, each.created, each.detail) for each in reports], taken))
    installation.close()
