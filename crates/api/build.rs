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
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default());
    let required = env::var("CONSOLE_REQUIRED").is_ok_and(|value| value == "1");
    let mut table = String::from("static FILES: &[File] = &[\n");
    if root.join("index.html").is_file() {
        println!("cargo::rerun-if-changed={}", root.display());
        let mut files = Vec::new();
        collect(&root, &mut files);
        let mut named: Vec<(String, PathBuf)> =
            files.into_iter().filter_map(|file| Some((name(&root, &file)?, file))).collect();
        named.sort();
        let copies = out.join("console");
        let written = fs::create_dir_all(&copies)
            .and_then(|()| named.iter().try_for_each(|(name, file)| entry(&mut table, &copies, name, file)));
        if let Err(error) = written {
            println!(
                "cargo::error=The console's files could not be embedded: {error}. Build it again, then try once more."
            );
        }
    } else if required {
        println!(
            "cargo::error=The console is not built, and CONSOLE_REQUIRED=1 asks for it. Run: cd web && npm ci && npm run build"
        );
    }
    table.push_str("];\n");
    if let Err(error) = fs::write(out.join("console.rs"), table) {
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

/// One line of the table. The file is copied beside it first: a console that is built anew while this crate compiles
/// must not pull the files away.
fn entry(table: &mut String, copies: &Path, name: &str, file: &Path) -> std::io::Result<()> {
    let content = fs::read(file)?;
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let copy = |content: &[u8], extension: &str| {
        let path = copies.join(format!("{}{extension}", name.trim_start_matches('/').replace('/', "_")));
        fs::write(&path, content).map(|()| format!("include_bytes!({path:?})"))
    };
    let compressed = |extension: &str| match fs::read(format!("{}{extension}", file.display())) {
        Ok(content) => copy(&content, extension).map(|include| format!("Some({include})")),
        Err(_) => Ok("None".to_owned()),
    };
    let (etag, plain) = (hasher.finish(), copy(&content, "")?);
    let (brotli, gzip) = (compressed(".br")?, compressed(".gz")?);
    writeln!(
        table,
        "    File {{ path: {name:?}, etag: \"\\\"{etag:016x}\\\"\", plain: {plain}, brotli: {brotli}, gzip: {gzip} }},"
    )
    .map_err(std::io::Error::other)
}
