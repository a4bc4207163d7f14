//! Link and reference codes: the encryption of (campaign number, position).
//!
//! A code needs no index: it decrypts straight to its recipient. It is 16 characters of Crockford's base 32, that is
//! 80 bits, encrypted with FF1 (NIST SP 800-38G). Of the 80 bits, 24 carry the campaign's number, 28 the recipient's
//! position and 28 are zero; a guess is right with probability (issued codes) / 2^80, so 2^27 issued codes still leave
//! 53 bits to guess, and nearly every wrong code is recognised as wrong without a look at the database.

/// What a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeTarget {
    /// The campaign's number, unique in the installation; below 2^24.
    pub campaign_number: u32,
    /// The recipient's position in the campaign; below 2^28.
    pub position: u32,
}
