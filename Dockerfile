# Chrontainer and its own Postgres in one image, for amd64 and arm64.
#
#   docker build -t chrontainer .
#   docker run -d --name chrontainer -p 3000:3000 \
#     -v /var/run/docker.sock:/var/run/docker.sock -v chrontainer:/data chrontainer
#
# It takes BuildKit, which is what Docker builds with since version 23. For both platforms at once:
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t registry.example.org/chrontainer --push .
#
# The compiler always runs on the machine's own platform, so no emulation slows it down; only the packages of the image
# itself are installed by the platform they are for.

ARG BUILD_BASE=rust:1-bookworm
ARG RUNTIME_BASE=debian:bookworm-slim
# `compiled` builds the programs; `prebuilt` takes them from dist/ (`docker build --target compiled -o dist .` fills it).
ARG PROGRAMS=compiled

# --- What both sides are built with ------------------------------------------------------------------------------

FROM --platform=$BUILDPLATFORM ${BUILD_BASE} AS sources
WORKDIR /src
COPY . .

# --- The interface: the same files for every platform ------------------------------------------------------------

FROM sources AS site
RUN apt-get update \
    && apt-get install -y --no-install-recommends nodejs npm \
    && rm -rf /var/lib/apt/lists/*
# wasm-opt, in the version that the lock file names.
RUN --mount=type=cache,target=/root/.npm npm ci --prefix xtask --no-audit --no-fund
RUN rustup target add wasm32-unknown-unknown && rustup component add rust-src
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=chrontainer-site,sharing=locked \
    cargo run --locked --package xtask -- site --release \
    && cp -r target/site-release /site

# --- The programs: cross-compiled where the platforms differ -----------------------------------------------------

FROM sources AS programs
ARG BUILDARCH
ARG TARGETARCH
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=chrontainer-programs,sharing=locked \
    deploy/compile.sh "$BUILDARCH" "$TARGETARCH" /out

FROM scratch AS compiled
COPY --from=programs /out /bin
COPY --from=site /site /site

FROM scratch AS prebuilt
COPY dist /

FROM ${PROGRAMS} AS chosen

# --- What runs ---------------------------------------------------------------------------------------------------

FROM ${RUNTIME_BASE} AS runtime
# Debian's Postgres makes no cluster of its own: the server makes one in the data directory. Its just-in-time compiler
# is switched off in our settings and would be two thirds of the image. libnss-wrapper gives a name to users that have
# none (`--user 1234`), which initdb insists on; tini reaps what a killed Postgres leaves behind.
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    mkdir -p /etc/postgresql-common; \
    echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf; \
    apt-get update; \
    apt-get install -y --no-install-recommends \
        ca-certificates libnss-wrapper postgresql-15 tini tzdata util-linux; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*.log /var/log/apt /var/log/postgresql \
        /usr/lib/postgresql/15/lib/llvmjit* /usr/lib/postgresql/15/lib/bitcode \
        /usr/lib/*/libLLVM-14.so* /usr/lib/*/libz3.so*; \
    groupadd --gid 3000 chrontainer; \
    useradd --uid 3000 --gid 3000 --home-dir /data --no-create-home --shell /usr/sbin/nologin chrontainer; \
    install -d -m 1777 /data /run/chrontainer

COPY --from=chosen /bin/ /usr/local/bin/
COPY --from=chosen /site/ /usr/share/chrontainer/site/
COPY --chmod=755 deploy/entrypoint.sh /usr/local/bin/chrontainer-entrypoint

ENV CHRONTAINER_LISTEN=0.0.0.0:3000 \
    CHRONTAINER_DATA_DIR=/data \
    CHRONTAINER_RUNTIME_DIR=/run/chrontainer
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# The first start makes the database, which takes a while on an SD card; until then a failure does not count.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 CMD ["chrontainer-server", "health"]
ENTRYPOINT ["/usr/bin/tini", "-s", "--", "chrontainer-entrypoint"]
CMD ["chrontainer-server"]
LABEL org.opencontainers.image.title="Chrontainer" \
      org.opencontainers.image.description="Schedules and manages containers on many Docker hosts" \
      org.opencontainers.image.licenses="MIT"
