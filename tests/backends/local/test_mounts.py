"""The thread that mounts."""

import os
import threading

import pytest

from faaslab.backends.local.host.mounts import Mounts

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may have a mount namespace of its own"
)


def test_who_comes_while_it_is_closed_neither_hangs_nor_keeps_it_from_ending():
    mounts = Mounts()
    working, go_on = threading.Event(), threading.Event()
    results = []

    def long():
        working.set()
        return go_on.wait(20)

    threads = [threading.Thread(target=lambda: results.append(mounts.run(long)))]
    threads[0].start()
    assert working.wait(20)
    threads.append(threading.Thread(target=mounts.close))
    threads[1].start()
    while mounts._thread is not None:
        pass
    assert mounts.run(lambda: 2) == 2
    go_on.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    mounts.close()
    assert results == [True]
