//! Embeds the built console (`web/dist`) as a table of files, when it is there.
//!
//! It never builds the console: that takes Node, the network, and time that no `cargo check` should cost. Without a
//! build the server shows a page that says how to make one; `CONSOLE_REQUIRED=1` makes it an error.

use std::{
    env,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CONSOLE_REQUIRED");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../web/dist");
    let required = env::var("CONSOLE_REQUIRED").is_ok_and(|value| value == "1");
    let mut table = String::from("static FILES: &[File] = &[\n");
    if root.join("index.html").is_file() {
        println!("cargo::rerun-if-changed={}", root.display());
        let mut files = Vec::new();
        collect(&root, &mut files);
        let mut named: Vec<(String, PathBuf)> =
            files.into_iter().filter_map(|file| Some((name(&root, &file)?, file))).collect();
        named.sort();
        for (name, file) in &named {
            entry(&mut table, name, file);
        }
    } else if required {
        println!(
            "cargo::error=The console is not built, and CONSOLE_REQUIRED=1 asks for it. Run: cd web && npm ci && npm run build"
        );
    }
    table.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("console.rs");
    if let Err(error) = fs::write(&out, table) {
        println!("cargo::error=The table of the console's files could not be written: {error}");
    }
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let compressed = path.extension().is_some_and(|extension| extension == "br" || extension == "gz");
        if path.is_dir() && !hidden {
            collect(&path, files);
        } else if path.is_file() && !hidden && !compressed {
            files.push(path);
        }
    }
}

/// The path in the address, such as `/assets/index-3f2a.js`.
fn name(root: &Path, file: &Path) -> Option<String> {
    let relative = file.strip_prefix(root).ok()?;
    Some(relative.components().map(|part| format!("/{}", part.as_os_str().to_string_lossy())).collect())
}

fn entry(table: &mut String, name: &str, file: &Path) {
    let mut hasher = DefaultHasher::new();
    fs::read(file).unwrap_or_default().hash(&mut hasher);
    let include = |path: &Path| format!("include_bytes!({:?})", path.canonicalize().unwrap_or_default());
    let compressed = |extension: &str| {
        let path = PathBuf::from(format!("{}.{extension}", file.display()));
        if path.is_file() { format!("Some({})", include(&path)) } else { "None".to_owned() }
    };
    let written = writeln!(
        table,
        "    File {{ path: \"{name}\", etag: \"\\\"{:016x}\\\"\", plain: {}, brotli: {}, gzip: {} }},",
        hasher.finish(),
        include(file),
        compressed("br"),
        compressed("gz"),
    );
    if written.is_err() {
        println!("cargo::error=The table of the console's files could not be made");
    }
}
