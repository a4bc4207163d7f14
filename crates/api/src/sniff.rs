//! What kind a file is, from its first bytes. Only kinds that WhatsApp takes and no browser runs are known.

/// The media type, or nothing for a file that is not taken.
pub(crate) fn sniff(data: &[u8]) -> Option<&'static str> {
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
    known.into_iter().find_map(|(is, mime)| is.then_some(mime)).or_else(|| is_plain_text(data).then_some("text/plain"))
}

/// A frame of MPEG audio layer III: eleven set bits, then version and layer.
fn is_mpeg_audio(data: &[u8]) -> bool {
    matches!(data, [0xff, second, ..] if second & 0xe6 == 0xe2)
}

/// A frame of AAC in ADTS: twelve set bits and layer 0.
fn is_adts(data: &[u8]) -> bool {
    matches!(data, [0xff, second, ..] if second & 0xf6 == 0xf0)
}

/// Text without control characters that does not look like markup.
fn is_plain_text(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let is_markup = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('<');
    !is_markup && text.chars().all(|letter| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_their_bytes() {
        let cases: [(&[u8], Option<&str>); 13] = [
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
            (b"<svg onload=alert(1)>", None),
            (b"\xef\xbb\xbf <!doctype html>", None),
            (b"MZ\x90\0", None),
        ];
        for (data, expected) in cases {
            assert_eq!(sniff(data), expected, "{data:?}");
        }
    }
}
