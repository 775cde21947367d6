"""Debian's Chromium, which shows pages of a web server of the test."""
import contextlib
import http.server
import os
import shutil
import threading

from support.process import Process

CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--disable-gpu", "--no-sandbox", "--disable-background-networking", "--no-first-run",
         "--disable-dev-shm-usage"]


class Site:
    """A web server with one page. The page reports its end with a request for /done?RESULT."""

    def __init__(self, page):
        self.result = None
        self.done = threading.Event()
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b""
                if self.path.startswith("/done"):
                    site.result = self.path.partition("?")[2]
                    site.done.set()
                elif self.path == "/":
                    body = page.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def site(page):
    one = Site(page)
    try:
        yield one
    finally:
        one.close()


def show(address, until, folder, *flags, seconds=60):
    """Opens the address in a browser of its own and waits for the event `until`."""
    profile = folder / "profile"
    profile.mkdir(exist_ok=True)
    log = folder / "chromium.log"
    browser = Process([CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", *flags, address], log,
                      environment=dict(os.environ, HOME=str(folder)), folder=folder)
    try:
        assert until.wait(seconds), f"the page did not come to its end:\n{log.read_text(errors='replace')[-3000:]}"
    finally:
        browser.kill()
