//! `backstay-bindgen INPUT.wasm FOLDER NAME`: writes `NAME.js` and `NAME.wasm` from what the compiler wrote.
//!
//! This is wasm-bindgen's own library, which must have the very version that the page is linked with. As a program of this
//! workspace it comes with `Cargo.lock`, and is compiled beside everything else: wasm-bindgen's command-line tool takes
//! longer, and brings a web server and an HTTP client.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [input, folder, name] = arguments.as_slice() else {
        bail!("usage: backstay-bindgen INPUT.wasm FOLDER NAME");
    };
    let mut page = Bindgen::new()
        .input_path(input)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .generate_output()
        .with_context(|| format!("cannot read {input} as WebAssembly that wasm-bindgen prepared"))?;
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let write = |ending: &str, bytes: &[u8]| {
        let file = folder.join(format!("{name}.{ending}"));
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))
    };
    write("js", page.js().as_bytes())?;
    write("wasm", &page.wasm_mut().emit_wasm())
}
