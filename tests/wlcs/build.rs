//! The suite unloads the library before it ends, and a thread of smithay's (which unmaps clients' memory) goes on: its code
//! must stay.

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
