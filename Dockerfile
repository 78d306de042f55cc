# One image, two programs, nothing else: no shell, no libc, no root.
#
# Dependencies are built in a layer of their own, from the manifest and empty
# sources, so a change of the sources rebuilds this package alone.  A cached
# layer, not `RUN --mount=type=cache`: every builder has it, and a target
# directory shared between checkouts mixes their programs up, since cargo
# compares times of files only.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# +crt-static needs an explicit target, else it would apply to proc macros too.
ENV RUSTFLAGS="-C target-feature=+crt-static" CARGO_BUILD_TARGET=host-tuple

# Tests, benches and examples are not part of the context: the manifest forgets them.
COPY Cargo.toml Cargo.lock ./
RUN sed -i '/^\[\[\(test\|bench\|example\)\]\]/,/^$/d' Cargo.toml && \
    mkdir -p src/bin && echo '//! Empty.' >src/lib.rs && \
    printf '//! Empty.\nfn main() {}\n' | tee src/bin/server.rs >src/bin/client.rs && \
    cargo build --release --locked && \
    rm -r src

# The sources are older than what was just built from the empty ones: touch them.
COPY src src
RUN find src -name '*.rs' -exec touch {} + && \
    cargo build --release --locked && \
    mkdir -p /image/bin /image/data /image/home && \
    cp target/*/release/server target/*/release/client /image/bin && \
    for command in reserve search delete seats status tui bench \
        events event availability add-event remove-event book cancel exchange schedule hold confirm extend release \
        join leave waiting-list ticket delete-ticket branches add-branch add-theatre kinds add-kind; do ln -s client "/image/bin/$command"; done

FROM scratch
COPY --from=build /image/bin /usr/local/bin
# A new volume on /data takes its owner from here.  The prompt keeps its history in /home.
COPY --from=build --chown=65532:65532 /image/data /data
COPY --from=build --chown=65532:65532 /image/home /home
ENV HOME=/home BOXOFFICE_CONFIG=/etc/boxoffice/cluster.yaml BOXOFFICE_DATA=/data
USER 65532:65532
EXPOSE 7100 7200 8080
CMD ["server"]
