//! How a text is cut into segments.

use serde::{Deserialize, Serialize};

use super::gsm;

/// The alphabet a text needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// GSM 7-bit with its extension table; one unit is one septet.
    Gsm7,
    /// UTF-16 big endian (SMPP calls it UCS-2); one unit is 16 bits.
    Ucs2,
}

/// How wide the reference number of a concatenation header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceWidth {
    /// 8 bits: a header of 6 octets. What every network understands.
    #[default]
    Eight,
    /// 16 bits: a header of 7 octets, for senders that reuse references quickly.
    Sixteen,
}

impl Encoding {
    /// Units of a message that needs no concatenation.
    #[must_use]
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units of each part of a concatenated message.
    #[must_use]
    pub const fn per_part(self, width: ReferenceWidth) -> usize {
        match (self, width) {
            (Self::Gsm7, ReferenceWidth::Eight) => 153,
            (Self::Gsm7, ReferenceWidth::Sixteen) => 152,
            (Self::Ucs2, ReferenceWidth::Eight) => 67,
            (Self::Ucs2, ReferenceWidth::Sixteen) => 66,
        }
    }

    /// What one character costs, or `None` when the encoding lacks it.
    fn cost(self, character: char) -> Option<usize> {
        match self {
            Self::Gsm7 => gsm::septets(character).map(gsm::Septets::cost),
            Self::Ucs2 => Some(character.len_utf16()),
        }
    }

    /// The octets that go over SMPP: one septet per octet, or UTF-16 big endian.
    ///
    /// # Errors
    /// The first character the encoding lacks; never for [`Encoding::Ucs2`].
    pub fn encode(self, text: &str) -> Result<Vec<u8>, char> {
        match self {
            Self::Gsm7 => gsm::encode(text),
            Self::Ucs2 => Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        }
    }
}

/// One segment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The piece of the text.
    pub text: String,
    /// What it costs in the encoding's units.
    pub units: usize,
}

/// How a text goes out and what it costs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segmentation {
    /// The alphabet the whole text needs.
    pub encoding: Encoding,
    /// The reference width the parts leave room for.
    pub width: ReferenceWidth,
    /// Units of the whole text.
    pub units: usize,
    /// The parts in order. Empty for an empty text.
    pub segments: Vec<Part>,
    /// Units that still fit before one more segment is needed.
    pub remaining: usize,
    /// Characters that forced the larger encoding, each once, in order of appearance.
    pub non_gsm: Vec<char>,
}

crate::debug::redacted_debug!(Part, Segmentation);

/// Cuts `text` for the usual 8-bit concatenation header.
#[must_use]
pub fn segment(text: &str) -> Segmentation {
    segment_with(text, ReferenceWidth::Eight)
}

/// Cuts `text` for a concatenation header of the given width.
#[must_use]
pub fn segment_with(text: &str, width: ReferenceWidth) -> Segmentation {
    let mut non_gsm = Vec::new();
    for character in text.chars().filter(|character| gsm::septets(*character).is_none()) {
        if !non_gsm.contains(&character) {
            non_gsm.push(character);
        }
    }
    let encoding = if non_gsm.is_empty() { Encoding::Gsm7 } else { Encoding::Ucs2 };
    cut(text, encoding, width, non_gsm)
}

/// Cuts `text` as `encoding` needs it, whatever would be cheaper.
#[must_use]
pub fn segment_as(text: &str, encoding: Encoding, width: ReferenceWidth) -> Segmentation {
    cut(text, encoding, width, Vec::new())
}

fn cut(text: &str, encoding: Encoding, width: ReferenceWidth, non_gsm: Vec<char>) -> Segmentation {
    let cost = |character: char| encoding.cost(character).unwrap_or(1);
    let units: usize = text.chars().map(cost).sum();

    let mut segments: Vec<Part> = Vec::new();
    if units > 0 && units <= encoding.single() {
        segments.push(Part { text: text.to_owned(), units });
        return Segmentation { encoding, width, units, segments, remaining: encoding.single() - units, non_gsm };
    }
    let capacity = encoding.per_part(width);
    for character in text.chars() {
        let cost = cost(character);
        match segments.last_mut() {
            Some(part) if part.units + cost <= capacity => {
                part.text.push(character);
                part.units += cost;
            }
            _ => segments.push(Part { text: character.to_string(), units: cost }),
        }
    }
    let remaining = segments.last().map_or(encoding.single(), |part| capacity - part.units);
    Segmentation { encoding, width, units, segments, remaining, non_gsm }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shape(text: &str) -> (Encoding, usize, Vec<usize>, usize) {
        let cut = segment(text);
        (cut.encoding, cut.units, cut.segments.iter().map(|part| part.units).collect(), cut.remaining)
    }

    #[test]
    fn gsm_boundaries() {
        use Encoding::Gsm7;
        assert_eq!(shape(""), (Gsm7, 0, vec![], 160));
        assert_eq!(shape("a"), (Gsm7, 1, vec![1], 159));
        assert_eq!(shape(&"a".repeat(159)), (Gsm7, 159, vec![159], 1));
        assert_eq!(shape(&"a".repeat(160)), (Gsm7, 160, vec![160], 0));
        assert_eq!(shape(&"a".repeat(161)), (Gsm7, 161, vec![153, 8], 145));
        assert_eq!(shape(&"a".repeat(306)), (Gsm7, 306, vec![153, 153], 0));
        assert_eq!(shape(&"a".repeat(307)), (Gsm7, 307, vec![153, 153, 1], 152));
    }

    #[test]
    fn ucs2_boundaries() {
        use Encoding::Ucs2;
        assert_eq!(shape(&"я".repeat(70)), (Ucs2, 70, vec![70], 0));
        assert_eq!(shape(&"я".repeat(71)), (Ucs2, 71, vec![67, 4], 63));
        assert_eq!(shape(&"я".repeat(134)), (Ucs2, 134, vec![67, 67], 0));
        assert_eq!(shape(&"я".repeat(135)), (Ucs2, 135, vec![67, 67, 1], 66));
        assert_eq!(shape("😀"), (Ucs2, 2, vec![2], 68));
        assert_eq!(shape(&"😀".repeat(35)), (Ucs2, 70, vec![70], 0));
    }

    #[test]
    fn pairs_are_carried_over_whole() {
        // The euro sign would start at septet 153 and is moved to the next part.
        let text = format!("{}€{}", "a".repeat(152), "b".repeat(20));
        assert_eq!(shape(&text), (Encoding::Gsm7, 174, vec![152, 22], 131));
        assert!(segment(&text).segments[1].text.starts_with('€'));
        let text = format!("{}😀{}", "я".repeat(66), "я".repeat(10));
        assert_eq!(shape(&text), (Encoding::Ucs2, 78, vec![66, 12], 55));
        assert!(segment(&text).segments[1].text.starts_with('😀'));
        assert_eq!(shape(&"€".repeat(80)), (Encoding::Gsm7, 160, vec![160], 0));
        assert_eq!(shape(&"€".repeat(81)), (Encoding::Gsm7, 162, vec![152, 10], 143));
    }

    #[test]
    fn sixteen_bit_reference_takes_one_more_unit() {
        let parts = |text: &str| -> Vec<usize> {
            segment_with(text, ReferenceWidth::Sixteen).segments.iter().map(|part| part.units).collect()
        };
        assert_eq!(parts(&"a".repeat(160)), [160]);
        assert_eq!(parts(&"a".repeat(305)), [152, 152, 1]);
        assert_eq!(parts(&"я".repeat(133)), [66, 66, 1]);
    }

    #[test]
    fn one_curly_quote_names_itself() {
        let cut = segment("It’s on – it’s here");
        assert_eq!(cut.encoding, Encoding::Ucs2);
        assert_eq!(cut.non_gsm, ['’', '–']);
        assert!(segment("It's {free} [today] ~ 5€").non_gsm.is_empty());
    }

    #[test]
    fn octets_of_both_encodings() {
        assert_eq!(Encoding::Gsm7.encode("@€").unwrap(), [0x00, 0x1B, 0x65]);
        assert_eq!(Encoding::Ucs2.encode("A😀").unwrap(), [0x00, 0x41, 0xD8, 0x3D, 0xDE, 0x00]);
        assert_eq!(Encoding::Gsm7.encode("aя"), Err('я'));
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof!["[ -~\n€àé]{0,500}", "[a-z€|{}\\[\\]~^\\\\]{0,400}", "[a-zя😀🎉’€]{0,300}", ".{0,200}",]
    }

    proptest! {
        #[test]
        fn parts_join_to_the_text_and_never_break_a_limit(text in any_text(), wide in any::<bool>()) {
            let width = if wide { ReferenceWidth::Sixteen } else { ReferenceWidth::Eight };
            let cut = segment_with(&text, width);
            let joined: String = cut.segments.iter().map(|part| part.text.as_str()).collect();
            prop_assert_eq!(&joined, &text);
            prop_assert_eq!(cut.segments.iter().map(|part| part.units).sum::<usize>(), cut.units);
            let limit = if cut.segments.len() > 1 { cut.encoding.per_part(width) } else { cut.encoding.single() };
            for (index, part) in cut.segments.iter().enumerate() {
                prop_assert!(part.units > 0 && part.units <= limit);
                let octets = cut.encoding.encode(&part.text).unwrap();
                let units = if cut.encoding == Encoding::Gsm7 { octets.len() } else { octets.len() / 2 };
                prop_assert_eq!(units, part.units);
                // A part is as full as an unsplittable pair allows.
                if index + 1 < cut.segments.len() {
                    prop_assert!(part.units >= limit - 1);
                }
                // Each part reads alone: no half of a pair at either end.
                match cut.encoding {
                    Encoding::Gsm7 => prop_assert_eq!(crate::text::gsm::decode(&octets), part.text.clone()),
                    Encoding::Ucs2 => {
                        let units: Vec<u16> =
                            octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                        prop_assert_eq!(String::from_utf16(&units).unwrap(), part.text.clone());
                    }
                }
            }
            prop_assert_eq!(cut.encoding == Encoding::Gsm7, cut.non_gsm.is_empty());
        }

        #[test]
        fn remaining_is_exact(length in 1usize..400) {
            let text = "a".repeat(length);
            let cut = segment(&text);
            let full = format!("{text}{}", "b".repeat(cut.remaining));
            prop_assert_eq!(segment(&full).segments.len(), cut.segments.len());
            prop_assert_eq!(segment(&format!("{full}c")).segments.len(), cut.segments.len() + 1);
        }
    }
}
