//! Which files WhatsApp takes above the text of a template.

use crate::template::TemplateHeader;

const MIB: u64 = 1 << 20;

/// Why a file of this type and size cannot stand in the header; `None` when it can.
#[must_use]
pub fn refusal(header: &TemplateHeader, mime: &str, size: u64) -> Option<String> {
    let (fits, most) = match header {
        TemplateHeader::Image { .. } => (matches!(mime, "image/jpeg" | "image/png"), 5),
        TemplateHeader::Video { .. } => (matches!(mime, "video/mp4" | "video/3gpp"), 16),
        TemplateHeader::Document { .. } => {
            (!["image/", "video/", "audio/"].iter().any(|kind| mime.starts_with(kind)), 100)
        }
        TemplateHeader::Text { .. } | TemplateHeader::Location => (false, 0),
    };
    if !fits {
        return Some(format!("Above this template stands a file of the kind {}; {mime} is none.", header.format()));
    }
    (size > most * MIB).then(|| format!("A file above this template has at most {most} MB; this one has more."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_takes_its_kind_up_to_its_size() {
        let image = TemplateHeader::Image { media_id: None };
        let video = TemplateHeader::Video { media_id: None };
        let document = TemplateHeader::Document { media_id: None };
        for (header, mime, most) in [
            (&image, "image/jpeg", 5),
            (&image, "image/png", 5),
            (&video, "video/mp4", 16),
            (&video, "video/3gpp", 16),
            (&document, "application/pdf", 100),
            (&document, "text/plain", 100),
        ] {
            assert_eq!(refusal(header, mime, most * MIB), None, "{mime}");
            assert!(refusal(header, mime, most * MIB + 1).unwrap().contains(&format!("{most} MB")), "{mime}");
        }
        for (header, mime) in [
            (&image, "image/webp"),
            (&image, "video/mp4"),
            (&video, "image/png"),
            (&document, "image/png"),
            (&document, "audio/ogg"),
            (&TemplateHeader::Location, "image/png"),
        ] {
            assert!(refusal(header, mime, 1).unwrap().contains(mime), "{mime}");
        }
    }
}
