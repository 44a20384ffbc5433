#!/bin/sh
# compile.sh BUILDARCH TARGETARCH OUT: the programs for one platform, in Docker's names for them, put into OUT.
# Run by the Dockerfile.
set -eu
build=$1 target=$2 out=$3

case $target in
    amd64) triple=x86_64-unknown-linux-gnu gcc=x86_64-linux-gnu-gcc packages='gcc-x86-64-linux-gnu libc6-dev-amd64-cross' ;;
    arm64) triple=aarch64-unknown-linux-gnu gcc=aarch64-linux-gnu-gcc packages='gcc-aarch64-linux-gnu libc6-dev-arm64-cross' ;;
    *)
        echo "compile.sh: there is no image for $target yet; amd64 and arm64 are known" >&2
        exit 1
        ;;
esac

if [ "$build" != "$target" ]; then
    apt-get update
    # shellcheck disable=SC2086 # several packages
    apt-get install -y --no-install-recommends $packages
    rustup target add "$triple"
    name=$(echo "$triple" | tr 'a-z-' 'A-Z_')
    export "CARGO_TARGET_${name}_LINKER=$gcc"
fi

cargo build --locked --release --target "$triple" --package server --package cli
mkdir -p "$out"
cp "target/$triple/release/chrontainer-server" "target/$triple/release/chrontainer" "$out"
