//! Link flags of a Node addon.

fn main() {
    napi_build::setup();
    if std::env::var("CARGO_CFG_TARGET_VENDOR").as_deref() == Ok("apple") {
        // Else the linker gives the library the path it was built at as its name.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/scalekit-vmcp.node");
    }
}
