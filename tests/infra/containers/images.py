"""The images of the tests: Debian by debootstrap, stand-ins for public images from Debian packages, and our own."""
import os
import pathlib
import shlex
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
FOLDERS = pathlib.Path(__file__).parent / "images"
# Built once: it is the same in every run and takes half a minute.
BASE_ARCHIVE = ROOT / "build" / "infra" / "debian-bookworm.tar"
BASE = "debian:bookworm-slim"

# The image names of docker-compose.yml.
STAND_INS = {
    "postgres": "postgres:15",
    "redis": "redis:7",
    "haproxy": "haproxy:2.6",
    "prometheus": "prom/prometheus:v2.42.0",
    "alertmanager": "prom/alertmanager:v0.25.0",
}
BUILD_SECONDS = 3000
# Number of parallel compilers in the image (empty = one per processor).
JOBS = os.environ.get("TPS_JOBS", "")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def mirror():
    """The Debian mirror of this machine, as the last argument of debootstrap, which has a default."""
    return output("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
                  "Codename: bookworm").splitlines()[:1]


def proxy():
    """The line of apt.conf with this machine's proxy, if it has one."""
    assignment = shlex.split(output("apt-config", "shell", "url", "Acquire::http::Proxy"))
    return f'Acquire::http::Proxy "{assignment[0].removeprefix("url=")}";\n' if assignment else ""


def make_archive(engine):
    tree = engine.folder / "debian"
    engine.run("debootstrap", "--variant=minbase", "bookworm", tree, *mirror(), timeout=600)
    for leftover in [*tree.glob("var/cache/apt/archives/*.deb"), *tree.glob("var/lib/apt/lists/*_*")]:
        leftover.unlink()
    BASE_ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
    unfinished = BASE_ARCHIVE.with_suffix(f".{os.getpid()}")
    engine.run("tar", "--directory", tree, "--create", "--file", unfinished, ".")
    unfinished.rename(BASE_ARCHIVE)
    shutil.rmtree(tree)


def make_base(engine):
    """Imports a plain Debian with this machine's mirror, proxy and certificates, so that builds can install packages."""
    if not BASE_ARCHIVE.exists():
        make_archive(engine)
    engine.docker("import", "--change", 'CMD ["bash"]', BASE_ARCHIVE, BASE)
    context = engine.folder / "base"
    certificates = context / "certificates"
    certificates.mkdir(parents=True)
    for certificate in pathlib.Path("/usr/local/share/ca-certificates").rglob("*.crt"):
        shutil.copy(certificate, certificates)
    (context / "proxy").write_text(proxy())
    (context / "Dockerfile").write_text(
        f"FROM {BASE}\nCOPY certificates /usr/local/share/ca-certificates\nCOPY proxy /etc/apt/apt.conf.d/90-tests\n")
    build(engine, BASE, context)


def build(engine, name, context, *options):
    """Builds with the host's network and the classic builder, which every engine has."""
    engine.docker("build", "--network", "host", "--tag", name, *options, context, timeout=BUILD_SECONDS,
                  env=engine.environment | {"DOCKER_BUILDKIT": "0"})


def make_stand_ins(engine):
    build(engine, "tps-test-servers", FOLDERS / "servers")
    for folder, name in STAND_INS.items():
        build(engine, name, FOLDERS / folder)


def make_tps(engine, binary):
    """Our image with the binary of this build. Returns the context from which Compose rebuilds it."""
    build(engine, "tps-runtime", ROOT, "--target", "runtime")
    context = engine.folder / "tps"
    context.mkdir()
    shutil.copy(FOLDERS / "tps" / "Dockerfile", context)
    engine.run("strip", "--strip-debug", "-o", context / "tps", os.path.abspath(binary))
    build(engine, "tps", context)
    return context


def compile_tps(engine):
    """Our image as users build it: compiled inside, which takes several minutes."""
    build(engine, "tps", ROOT, "--build-arg", f"JOBS={JOBS}")
    return ROOT
