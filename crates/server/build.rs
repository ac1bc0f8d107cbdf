//! Rebuilds the crate when the player's files appear or change: they are embedded in it.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
