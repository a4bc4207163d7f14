//! Addresses of files that work without a login: each names one file of one workspace and what it is for, is signed with
//! the installation's own secret, and ends by itself.
//!
//! A browser gets one for some minutes, once the caller's right to the file was checked. A provider gets one for as long
//! as it may try to send the message, because it fetches the file when the message leaves.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use segue_model::{Ctx, MediaId, Timestamp, WorkspaceId, id::Id as _};
use segue_store::{Store, StoreError};
use sha2::Sha256;
use uuid::Uuid;

/// Path of files on the host that serves them.
pub const PATH: &str = "/f/";
/// Bytes of what is signed: workspace, file, end, purpose.
const SIGNED: usize = 16 + 16 + 8 + 1;

/// What an address of a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePurpose {
    /// A browser: pictures, sound and films are shown, everything else is saved.
    Show,
    /// A browser that saves it, whatever it is.
    Save,
    /// A provider that sends it as a part of a message.
    Carrier,
}

impl FilePurpose {
    const fn code(self) -> u8 {
        match self {
            Self::Show => 0,
            Self::Save => 1,
            Self::Carrier => 2,
        }
    }

    const fn of_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Show),
            1 => Some(Self::Save),
            2 => Some(Self::Carrier),
            _ => None,
        }
    }

    /// Seconds that an address works at least.
    const fn works_for(self) -> i64 {
        match self {
            Self::Show | Self::Save => 600,
            // Providers try for at most ten hours.
            Self::Carrier => 11 * 3_600,
        }
    }

    /// Seconds in which the same file has the same address, so that nobody loads it again and again.
    const fn same_for(self) -> i64 {
        match self {
            Self::Show | Self::Save => 600,
            Self::Carrier => 3_600,
        }
    }
}

/// What an address gives: one file of one workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileAddress {
    pub workspace_id: WorkspaceId,
    pub media_id: MediaId,
    pub purpose: FilePurpose,
}

impl FileAddress {
    /// The address under an origin, such as `https://files.example.net`.
    #[must_use]
    pub fn under(&self, origin: &str, key: &[u8], now: Timestamp) -> String {
        format!("{origin}{PATH}{}", self.token(key, now))
    }

    fn token(&self, key: &[u8], now: Timestamp) -> String {
        let (now, same_for) = (now.0.div_euclid(1_000), self.purpose.same_for());
        let ends = (now.div_euclid(same_for) + 1) * same_for + self.purpose.works_for();
        let mut token = Vec::with_capacity(SIGNED + 32);
        token.extend_from_slice(self.workspace_id.uuid().as_bytes());
        token.extend_from_slice(self.media_id.uuid().as_bytes());
        token.extend_from_slice(&ends.to_be_bytes());
        token.push(self.purpose.code());
        let signature = signer(key).chain_update(&token).finalize().into_bytes();
        token.extend_from_slice(&signature);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Reads what was signed, with the seconds that are left of it. `None` when it was not signed here, or is over.
    #[must_use]
    pub fn read(token: &str, key: &[u8], now: Timestamp) -> Option<(Self, i64)> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, signature) = bytes.split_at_checked(SIGNED)?;
        signer(key).chain_update(signed).verify_slice(signature).ok()?;
        let uuid = |at: usize| Uuid::from_slice(signed.get(at..at + 16)?).ok();
        let ends = i64::from_be_bytes(signed.get(32..40)?.try_into().ok()?);
        let left = ends - now.0.div_euclid(1_000);
        let purpose = FilePurpose::of_code(*signed.get(40)?)?;
        let (workspace_id, media_id) = (WorkspaceId::from_uuid(uuid(0)?), MediaId::from_uuid(uuid(16)?));
        (left > 0).then_some((Self { workspace_id, media_id, purpose }, left))
    }
}

fn signer(key: &[u8]) -> Hmac<Sha256> {
    // A key of any length is good; there is no other way to fail.
    Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

/// The installation's own secret, the same on every node; made when it is first needed.
///
/// # Errors
/// When the store fails.
pub async fn key(store: &Store, ctx: &Ctx) -> Result<Vec<u8>, StoreError> {
    let fresh = ctx.random_bytes::<32>();
    store.write(move |tx| tx.secret_or("file_address_key", &fresh)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_453_200_000);
    const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn address(purpose: FilePurpose) -> FileAddress {
        FileAddress {
            workspace_id: WorkspaceId::from_uuid(Uuid::from_u128(1)),
            media_id: MediaId::from_uuid(Uuid::from_u128(2)),
            purpose,
        }
    }

    #[test]
    fn an_address_says_what_it_is_for_and_ends() {
        for (purpose, least, most) in [
            (FilePurpose::Show, 600, 1_200),
            (FilePurpose::Save, 600, 1_200),
            (FilePurpose::Carrier, 11 * 3_600, 12 * 3_600),
        ] {
            let address = address(purpose);
            let token = address.token(KEY, NOW);
            let (read, left) = FileAddress::read(&token, KEY, NOW).unwrap();
            assert_eq!(read, address);
            assert!((least..=most).contains(&left), "{left}");
            assert!(FileAddress::read(&token, KEY, NOW.plus((left - 1) * 1_000)).is_some());
            assert!(FileAddress::read(&token, KEY, NOW.plus(left * 1_000)).is_none(), "it is over");
        }
    }

    #[test]
    fn nothing_of_an_address_can_be_changed() {
        let token = address(FilePurpose::Carrier).token(KEY, NOW);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for place in 0..bytes.len() {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert!(FileAddress::read(&URL_SAFE_NO_PAD.encode(&other), KEY, NOW).is_none(), "byte {place}");
        }
        for cut in 0..bytes.len() {
            assert!(FileAddress::read(&URL_SAFE_NO_PAD.encode(&bytes[..cut]), KEY, NOW).is_none(), "cut at {cut}");
        }
        assert!(FileAddress::read(&token, b"another key", NOW).is_none());
        assert!(FileAddress::read("", KEY, NOW).is_none());
    }
}
