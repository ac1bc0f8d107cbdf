# What bench and soak need: real clients, and release binaries. Needs common.sh and install.sh.
# shellcheck shell=bash

prepare_measuring() {
  mkdir -p "$CACHE"
  need_tools
  install_packages "${BUILD_PACKAGES[@]}" "${DEMO_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
  build_web
  install_npm "$ROOT/tests/e2e"
  cargo build --manifest-path "$ROOT/Cargo.toml" --release --locked -p server -p transcoder -p loadgen
  export SHOPCAST_BIN="${CARGO_TARGET_DIR:-$ROOT/target}/release/shopcast"
}
