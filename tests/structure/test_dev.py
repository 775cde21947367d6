"""`dev` with stand-ins for apt, CMake, npm and ninja: what it asks of them, in which order, and what it says."""
import os
import pathlib
import pty
import shutil
import stat
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Everything is installed, except what is named in the file `missing`.
DPKG_QUERY = """for one in "${@:3}"; do grep -qx -- "$one" "$HERE/missing" 2>/dev/null || echo "$one installed"; done"""
# Notes the options in the cache, like CMake.
CMAKE = """echo "cmake $*" >>"$HERE/calls"
folder=build/$2; touch "$folder/build.ninja" "$folder/CMakeCache.txt"
for one in "$@"; do case "$one" in -D*=*)
  name=${one#-D}; name=${name%%=*}; sed -i "/^$name:/d" "$folder/CMakeCache.txt"; echo "$name:BOOL=${one#*=}" >>"$folder/CMakeCache.txt"
esac; done"""
# Says what the file `ninja.<target>` has, if there is one, and then fails.
NINJA = """target=${*: -1}; echo "ninja $target" >>"$HERE/calls"
if [ -f "$HERE/ninja.$target" ]; then cat "$HERE/ninja.$target"; exit 1; fi
if [ -f "$HERE/done" ]; then echo 'ninja: no work to do.'; exit 0; fi
for n in 1 2 3; do echo "[$n/3] Building CXX object part_$n.o"; done
if [ "$target" = tps ]; then printf '#!/bin/sh\\necho "served $*; TPS_PAGES=${TPS_PAGES-}"\\n' >tps; chmod +x tps; fi"""


@pytest.fixture(name="dev")
def dev_fixture(tmp_path):
    return Dev(tmp_path)


class Dev:
    def __init__(self, here):
        self.here, self.root = here, here / "clone"
        for name in ("dev", "tools/packages.txt", "CMakePresets.json"):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        self.script("clone/tools/install_packages", 'echo "install $*" >>"$HERE/calls"')
        self.script("clone/tests/infra/containers/why_no_containers", "echo not here")
        for name, text in {"dpkg-query": DPKG_QUERY, "cmake": CMAKE, "ninja": NINJA, "apt-get": ":", "ctest": ":",
                           "sudo": '"$@"'}.items():
            self.script(f"bin/{name}", text)

    def script(self, name, text):
        path = self.here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, *arguments, output=subprocess.PIPE, **environment):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TPS_")}
        env = kept | {"PATH": f"{self.here}/bin:/usr/bin:/bin", "HERE": str(self.here), "TPS_JOBS": "2"} | environment
        return subprocess.run([self.root / "dev", *arguments], stdout=subprocess.PIPE, stderr=output, text=True, env=env,
                              check=False, timeout=60)

    def calls(self):
        """The commands since the last time."""
        file = self.here / "calls"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines


def test_npm_comes_before_the_compilers(dev):
    assert dev.run("build").returncode == 0
    assert dev.calls() == ["cmake --preset release -DTPS_PAGES=ON", "ninja tps_pages_npm", "ninja tps"]


@pytest.mark.parametrize(("log", "reason", "advice"), [
    ("npm ERR! code ENOTFOUND\nnpm ERR! syscall getaddrinfo\n", "ENOTFOUND", False),
    ("npm error code ECONNREFUSED\n", "ECONNREFUSED", False),
    ("npm ERR! code SELF_SIGNED_CERT_IN_CHAIN\n", "SELF_SIGNED_CERT_IN_CHAIN", True),
    ("npm error code UNABLE_TO_GET_ISSUER_CERT_LOCALLY\n", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", True),
])
def test_a_failure_of_npm_is_one_line_with_the_way_out(dev, log, reason, advice):
    (dev.here / "ninja.tps_pages_npm").write_text(f"FAILED: pages/swagger-ui.css\n{log}", encoding="utf-8")
    done = dev.run("build")
    assert done.returncode == 1
    told = done.stderr.splitlines()[-1]
    assert reason in told and told.endswith("TPS_PAGES=off ./dev build")
    assert ("NODE_EXTRA_CA_CERTS" in told) == advice
    assert "FAILED" not in done.stderr and "ninja tps" not in dev.calls()


def test_a_failure_before_npm_is_shown_whole(dev):
    (dev.here / "ninja.tps_pages_npm").write_text("CMake Error: broken\n", encoding="utf-8")
    done = dev.run("build")
    assert done.returncode == 1 and "CMake Error: broken" in done.stderr and "TPS_PAGES" not in done.stderr


def test_without_pages_neither_npm_nor_node_is_needed(dev):
    (dev.here / "missing").write_text("ca-certificates\ncmake\n", encoding="utf-8")
    assert dev.run("build", TPS_PAGES="off").returncode == 0
    assert dev.calls() == ["install cmake", "cmake --preset release -DTPS_PAGES=OFF", "ninja tps"]
    assert dev.run("build", TPS_PAGES="on").returncode == 0
    assert dev.calls()[0] == "install ca-certificates cmake"


def test_the_choice_of_pages_lasts(dev):
    dev.run("build", TPS_PAGES="off")
    dev.calls()
    dev.run("build")
    assert dev.calls() == ["ninja tps"]
    dev.run("build", TPS_PAGES="on")
    assert dev.calls() == ["cmake --preset release -DTPS_PAGES=ON", "ninja tps_pages_npm", "ninja tps"]
    assert "TPS_PAGES is 'maybe'; expected on or off" in dev.run("build", TPS_PAGES="maybe").stderr


def test_tps_does_not_get_the_settings_of_the_build(dev):
    done = dev.run("serve", "--listen", "x", TPS_PAGES="off")
    assert done.stdout == "served serve --listen x; TPS_PAGES=\n"


def test_warnings_are_errors_for_tests_and_stay_so(dev):
    dev.run("build")
    assert "WERROR" not in str(dev.calls())
    dev.run("test")
    assert dev.calls() == ["cmake --preset release -DTPS_PAGES=ON -DTPS_WERROR=ON", "ninja tps_pages_npm", "ninja all"]
    dev.run("build")
    assert dev.calls() == ["ninja tps_pages_npm", "ninja tps"]


def test_the_first_build_says_how_long_it_takes_and_the_next_says_nothing(dev):
    first, *rest = dev.run("serve").stderr.splitlines()
    assert first == ("dev: building the server, then starting it; the first build takes about 2 minutes with 2 compilers at a time, "
                     "later ones take seconds")
    assert not [line for line in rest if line.startswith("[")]
    (dev.here / "done").touch()
    assert dev.run("build").stderr == ""


def test_a_terminal_shows_one_line_of_progress(dev):
    seen, terminal = pty.openpty()
    assert dev.run("build", output=terminal).returncode == 0
    os.close(terminal)
    text = b""
    while True:
        try:
            text += os.read(seen, 4096)
        except OSError:
            break
    os.close(seen)
    _, steps = text.decode().split("configuring build/release\r\n")
    assert "\r\x1b[K[2/3] Building CXX object part_2.o" in steps and "\n" not in steps


def test_errors_of_the_compiler_are_shown_whole(dev):
    error = "FAILED: part_1.o\n/usr/bin/c++ -o part_1.o\npart_1.cpp:1:1: error: no\n    1 | [x] no\n"
    (dev.here / "ninja.tps").write_text(f"[1/3] Building CXX object part_1.o\n{error}", encoding="utf-8")
    done = dev.run("build")
    assert done.returncode == 1 and done.stderr.endswith(f"{error}dev: the build failed\n")


@pytest.mark.parametrize(("missing", "installed"), [
    ("libboost1.83-dev\n", None),
    ("libboost1.81-dev\n", None),
    ("libboost1.81-dev\nlibboost1.83-dev\n", "install libboost1.81-dev|libboost1.83-dev"),
])
def test_one_of_several_names_is_sufficient(dev, missing, installed):
    (dev.here / "missing").write_text(missing, encoding="utf-8")
    dev.run("build")
    assert [line for line in dev.calls() if line.startswith("install")] == ([installed] if installed else [])


@pytest.mark.parametrize(("known", "wanted"), [
    ("libboost1.81-dev libboost1.83-dev", "libboost1.81-dev"),
    ("libboost1.83-dev", "libboost1.83-dev"),
    ("", "libboost1.81-dev"),
])
def test_apt_installs_the_first_name_that_it_knows(dev, known, wanted):
    dev.script("bin/apt-get", 'echo "$*" >>"$HERE/calls"')
    dev.script("bin/apt-cache", f'case " {known} " in *" ${{*: -1}} "*) echo "Package: ${{*: -1}}" ;; *) exit 100 ;; esac')
    env = os.environ | {"PATH": f"{dev.here}/bin:/usr/bin:/bin", "HERE": str(dev.here)}
    text = (ROOT / "tools/install_packages").read_text(encoding="utf-8").replace("/usr/sbin/policy-rc.d", f"{dev.here}/policy-rc.d")
    dev.script("install", text.partition("\n")[2])
    subprocess.run([dev.here / "install", "libboost1.81-dev|libboost1.83-dev", "ninja-build"], check=True, env=env, timeout=60)
    assert dev.calls()[-1].endswith(f"--no-install-recommends {wanted} ninja-build")
