//! Files and directories that hold what customers wrote, which nobody but the account of the server reads.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};

/// Makes a directory, and those above it, for this account alone. One that is there stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    if path.as_os_str().is_empty() { Ok(()) } else { builder.create(path) }
}

/// Makes a file for this account alone.
///
/// # Errors
/// When it cannot be made, or is there already.
pub fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path)
}
