//! The node's own name, kept beside its data, and the lock that lets only one process use them.
//!
//! The name stays the same over restarts, so a node that was killed takes back at once what it had claimed. Two processes
//! with one name would take each other's work away; the lock on the file that holds the name prevents that.

use std::{
    fs::{File, TryLockError},
    io::{Read as _, Write as _},
    path::Path,
};

use anyhow::{Context, bail};
use segue_model::Ctx;

/// The name, and the lock on it.
pub struct Node {
    /// Stands in leases.
    pub name: String,
    /// Locked until it is dropped; the operating system unlocks it when the process ends, however it ends.
    _file: File,
}

impl Node {
    /// Reads the name from the directory, or gives the node one.
    ///
    /// # Errors
    /// When another process uses the directory, or it cannot be written.
    pub fn open(directory: &Path, ctx: &Ctx) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
        let path = directory.join("node");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "Another Segue is using {}. Stop it first, or choose another SEGUE_DATA_DIRECTORY.",
                directory.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
            }
        }
        let mut name = String::new();
        file.read_to_string(&mut name).with_context(|| format!("{} cannot be read", path.display()))?;
        let name = match name.trim() {
            "" => {
                let fresh = format!("node-{}", ctx.uuid());
                writeln!(file, "{fresh}").with_context(|| format!("{} cannot be written", path.display()))?;
                fresh
            }
            known => known.to_owned(),
        };
        Ok(Self { name, _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_name_and_is_alone() {
        let (directory, ctx) = (tempfile::tempdir().unwrap(), Ctx::system());
        let first = Node::open(directory.path(), &ctx).unwrap();
        let name = first.name.clone();
        let second = Node::open(directory.path(), &ctx).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(second.contains("Another Segue"), "{second}");
        drop(first);
        assert_eq!(Node::open(directory.path(), &ctx).unwrap().name, name);
    }
}
