//! Finds the installed library by pkg-config, unless it is to be found at run time.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_DLOPEN").is_some() {
        return;
    }
    let archive = std::env::var_os("CARGO_FEATURE_STATIC").is_some();
    match pkg_config::Config::new().atleast_version("0.1").statik(archive).cargo_metadata(!archive).probe("trunkline") {
        Ok(library) if archive => link_archive(&library),
        Ok(_) => {}
        Err(error) => {
            eprintln!("{error}\n");
            eprintln!("libtrunkline is linked by pkg-config. Where its trunkline.pc is not found, name its folder in");
            eprintln!("PKG_CONFIG_PATH, or take the feature `dlopen`, which needs the library only at run time.");
            std::process::exit(1);
        }
    }
}

/// The archive, with what it needs as shared libraries. Below /usr the crate `pkg-config` would take the shared one.
fn link_archive(library: &pkg_config::Library) {
    for folder in &library.link_paths {
        println!("cargo:rustc-link-search=native={}", folder.display());
        // Its contents go into the crate: a newer one is to be taken again.
        let archive = folder.join("libtrunkline.a");
        if archive.exists() {
            println!("cargo:rerun-if-changed={}", archive.display());
        }
    }
    for name in &library.libs {
        let kind = if name == "trunkline" { "static" } else { "dylib" };
        println!("cargo:rustc-link-lib={kind}={name}");
    }
}
