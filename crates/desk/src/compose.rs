//! What WhatsApp takes in a message an agent writes. Checked here so that the agent reads it while the text is still in
//! the box; the channel checks again when it sends.

use std::collections::BTreeSet;

use segue_channels::whatsapp::{MediaKind, Outbound, media::media_limit};
use segue_model::content::{Choice, Section};
use segue_store::media::{FilePresence, Media};

use crate::DeskError;

/// Characters of a text message (Cloud API reference, "Text messages").
pub(crate) const TEXT: usize = 4_096;
/// Characters of the text above reply buttons, and of a caption (Cloud API reference, "Interactive messages").
pub(crate) const SHORT_TEXT: usize = 1_024;
const BUTTONS: usize = 3;
const ROWS: usize = 10;
const BUTTON_TITLE: usize = 20;
const ROW_TITLE: usize = 24;
const ROW_DESCRIPTION: usize = 72;
const CHOICE_ID: usize = 200;
const FRAME: usize = 60;

/// A text that is not empty and not too long.
pub(crate) fn text(text: &str, limit: usize) -> Result<(), DeskError> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(DeskError::InvalidContent("The text is empty. Write something first.".to_owned()));
    }
    if length > limit { Err(DeskError::TextTooLong { length, limit }) } else { Ok(()) }
}

/// The text below a file; a blank one is none.
pub(crate) fn caption(caption: Option<String>) -> Result<Option<String>, DeskError> {
    let caption = caption.filter(|caption| !caption.trim().is_empty());
    if let Some(caption) = &caption {
        text(caption, SHORT_TEXT)?;
    }
    Ok(caption)
}

/// A file that WhatsApp takes as this kind, in this size.
pub(crate) fn file(kind: MediaKind, media: &Media) -> Result<(), DeskError> {
    if media.presence != FilePresence::Stored {
        let words = match media.presence {
            FilePresence::Infected => "This file held a virus and was removed. Choose another one.",
            FilePresence::Unchecked => "This file could not be checked for viruses, so it cannot be sent.",
            _ => "This file is not here yet. Wait until it can be seen, then send it.",
        };
        return invalid(words.to_owned());
    }
    let Some((_, most)) = media_limit(&media.mime).filter(|(of, _)| *of == kind && is_taken(&media.mime)) else {
        let takes = match kind {
            MediaKind::Image => "pictures in JPEG and PNG",
            MediaKind::Video => "films in MP4 and 3GPP",
            MediaKind::Audio => "sound in AAC, AMR, MP3, M4A and OGG with Opus",
            MediaKind::Document => "PDF, text and office documents",
            MediaKind::Sticker => "stickers in WebP",
        };
        return invalid(format!("WhatsApp takes {takes}, not {}.", media.mime));
    };
    if media.size > most {
        return invalid(format!("The file is larger than the {} that WhatsApp takes of this kind.", size(most)));
    }
    Ok(())
}

/// WhatsApp says that it takes any type as a document; what is a picture, a film or sound of another kind arrives as
/// something that phones cannot open.
fn is_taken(mime: &str) -> bool {
    let is_document = mime.starts_with("application/") || mime.starts_with("text/");
    is_document || media_limit(mime).is_some_and(|(kind, _)| kind != MediaKind::Document)
}

/// A limit in words.
fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MB", bytes >> 20) } else { format!("{} KB", bytes >> 10) }
}

/// What the channel checks itself: places, cards, links, requests and reactions.
pub(crate) fn outbound(message: &Outbound) -> Result<(), DeskError> {
    message.validate().map_err(|error| DeskError::InvalidContent(error.to_string()))
}

/// What stands above and below a text with buttons; a blank one is none.
pub(crate) fn frame(
    header: Option<String>,
    footer: Option<String>,
) -> Result<(Option<String>, Option<String>), DeskError> {
    let written = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (header, footer) = (written(header), written(footer));
    for (text, what) in [(&header, "header"), (&footer, "footer")] {
        if let Some(text) = text {
            label(text, what, FRAME)?;
        }
    }
    Ok((header, footer))
}

/// Reply buttons under a text.
pub(crate) fn buttons(buttons: &[Choice]) -> Result<(), DeskError> {
    if buttons.is_empty() || buttons.len() > BUTTONS {
        return invalid(format!("A message has one to {BUTTONS} buttons, not {}.", buttons.len()));
    }
    choices(buttons, "button", BUTTON_TITLE)?;
    let mut titles = BTreeSet::new();
    match buttons.iter().find(|button| !titles.insert(&button.title)) {
        Some(twice) => invalid(format!("Two buttons say '{}'. Give each its own words.", twice.title)),
        None => Ok(()),
    }
}

/// A list behind a button.
pub(crate) fn list(button: &str, sections: &[Section]) -> Result<(), DeskError> {
    label(button, "label of the list's button", BUTTON_TITLE)?;
    let rows: Vec<Choice> = sections.iter().flat_map(|section| section.rows.clone()).collect();
    if rows.is_empty() || rows.len() > ROWS {
        return invalid(format!("A list has one to {ROWS} rows in all, not {}.", rows.len()));
    }
    for section in sections {
        if section.rows.is_empty() {
            return invalid("A section of the list has no rows. Remove it or fill it.".to_owned());
        }
        if sections.len() > 1 || !section.title.is_empty() {
            label(&section.title, "title of a section", ROW_TITLE)?;
        }
    }
    if let Some(row) =
        rows.iter().find(|row| row.description.as_ref().is_some_and(|text| text.chars().count() > ROW_DESCRIPTION))
    {
        return invalid(format!("The description of '{}' is longer than {ROW_DESCRIPTION} characters.", row.title));
    }
    choices(&rows, "row", ROW_TITLE)
}

fn choices(choices: &[Choice], what: &str, limit: usize) -> Result<(), DeskError> {
    let mut ids = BTreeSet::new();
    for choice in choices {
        label(&choice.title, &format!("title of a {what}"), limit)?;
        if choice.id.is_empty() || choice.id.chars().count() > CHOICE_ID {
            return invalid(format!("The id of a {what} must have 1 to {CHOICE_ID} characters."));
        }
        if !ids.insert(&choice.id) {
            return invalid(format!("Two {what}s have the id '{}'. Give each its own.", choice.id));
        }
    }
    Ok(())
}

fn label(text: &str, what: &str, limit: usize) -> Result<(), DeskError> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > limit {
        return invalid(format!("The {what} must have 1 to {limit} characters, it has {length}."));
    }
    Ok(())
}

fn invalid(message: String) -> Result<(), DeskError> {
    Err(DeskError::InvalidContent(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(id: &str, title: &str) -> Choice {
        Choice { id: id.to_owned(), title: title.to_owned(), description: None }
    }

    #[test]
    fn texts_are_counted_in_characters() {
        assert!(text(&"é".repeat(TEXT), TEXT).is_ok());
        assert_eq!(text(&"é".repeat(TEXT + 1), TEXT).unwrap_err().code(), "text_too_long");
        assert_eq!(text(" \n", TEXT).unwrap_err().code(), "invalid_content");
    }

    #[test]
    fn files_are_of_a_kind_and_size_that_whatsapp_takes() {
        let media = |mime: &str, size: u64| Media {
            id: segue_model::Ctx::system().id(),
            mime: mime.to_owned(),
            file_name: None,
            size,
            sha256: Vec::new(),
            presence: FilePresence::Stored,
            check_detail: None,
            channel_id: None,
            provider_id: None,
            failure: None,
            created_at: segue_model::Timestamp(0),
            object: None,
        };
        const MIB: u64 = 1 << 20;
        let cases = [
            (MediaKind::Image, "image/jpeg", 5 * MIB),
            (MediaKind::Image, "image/png", 5 * MIB),
            (MediaKind::Video, "video/mp4", 16 * MIB),
            (MediaKind::Video, "video/3gpp", 16 * MIB),
            (MediaKind::Audio, "audio/ogg", 16 * MIB),
            (MediaKind::Audio, "audio/aac", 16 * MIB),
            (MediaKind::Document, "application/pdf", 100 * MIB),
            (MediaKind::Document, "text/plain", 100 * MIB),
            (MediaKind::Sticker, "image/webp", 500 << 10),
        ];
        for (kind, mime, most) in cases {
            assert!(file(kind, &media(mime, most)).is_ok(), "{mime}");
            let refused = file(kind, &media(mime, most + 1)).unwrap_err().to_string();
            assert!(refused.contains("larger than the"), "{mime}: {refused}");
            let other = if kind == MediaKind::Video { MediaKind::Audio } else { MediaKind::Video };
            assert!(file(other, &media(mime, 1)).unwrap_err().to_string().contains(mime), "{mime} as another kind");
        }
        for mime in ["image/gif", "video/x-matroska", "audio/flac"] {
            for kind in MediaKind::ALL {
                assert!(file(*kind, &media(mime, 1)).is_err(), "{mime}");
            }
        }
        let pending = Media { presence: FilePresence::Pending, ..media("image/png", 1) };
        assert!(file(MediaKind::Image, &pending).unwrap_err().to_string().contains("not here yet"));
    }

    #[test]
    fn buttons_and_lists_keep_to_the_channels_limits() {
        assert!(buttons(&[choice("a", "Yes"), choice("b", "No")]).is_ok());
        assert!(buttons(&[]).is_err());
        assert!(buttons(&vec![choice("a", "x"); 4]).is_err());
        assert!(buttons(&[choice("a", "Yes"), choice("a", "No")]).is_err(), "the same id twice");
        let same = buttons(&[choice("a", "Yes"), choice("b", "Yes")]).unwrap_err().to_string();
        assert!(same.contains("Two buttons say 'Yes'"), "{same}");
        assert!(buttons(&[choice("a", &"x".repeat(21))]).is_err());
        let long = Some("x".repeat(61));
        assert!(frame(long.clone(), None).is_err() && frame(None, long).is_err());
        assert_eq!(frame(Some(" ".to_owned()), Some("é".repeat(60))).unwrap(), (None, Some("é".repeat(60))));
        let section = |title: &str, count: usize| Section {
            title: title.to_owned(),
            rows: (0..count).map(|row| choice(&format!("{title}{row}"), "Row")).collect(),
        };
        assert!(list("Choose", &[section("", 10)]).is_ok());
        assert!(list("Choose", &[section("a", 6), section("b", 5)]).is_err(), "eleven rows");
        assert!(list("Choose", &[section("a", 1), section("", 1)]).is_err(), "two sections need titles");
        assert!(list("", &[section("a", 1)]).is_err());
    }
}
