//! Compiles the shim against the very sources of librdkafka that rdkafka-sys has built.

fn main() {
    let root = std::env::var("DEP_RDKAFKA_ROOT").expect("rdkafka-sys says where it built librdkafka");
    cc::Build::new().file("src/shim.c").include(format!("{root}/src")).warnings(false).compile("shim");
    // The shim holds a second copy of one of librdkafka's files, word for word.
    println!("cargo:rustc-link-arg=-Wl,--allow-multiple-definition");
    println!("cargo:rerun-if-changed=src/shim.c");
}
