//! What kind a file is, from its bytes: never from its name or from what anybody claims. Only kinds that WhatsApp takes
//! and no browser runs are known.

/// Bytes from which the kind of a received file can be told, other than that of office documents.
pub const HEAD: usize = 4_096;

/// The media type, or nothing for a file that is not taken.
///
/// Old office documents look alike whatever program wrote them; for those alone the ending of `name` is asked.
#[must_use]
pub fn sniff(data: &[u8], name: Option<&str>) -> Option<&'static str> {
    sniff_head(data)
        .or_else(|| office_document(data, name))
        .or_else(|| std::str::from_utf8(data).is_ok_and(is_plain).then_some("text/plain"))
}

/// The media type by the first bytes of a file, among those that a page may show or play by itself.
#[must_use]
pub fn sniff_head(data: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, wanted: &[u8]| data.get(offset..).is_some_and(|rest| rest.starts_with(wanted));
    let known = [
        (at(0, b"\xff\xd8\xff"), "image/jpeg"),
        (at(0, b"\x89PNG\r\n\x1a\n"), "image/png"),
        (at(0, b"RIFF") && at(8, b"WEBP"), "image/webp"),
        (at(0, b"GIF87a") || at(0, b"GIF89a"), "image/gif"),
        (at(0, b"%PDF-"), "application/pdf"),
        (at(0, b"OggS"), "audio/ogg"),
        (at(0, b"#!AMR"), "audio/amr"),
        (at(0, b"ID3") || is_mpeg_audio(data), "audio/mpeg"),
        (is_adts(data), "audio/aac"),
        (at(4, b"ftyp3g"), "video/3gpp"),
        (at(4, b"ftypM4A"), "audio/mp4"),
        (at(4, b"ftyp"), "video/mp4"),
    ];
    known.into_iter().find_map(|(is, mime)| is.then_some(mime))
}

/// Whether an OGG file holds Opus in one channel, the only sound in OGG that WhatsApp takes.
#[must_use]
pub fn is_opus_mono(data: &[u8]) -> bool {
    let head = &data[..data.len().min(HEAD)];
    let start = position(head, b"OpusHead");
    head.starts_with(b"OggS") && start.and_then(|start| head.get(start + 9)) == Some(&1)
}

/// Whether a WebP picture moves.
#[must_use]
pub fn is_animated(data: &[u8]) -> bool {
    // The extended header, and in it the flag of an animation.
    data.get(12..16) == Some(b"VP8X") && data.get(20).is_some_and(|flags| flags & 0x02 != 0)
}

/// Whether the begin of a file is text: a letter may be cut at its end.
#[must_use]
pub fn is_text_head(head: &[u8]) -> bool {
    match std::str::from_utf8(head) {
        Ok(text) => is_plain(text),
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).is_ok_and(is_plain)
        }
        Err(_) => false,
    }
}

/// A frame of MPEG audio layer III: eleven set bits, then version and layer.
fn is_mpeg_audio(data: &[u8]) -> bool {
    matches!(data, [0xff, second, ..] if second & 0xe6 == 0xe2)
}

/// A frame of AAC in ADTS: twelve set bits and layer 0.
fn is_adts(data: &[u8]) -> bool {
    matches!(data, [0xff, second, ..] if second & 0xf6 == 0xf0)
}

/// Documents of office programs. Other archives are not taken.
fn office_document(data: &[u8], name: Option<&str>) -> Option<&'static str> {
    const OPEN_DOCUMENT: &[(&[u8], &str)] = &[
        (b"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
        (b"application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
        (b"application/vnd.oasis.opendocument.presentation", "application/vnd.oasis.opendocument.presentation"),
    ];
    const OPEN_XML: &[(&[u8], &str)] = &[
        (b"word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"ppt/presentation.xml", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ];
    if data.starts_with(b"PK\x03\x04") {
        // The first entry of an OpenDocument file says what it is; it lies there as it is, after its header.
        if data.get(30..38) == Some(b"mimetype") {
            let what = &data[38..data.len().min(128)];
            return OPEN_DOCUMENT.iter().find(|(mark, _)| what.starts_with(mark)).map(|(_, mime)| *mime);
        }
        position(data, b"[Content_Types].xml")?;
        return OPEN_XML.iter().find(|(mark, _)| position(data, mark).is_some()).map(|(_, mime)| *mime);
    }
    if data.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        let ending = name?.rsplit_once('.')?.1.to_ascii_lowercase();
        return match ending.as_str() {
            "doc" => Some("application/msword"),
            "xls" => Some("application/vnd.ms-excel"),
            "ppt" => Some("application/vnd.ms-powerpoint"),
            _ => None,
        };
    }
    None
}

fn position(data: &[u8], wanted: &[u8]) -> Option<usize> {
    data.windows(wanted.len()).position(|window| window == wanted)
}

/// Text without control characters that does not look like markup.
fn is_plain(text: &str) -> bool {
    let is_markup = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('<');
    !is_markup && text.chars().all(|letter| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_their_bytes() {
        let cases: [(&[u8], Option<&str>); 18] = [
            (b"\xff\xd8\xff\xe0rest", Some("image/jpeg")),
            (b"\x89PNG\r\n\x1a\nrest", Some("image/png")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"%PDF-1.7", Some("application/pdf")),
            (b"\0\0\0\x18ftypmp42", Some("video/mp4")),
            (b"\0\0\0\x18ftyp3gp5", Some("video/3gpp")),
            (b"OggS\0", Some("audio/ogg")),
            (b"\xff\xfb\x90", Some("audio/mpeg")),
            (b"\xff\xf1\x50", Some("audio/aac")),
            (b"order 17\nthree boxes", Some("text/plain")),
            (
                b"PK\x03\x04..[Content_Types].xml..xl/workbook.xml",
                Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            ),
            (
                b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0mimetypeapplication/vnd.oasis.opendocument.textPK",
                Some("application/vnd.oasis.opendocument.text"),
            ),
            (b"PK\x03\x04anything", None),
            (b"<svg onload=alert(1)>", None),
            (b"\xef\xbb\xbf <!doctype html>", None),
            (b"MZ\x90\0", None),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", None),
            (b"text \xff", None),
        ];
        for (data, expected) in cases {
            assert_eq!(sniff(data, None), expected, "{data:?}");
        }
    }

    #[test]
    fn old_office_documents_are_told_apart_by_their_ending_alone() {
        let old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
        assert_eq!(sniff(old, Some("Offer.DOC")), Some("application/msword"));
        assert_eq!(sniff(old, Some("setup.msi")), None);
        assert_eq!(sniff(b"MZ\x90\0", Some("offer.doc")), None, "an ending makes nothing a document");
    }

    #[test]
    fn a_letter_may_be_cut_at_the_end_of_a_head_and_nowhere_else() {
        assert!(is_text_head("größer".as_bytes().split_at(3).0));
        assert!(!is_text_head(b"gr\xc3 \xc3\xb6"));
        assert!(!is_text_head(b"<html>"));
    }

    #[test]
    fn opus_in_one_channel_and_moving_stickers() {
        let opus = |channels: u8| [b"OggS\0\x02________________________OpusHead\x01".as_slice(), &[channels]].concat();
        assert!(is_opus_mono(&opus(1)) && !is_opus_mono(&opus(2)));
        assert!(!is_opus_mono(b"OggS\0\x02________________________\x01vorbis"));
        assert!(is_animated(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0"));
        assert!(!is_animated(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0"));
        assert!(!is_animated(b"RIFF\0\0\0\0WEBPVP8 \x0a\0\0\0\x02\0\0\0"));
    }
}
