//! API keys as accounts of Twilio's dialect.
//!
//! An API key is an account: its SID is `AC` and the key's id in hexadecimal, and its auth token is derived from the key's
//! id with a secret of the installation. So the token need not be stored, can be told again to an administrator, signs
//! the status callbacks (a hash could not), and dies with the key. Requests may also come with the key's own text, as
//! token of the account or in Twilio's API-key style with the SID `SK…`.

use hmac::{Hmac, KeyInit, Mac};
use segue_model::{ApiKeyId, Ctx, WorkspaceId, actor::Actor, id::Id as _};
use segue_store::{Store, StoreError, Tx, access::ApiKey};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{AccessError, authenticate_key};

/// Name of the installation's secret.
const SECRET: &str = "twilio_token_key";

/// An API key's credentials in Twilio's dialect.
#[derive(Clone, PartialEq, Eq)]
pub struct TwilioAccount {
    pub account_sid: String,
    pub auth_token: String,
}

impl std::fmt::Debug for TwilioAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TwilioAccount({})", self.account_sid)
    }
}

/// The account SID of a key.
#[must_use]
pub fn account_sid(id: ApiKeyId) -> String {
    format!("AC{}", id.uuid().simple())
}

/// The key of an account SID (`AC…`) or an API key SID (`SK…`).
#[must_use]
pub fn key_of_sid(sid: &str) -> Option<ApiKeyId> {
    let digits = sid.strip_prefix("AC").or_else(|| sid.strip_prefix("SK")).filter(|digits| digits.len() == 32)?;
    Uuid::try_parse(digits).ok().map(ApiKeyId)
}

/// The auth token of a key, inside a transaction.
///
/// # Errors
/// When the store fails.
pub fn auth_token(tx: &mut Tx<'_>, ctx: &Ctx, id: ApiKeyId) -> Result<String, StoreError> {
    let secret = tx.secret_or(SECRET, &ctx.random_bytes::<32>())?;
    token_of(&secret, id)
}

fn token_of(secret: &[u8], id: ApiKeyId) -> Result<String, StoreError> {
    let mac = Hmac::<Sha256>::new_from_slice(secret)
        .map_err(|_| StoreError::Corrupt(format!("the secret {SECRET} is no key")))?;
    let digest = mac.chain_update(b"auth token").chain_update(id.uuid().as_bytes()).finalize().into_bytes();
    Ok(digest[..16].iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The credentials of a key that is not revoked.
///
/// # Errors
/// [`AccessError::NoSuchKey`] or the store's.
pub async fn twilio_account(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ApiKeyId,
) -> Result<TwilioAccount, AccessError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            let known = tx.api_keys(workspace_id)?.into_iter().any(|key| key.id == id && key.revoked_at.is_none());
            if !known {
                return Err(AccessError::NoSuchKey);
            }
            Ok(TwilioAccount { account_sid: account_sid(id), auth_token: auth_token(tx, &ctx, id)? })
        })
        .await
}

/// Who a request in Twilio's dialect comes from. `user` and `password` are those of Basic authentication.
///
/// # Errors
/// [`AccessError::NotSignedIn`] when they do not belong together, or the key is revoked.
pub async fn authenticate_twilio(
    store: &Store,
    ctx: &Ctx,
    user: &str,
    password: &str,
) -> Result<(WorkspaceId, Actor), AccessError> {
    let id = key_of_sid(user).ok_or(AccessError::NotSignedIn)?;
    if password.starts_with("sk_") || user.starts_with("SK") {
        let (workspace_id, actor) = authenticate_key(store, ctx, password).await?;
        let same = matches!(&actor, Actor::ApiKey { id: own, .. } if *own == id);
        return if same { Ok((workspace_id, actor)) } else { Err(AccessError::NotSignedIn) };
    }
    // Without a secret nobody was ever told a token.
    let found = store.read(move |tx| Ok::<_, AccessError>(tx.live_api_key(id)?.zip(tx.secret(SECRET)?))).await?;
    let ((workspace_id, key), secret): ((WorkspaceId, ApiKey), Vec<u8>) = found.ok_or(AccessError::NotSignedIn)?;
    let token = token_of(&secret, id)?;
    if !bool::from(token.as_bytes().ct_eq(password.as_bytes())) {
        return Err(AccessError::NotSignedIn);
    }
    let now = ctx.now();
    if key.last_used_at.is_none_or(|used| now.since(used) > segue_model::time::MINUTE) {
        // The request does not depend on whether it can be noted.
        let _: Result<(), StoreError> = store.write(move |tx| tx.touch_api_key(workspace_id, id, now)).await;
    }
    Ok((workspace_id, Actor::ApiKey { id, name: key.name, role: key.role }))
}
