//! Makes the folder that the pages are embedded from, so that a checkout without built pages
//! compiles, and embeds them anew when they change.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let pages = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist");
    if let Err(error) = std::fs::create_dir_all(&pages) {
        println!("cargo::warning={} cannot be made: {error}", pages.display());
    }
    // Other profiles read the folder when the server starts.
    if std::env::var_os("PROFILE").is_some_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed={}", pages.display());
    }
}
