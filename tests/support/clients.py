"""Clients that send requests from their own threads until they are stopped."""
import threading

from support.process import wait_until


class Clients:
    """`count` threads of `_run(number)`, which runs until `stopping` is set. check() raises the error of a thread in the
    main thread."""

    def __init__(self, count, patience=30):
        self.patience = patience  # seconds for the last responses after stopping
        self.stopping = threading.Event()
        self.failures = []
        # Daemon threads, so that a test that fails before stop() can end.
        self.threads = [threading.Thread(target=self._guarded, args=(number,), daemon=True) for number in range(count)]

    def _run(self, number):
        raise NotImplementedError

    def _guarded(self, number):
        try:
            self._run(number)
        except BaseException as error:  # for the main thread to raise
            self.failures.append(error)

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def done(self):
        """The number of completed requests, for wait_for()."""
        raise NotImplementedError

    def wait_for(self, count, seconds=30):
        """Returns after `count` more requests."""
        target = self.done() + count
        wait_until(lambda: self.failures or self.done() >= target, seconds, f"{count} more answers")
        self.check()

    def join(self):
        """Waits for clients with a finite amount of work."""
        for thread in self.threads:
            thread.join(self.patience)
            if thread.is_alive():
                self.failures.append(AssertionError(f"a client has not ended within {self.patience} s"))

    def end(self):
        self.stopping.set()
        self.join()

    def check(self):
        if self.failures:
            raise self.failures[0]

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.end()
        if kind is None:
            self.check()
