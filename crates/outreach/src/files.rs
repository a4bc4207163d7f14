//! The files of a text: whether they are here, and whether carriers take them.

use segue_model::{
    MediaId, WorkspaceId,
    mms::{MmsFile, MmsProblem, check},
};
use segue_store::{
    Tx,
    media::{FilePresence, Media},
};

use crate::OutreachError;

/// The files a text is to have, when it can have them. Call it in the transaction that writes the text: nobody takes them
/// away meanwhile.
///
/// # Errors
/// When one of them is not here, or carriers do not take them together.
pub(crate) fn of_text(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    ids: &[MediaId],
) -> Result<Vec<Media>, OutreachError> {
    let refused = |problem: MmsProblem| OutreachError::invalid("media", problem.to_string());
    let mut files = Vec::with_capacity(ids.len());
    for (place, id) in ids.iter().enumerate() {
        if ids[..place].contains(id) {
            return Err(refused(MmsProblem::Twice));
        }
        let media = tx.media_to_use(workspace_id, *id)?.filter(|media| media.presence == FilePresence::Stored);
        files.push(media.ok_or_else(|| {
            OutreachError::invalid("media", "A file of the message is not here (any more). Choose it again.")
        })?);
    }
    let parts: Vec<_> = files.iter().map(part).collect();
    check(&parts).map_err(refused)?;
    Ok(files)
}

/// What counts of a file.
pub(crate) fn part(media: &Media) -> MmsFile<'_> {
    MmsFile { mime: &media.mime, size: media.size }
}
