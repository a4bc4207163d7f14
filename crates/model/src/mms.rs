//! Messages with files (MMS): which files carriers take, how many, and how large.
//!
//! The limits are those of providers in Twilio's dialect. What is above them is refused when it is chosen; what carriers
//! may drop all the same is said, and left to people.

/// Files of one message at most.
pub const MOST_FILES: usize = 10;
/// Bytes of all files of one message at most.
pub const LARGEST: u64 = 5 << 20;
/// Bytes of a file that is no picture, above which many carriers drop the message: they fit pictures to what they take,
/// and nothing else.
pub const LARGEST_FOR_ALL: u64 = 600_000;
/// Longest text of a message with files, in characters.
pub const LONGEST_TEXT: usize = 1_600;

/// The kinds of files that can be sent: pictures are shown by every phone, the others by most.
pub const KINDS: [&str; 11] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "video/mp4",
    "video/3gpp",
    "audio/mpeg",
    "audio/mp4",
    "audio/amr",
    "audio/ogg",
    "application/pdf",
    "text/plain",
];

/// A message cannot have these files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MmsProblem {
    #[error("A message has at most {MOST_FILES} files. Take some of them out.")]
    TooMany,
    #[error("All files of a message together have at most 5 MB. Take some out, or make them smaller.")]
    TooLarge,
    #[error(
        "Carriers do not take this kind of file in a text message. Send a picture (JPEG, PNG, GIF), a film (MP4, 3GPP), \
         sound (MP3, M4A, AMR, OGG), a PDF or plain text."
    )]
    Kind,
    #[error("The file is empty.")]
    Empty,
    #[error("A file stands twice in the message. Take one of them out.")]
    Twice,
}

/// What counts of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MmsFile<'a> {
    /// By its bytes.
    pub mime: &'a str,
    pub size: u64,
}

impl MmsFile<'_> {
    /// Whether providers fit it to what each carrier takes.
    #[must_use]
    pub fn is_picture(&self) -> bool {
        matches!(self.mime, "image/jpeg" | "image/png" | "image/gif")
    }

    /// Whether many carriers drop a message with it for its size.
    #[must_use]
    pub fn is_risky(&self) -> bool {
        !self.is_picture() && self.size > LARGEST_FOR_ALL
    }

    /// Whether it can be sent by itself.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), MmsProblem> {
        if self.size == 0 {
            return Err(MmsProblem::Empty);
        }
        if !KINDS.contains(&self.mime) {
            return Err(MmsProblem::Kind);
        }
        if self.size > LARGEST { Err(MmsProblem::TooLarge) } else { Ok(()) }
    }
}

/// Whether a message can have these files.
///
/// # Errors
/// Why not.
pub fn check(files: &[MmsFile<'_>]) -> Result<(), MmsProblem> {
    if files.len() > MOST_FILES {
        return Err(MmsProblem::TooMany);
    }
    for file in files {
        file.check()?;
    }
    let total: u64 = files.iter().map(|file| file.size).sum();
    if total > LARGEST { Err(MmsProblem::TooLarge) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn file(mime: &'static str, size: u64) -> MmsFile<'static> {
        MmsFile { mime, size }
    }

    #[test]
    fn ten_files_and_five_megabytes_are_the_most() {
        let picture = file("image/png", 1_000);
        assert_eq!(check(&[picture; 10]), Ok(()));
        assert_eq!(check(&[picture; 11]), Err(MmsProblem::TooMany));
        assert_eq!(check(&[file("image/gif", LARGEST)]), Ok(()));
        assert_eq!(check(&[file("image/gif", LARGEST + 1)]), Err(MmsProblem::TooLarge));
        assert_eq!(check(&[file("image/png", LARGEST), file("image/png", 1)]), Err(MmsProblem::TooLarge), "together");
        assert_eq!(check(&[]), Ok(()));
    }

    #[test]
    fn kinds_that_carriers_do_not_take_are_refused_and_large_ones_are_risky_but_for_pictures() {
        for mime in ["image/webp", "image/svg+xml", "text/html", "application/zip", "application/octet-stream"] {
            assert_eq!(check(&[file(mime, 1)]), Err(MmsProblem::Kind), "{mime}");
        }
        assert_eq!(check(&[file("image/png", 0)]), Err(MmsProblem::Empty));
        assert!(!file("image/jpeg", 4 << 20).is_risky());
        assert!(file("video/mp4", LARGEST_FOR_ALL + 1).is_risky() && !file("video/mp4", LARGEST_FOR_ALL).is_risky());
    }
}
