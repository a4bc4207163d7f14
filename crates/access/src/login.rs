//! Signing in and out with server-side sessions.
//!
//! A try is counted before its password is looked at, and given back when it was right: of many tries at once no more
//! are looked at than of as many one after the other. They are counted by address and e-mail together, so that a stranger
//! who guesses keeps nobody else out, and besides by address and by e-mail, so that neither many e-mails nor many
//! addresses make guessing fast.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
};

use segue_model::{Ctx, Timestamp, WorkspaceId, actor::Actor, time};
use segue_store::{
    Store,
    access::{Credentials, User},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{AccessError, password, token};

/// How long a login is good for, in milliseconds: a working day and the night after it.
pub const LOGIN_LIFETIME: i64 = 24 * time::HOUR;

/// Bytes of an e-mail address at most (RFC 5321, 4.5.3.1.3, without its angle brackets).
pub(crate) const LONGEST_EMAIL: usize = 254;
/// Failed tries of one e-mail from one address within [`THROTTLE_PERIOD`] after which further ones are not even checked.
const THROTTLE_LIMIT: u32 = 10;
/// The same of all e-mails from one address: many people can be behind one.
const ADDRESS_LIMIT: u32 = 60;
/// The same of one e-mail from all addresses.
const EMAIL_LIMIT: u32 = 200;
const THROTTLE_PERIOD: i64 = time::MINUTE;
/// Counts remembered at most; beyond that whoever is new waits.
const THROTTLE_SIZE: usize = 20_000;
/// Passwords checked at once. Each takes a processor and 19 MiB for tens of milliseconds.
const AT_ONCE: usize = 4;
/// Tries at most that are checked or wait for it. Less than [`ADDRESS_LIMIT`], so that many who sign in at once from one
/// address are told to wait a little, and not that they failed.
const PLACES: usize = 48;

/// Slows down guessing of passwords, and bounds what it costs.
pub struct LoginThrottle {
    tries: Mutex<HashMap<Counted, (Timestamp, u32)>>,
    places: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
}

impl Default for LoginThrottle {
    fn default() -> Self {
        Self {
            tries: Mutex::default(),
            places: Arc::new(Semaphore::new(PLACES)),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// What tries are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    Both(String, IpAddr),
    Address(IpAddr),
    Email(String),
}

impl Counted {
    const fn limit(&self) -> u32 {
        match self {
            Self::Both(..) => THROTTLE_LIMIT,
            Self::Address(_) => ADDRESS_LIMIT,
            Self::Email(_) => EMAIL_LIMIT,
        }
    }
}

/// A try that is counted.
struct Try {
    counted: Vec<Counted>,
}

impl LoginThrottle {
    /// Counts a try, when there is one left. A try that is forgotten on its way stays counted.
    fn reserve(&self, email: &str, address: Option<IpAddr>, now: Timestamp) -> Result<Try, AccessError> {
        let from = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let mut counted = vec![Counted::Both(email.to_owned(), from), Counted::Email(email.to_owned())];
        counted.extend(address.map(Counted::Address));
        let is_over = |since: &Timestamp| now.since(*since) >= THROTTLE_PERIOD;
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() + counted.len() > THROTTLE_SIZE {
            tries.retain(|_, (since, _)| !is_over(since));
        }
        let fresh = counted.iter().filter(|key| !tries.contains_key(key)).count();
        let is_used_up =
            |key: &Counted| tries.get(key).is_some_and(|(since, count)| !is_over(since) && *count >= key.limit());
        // Under attack from everywhere whoever is new waits, and memory stays bounded.
        if tries.len() + fresh > THROTTLE_SIZE || counted.iter().any(is_used_up) {
            return Err(AccessError::TooManyAttempts);
        }
        for key in &counted {
            let entry = tries.entry(key.clone()).or_insert((now, 0));
            if is_over(&entry.0) {
                *entry = (now, 0);
            }
            entry.1 += 1;
        }
        Ok(Try { counted })
    }

    /// Takes a try back that was no wrong one.
    fn give_back(&self, given: &Try) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &given.counted {
            if let Some((_, count)) = tries.get_mut(key) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    tries.remove(key);
                }
            }
        }
    }

    /// A place among those that are checked or wait for it.
    fn place(&self) -> Result<OwnedSemaphorePermit, AccessError> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| AccessError::Busy)
    }

    /// Whether the password belongs to the hash, when it is this one's turn.
    async fn verify(
        &self,
        place: OwnedSemaphorePermit,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, AccessError> {
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_| AccessError::Busy)?;
        let password = password.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            // Held here: who gives up waiting does not end the work.
            let _held = (place, turn);
            password::verify(&password, hash.as_deref())
        });
        Ok(checked.await.unwrap_or(false))
    }
}

/// Somebody who has just signed in, or whose token was accepted.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub workspace_id: WorkspaceId,
    pub user: User,
    pub expires_at: Timestamp,
}

impl SignedIn {
    /// The user as the one who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::User { id: self.user.id, name: self.user.name.clone(), role: self.user.role }
    }
}

/// Checks e-mail address and password and gives a token for the cookie. `address` is where the request comes from, when that is known.
///
/// # Errors
/// [`AccessError::InvalidEmail`], [`AccessError::WrongCredentials`], [`AccessError::TooManyAttempts`],
/// [`AccessError::Busy`], or the store's.
pub async fn login(
    store: &Store,
    ctx: &Ctx,
    throttle: &LoginThrottle,
    address: Option<IpAddr>,
    email: &str,
    password: &str,
) -> Result<(SignedIn, String), AccessError> {
    if email.len() > LONGEST_EMAIL {
        return Err(AccessError::InvalidEmail);
    }
    let email = email.trim().to_lowercase();
    let now = ctx.now();
    let place = throttle.place()?;
    let counted = throttle.reserve(&email, address, now)?;
    let checked = check(store, (throttle, place), email, password).await;
    // Only a wrong password counts: not a right one, and not what could not be looked at.
    if !matches!(checked, Err(AccessError::WrongCredentials)) {
        throttle.give_back(&counted);
    }
    begin(store, ctx, checked?, now).await
}

/// Begins the login of somebody whose password was right, unless it or the account was changed while it was checked: what
/// ends all logins of a user ends this one too.
async fn begin(
    store: &Store,
    ctx: &Ctx,
    checked: Credentials,
    now: Timestamp,
) -> Result<(SignedIn, String), AccessError> {
    let (text, token_hash) = token::fresh(ctx, "");
    let expires_at = now.plus(LOGIN_LIFETIME);
    let signed_in = store
        .write(move |tx| {
            let workspace_id = checked.workspace_id;
            tx.lock_shared("users", &workspace_id)?;
            let known = tx.credentials(&checked.user.email)?.filter(|known| {
                known.user.id == checked.user.id
                    && known.password_hash == checked.password_hash
                    && known.user.disabled_at.is_none()
            });
            let Some(Credentials { user, .. }) = known else { return Err(AccessError::WrongCredentials) };
            tx.delete_expired_logins(now)?;
            tx.insert_login(&token_hash, workspace_id, user.id, now, expires_at)?;
            Ok(SignedIn { workspace_id, user, expires_at })
        })
        .await?;
    Ok((signed_in, text))
}

/// The user whom e-mail address and password belong to.
async fn check(
    store: &Store,
    (throttle, place): (&LoginThrottle, OwnedSemaphorePermit),
    email: String,
    password: &str,
) -> Result<Credentials, AccessError> {
    let found = store.read(move |tx| Ok::<_, AccessError>(tx.credentials(&email)?)).await?;
    let hash = found.as_ref().map(|credentials| credentials.password_hash.clone());
    let right = throttle.verify(place, password, hash).await?;
    found.filter(|credentials| right && credentials.user.disabled_at.is_none()).ok_or(AccessError::WrongCredentials)
}

/// Who the cookie's token belongs to.
///
/// # Errors
/// [`AccessError::NotSignedIn`] when it is not good (any more).
pub async fn authenticate_session(store: &Store, ctx: &Ctx, text: &str) -> Result<SignedIn, AccessError> {
    let (token_hash, now) = (token::hash(text), ctx.now());
    let login = store.read(move |tx| Ok::<_, AccessError>(tx.login(&token_hash, now)?)).await?;
    let login = login.ok_or(AccessError::NotSignedIn)?;
    Ok(SignedIn { workspace_id: login.workspace_id, user: login.user, expires_at: login.expires_at })
}

/// Ends the login of the cookie's token. Ending it twice is harmless.
///
/// # Errors
/// When the store fails.
pub async fn logout(store: &Store, text: &str) -> Result<(), AccessError> {
    let token_hash = token::hash(text);
    store.write(move |tx| Ok(tx.delete_login(&token_hash)?)).await
}

#[cfg(test)]
mod tests {
    use segue_model::role::Role;
    use segue_testkit::{engines, sqlite_store};

    use super::*;
    use crate::{Disabled, NewUser, UserChange, change_user, create_user};

    const HOME: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));

    fn number(number: u32) -> Option<IpAddr> {
        Some(IpAddr::from(number.to_be_bytes()))
    }

    #[test]
    fn tries_are_counted_before_they_are_looked_at_and_right_ones_given_back() {
        let (throttle, start) = (LoginThrottle::default(), Timestamp(0));
        let last = (0..THROTTLE_LIMIT).map(|_| throttle.reserve("a@a.example", HOME, start).unwrap()).last().unwrap();
        assert!(throttle.reserve("a@a.example", HOME, start).is_err());
        assert!(throttle.reserve("b@a.example", HOME, start).is_ok());
        assert!(throttle.reserve("a@a.example", number(7), start).is_ok(), "another address is another one's");
        throttle.give_back(&last);
        assert!(throttle.reserve("a@a.example", HOME, start).is_ok());
        assert!(throttle.reserve("a@a.example", HOME, start).is_err());
        assert!(throttle.reserve("a@a.example", HOME, start.plus(THROTTLE_PERIOD)).is_ok());
    }

    #[test]
    fn neither_many_emails_nor_many_addresses_make_guessing_fast() {
        let (throttle, start) = (LoginThrottle::default(), Timestamp(0));
        let passed = |tries: &mut dyn Iterator<Item = (String, Option<IpAddr>)>| {
            tries.filter(|(email, address)| throttle.reserve(email, *address, start).is_ok()).count()
        };
        let emails = passed(&mut (0..500).map(|n| (format!("{n}@a.example"), HOME)));
        assert_eq!(emails, usize::try_from(ADDRESS_LIMIT).unwrap());
        let addresses = passed(&mut (0..500).map(|n| ("a@a.example".to_owned(), number(n))));
        assert_eq!(addresses, usize::try_from(EMAIL_LIMIT).unwrap());
    }

    #[test]
    fn memory_is_bounded_and_recovers() {
        let (throttle, start) = (LoginThrottle::default(), Timestamp(0));
        for n in 0..u32::try_from(THROTTLE_SIZE).unwrap() {
            drop(throttle.reserve(&format!("{n}@a.example"), number(n), start));
        }
        assert!(throttle.tries.lock().unwrap().len() <= THROTTLE_SIZE);
        assert!(throttle.reserve("late@a.example", HOME, start).is_err());
        assert!(throttle.reserve("late@a.example", HOME, start.plus(THROTTLE_PERIOD)).is_ok());
    }

    #[tokio::test]
    async fn an_endless_email_is_neither_kept_nor_looked_at() {
        let (test, throttle) = (sqlite_store().await, LoginThrottle::default());
        let endless = "x".repeat(1 << 20);
        let refused = login(&test.store, &test.ctx, &throttle, HOME, &endless, "a long password").await;
        assert!(matches!(refused, Err(AccessError::InvalidEmail)));
        assert!(throttle.tries.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_finds_no_place_is_told_so_and_loses_no_try() {
        let (test, throttle) = (sqlite_store().await, LoginThrottle::default());
        let attempt = || login(&test.store, &test.ctx, &throttle, HOME, "a@a.example", "a long password");
        let all = throttle.places.acquire_many(u32::try_from(PLACES).unwrap()).await.unwrap();
        assert!(matches!(attempt().await, Err(AccessError::Busy)));
        assert!(throttle.tries.lock().unwrap().is_empty());
        drop(all);
        assert!(matches!(attempt().await, Err(AccessError::WrongCredentials)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_login_that_is_being_checked_ends_with_a_new_password_or_the_account() {
        for test in engines().await {
            let (store, ctx, workspace_id) = (&test.store, &test.ctx, test.workspace_id());
            let throttle = LoginThrottle::default();
            let boss = NewUser {
                email: "boss@a.example".to_owned(),
                name: "Boss".to_owned(),
                role: Role::Admin,
                password: "a long password".to_owned(),
            };
            let ann = NewUser { email: "ann@a.example".to_owned(), role: Role::Agent, ..boss.clone() };
            create_user(store, ctx, workspace_id, &boss).await.unwrap();
            let id = create_user(store, ctx, workspace_id, &ann).await.unwrap().id;
            let checked = async |password: &str| {
                let place = throttle.place().unwrap();
                check(store, (&throttle, place), ann.email.clone(), password).await.unwrap()
            };
            let before = checked(&ann.password).await;
            assert!(begin(store, ctx, before.clone(), test.now()).await.is_ok(), "{}", test.engine);
            let change =
                async |change: UserChange| change_user(store, ctx, workspace_id, id, change).await.map(drop).unwrap();
            let password = "another long password".to_owned();
            change(UserChange { password: Some(password.clone()), ..UserChange::default() }).await;
            let late = begin(store, ctx, before, test.now()).await;
            assert!(matches!(late, Err(AccessError::WrongCredentials)), "{}: the old password", test.engine);

            let before = checked(&password).await;
            change(UserChange { disabled: Some(Disabled::Yes), ..UserChange::default() }).await;
            let late = begin(store, ctx, before.clone(), test.now()).await;
            assert!(matches!(late, Err(AccessError::WrongCredentials)), "{}: switched off", test.engine);
            change(UserChange { disabled: Some(Disabled::No), role: Some(Role::Supervisor), ..UserChange::default() })
                .await;
            let (signed_in, _) = begin(store, ctx, before, test.now()).await.unwrap();
            assert_eq!(signed_in.user.role, Role::Supervisor, "{}: as it is by now", test.engine);
        }
    }
}
