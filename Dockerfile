# The image of the one binary. Builds with or without BuildKit:  docker build -t tps .
# Packages come before sources, so that a change of the sources installs nothing again.

# What the binary needs to run. Everything that changes seldom is here; the binary comes last.
FROM debian:bookworm-slim AS runtime
COPY tools/packages.txt /tmp/
RUN apt-get update \
    && apt-get install --yes --no-install-recommends $(awk '$1 == "run" { print $2 }' /tmp/packages.txt) \
    && rm -rf /tmp/packages.txt /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /var/cache/debconf/*-old \
    && install -d -o 65532 -g 65532 -m 700 /var/lib/tps
# By number, so that Kubernetes can see that it is not root. No user of that number needs to exist.
USER 65532:65532
# The only place that is ever written to, and only with SQLite: mount a volume there.
WORKDIR /var/lib/tps
ENV TPS_LISTEN=0.0.0.0:8000
EXPOSE 8000
ENTRYPOINT ["/usr/bin/tps"]
CMD ["serve"]
# It asks whatever address the container was told to listen on.
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
       $(awk '$1 == "build" || $1 == "docs" { print $2 }' /tmp/packages.txt)
WORKDIR /source
COPY . .
# Compilers at once, of which each takes up to 1.2 GB; empty: one for each processor.
ARG JOBS=
RUN cmake --preset release -DTPS_TESTS=OFF -DTPS_BENCH=OFF \
    && cmake --build --preset release --target tps --parallel "${JOBS:-$(nproc)}" \
    && strip --strip-debug -o /usr/bin/tps build/release/tps

FROM runtime
COPY --from=build /usr/bin/tps /usr/bin/tps
