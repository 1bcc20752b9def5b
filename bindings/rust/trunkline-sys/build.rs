//! Finds the installed library by pkg-config, unless it is to be found at run time.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_DLOPEN").is_some() {
        return;
    }
    if let Err(error) = pkg_config::Config::new().atleast_version("0.1").probe("trunkline") {
        eprintln!("{error}\n");
        eprintln!("libtrunkline is linked by pkg-config. Where its trunkline.pc is not found, name its folder in");
        eprintln!("PKG_CONFIG_PATH, or take the feature `dlopen`, which needs the library only at run time.");
        std::process::exit(1);
    }
}
