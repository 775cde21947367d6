# The image of the binary `tps`. Builds with or without BuildKit:  docker build -t tps .
# Packages are installed before the sources are copied, so that a change of the sources does not reinstall packages.
# Of names that differ between releases (a|b), the first is that of Debian 12.

# The runtime dependencies of the binary. Layers that rarely change come first, the binary comes last.
FROM debian:bookworm-slim AS runtime
COPY tools/packages.txt /tmp/
RUN apt-get update \
    && apt-get install --yes --no-install-recommends $(awk '$1 == "run" { sub(/[|].*/, "", $2); print $2 }' /tmp/packages.txt) \
    && rm -rf /tmp/packages.txt /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /var/cache/debconf/*-old \
    && install -d -o 65532 -g 65532 -m 700 /var/lib/tps
# A numeric user lets Kubernetes verify that it is not root. The user need not exist.
USER 65532:65532
# With SQLite, TPS writes here and nowhere else: mount a volume.
WORKDIR /var/lib/tps
ENV TPS_LISTEN=0.0.0.0:8000
EXPOSE 8000
ENTRYPOINT ["/usr/bin/tps"]
CMD ["serve"]
# The check uses the address that the container listens on.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["/usr/bin/tps", "health"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tps" \
      org.opencontainers.image.description="A transaction processing system: durable money transactions over REST" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

FROM debian:bookworm-slim AS build
COPY tools/packages.txt /tmp/
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
       $(awk '$1 == "build" || $1 == "docs" || $1 == "pages" { sub(/[|].*/, "", $2); print $2 }' /tmp/packages.txt)
WORKDIR /source
COPY . .
# Number of parallel compilers; each takes up to 1.2 GB (empty = one per processor).
ARG JOBS=
RUN cmake --preset release -DTPS_TESTS=OFF -DTPS_BENCH=OFF \
    && cmake --build --preset release --target tps --parallel "${JOBS:-$(nproc)}" \
    && strip --strip-debug -o /usr/bin/tps build/release/tps

FROM runtime
COPY --from=build /usr/bin/tps /usr/bin/tps
