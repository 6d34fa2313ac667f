"""The peers' end of the protocol that benches/src/main.rs describes."""

import gc
import json
import os
import sys
import time
import traceback

# Libraries print to standard output, some of them from C: keep the conductor's line for ourselves.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

# The index of the untimed run that belongs to loading.
WARMING = 2**64 - 1


def prompt_of(order, index):
    """Differs from run to run, so that every run encodes it; as many tokens in each."""
    return f"{order['prompt']} {0 if index == WARMING else index + 1:02}"


def serve(about, kinds, set_threads=lambda threads: None, forget=lambda: None):
    loaded = {}

    def obey(order):
        if order["do"] == "about":
            return about()
        if order["do"] == "load":
            start = time.perf_counter()
            work = kinds[order["kind"]](order)
            work(WARMING)
            loaded[order["name"]] = work
            return {"seconds": time.perf_counter() - start}
        if order["do"] == "run":
            set_threads(order["threads"])
            work, repeat, index = loaded[order["name"]], max(order["repeat"], 1), order["index"]
            start = time.perf_counter()
            for _ in range(repeat):
                work(index)
            return {"seconds": (time.perf_counter() - start) / repeat}
        if order["do"] == "clear":
            loaded.clear()
            forget()
            gc.collect()
            return {}
        raise ValueError(order["do"])

    for line in sys.stdin:
        try:
            answer = obey(json.loads(line))
        except Exception as error:  # the conductor leaves this row out and says why
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        answers.write(json.dumps(answer) + "\n")
