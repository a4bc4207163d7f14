//! Signing in, roles and keys, on both engines.

use std::net::{IpAddr, Ipv4Addr};

use segue_access::{
    AccessError, Disabled, LOGIN_LIFETIME, LoginThrottle, NewUser, NewWorkspace, UserChange, authenticate_key,
    authenticate_session, change_user, create_first_user, create_key, create_user, ensure_key, issue_setup_token,
    list_keys, list_users, login, logout, revoke_key, set_up,
};
use segue_model::{opt_out_line::OptOutLineWhen, role::Role};
use segue_store::{Sql, StoreError};
use segue_testkit::{TestStore, engines};
use sha2::Digest as _;

/// Where requests come from.
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const PASSWORD: &str = "correct horse battery";

fn person(email: &str, role: Role) -> NewUser {
    NewUser { email: email.to_owned(), name: "Ada".to_owned(), role, password: PASSWORD.to_owned() }
}

async fn sign_in(test: &TestStore, email: &str, password: &str) -> Result<String, AccessError> {
    login(&test.store, &test.ctx, &LoginThrottle::default(), Some(HOME), email, password).await.map(|(_, token)| token)
}

#[tokio::test]
async fn a_login_ends_with_time_sign_out_password_role_and_disabling() {
    for test in engines().await {
        let (store, ctx, workspace) = (&test.store, &test.ctx, test.workspace_id());
        create_user(store, ctx, workspace, &person("root@a.example", Role::Admin)).await.unwrap();
        let user = create_user(store, ctx, workspace, &person("Ada@A.example", Role::Agent)).await.unwrap();
        assert_eq!(user.email, "ada@a.example");

        let ends: Vec<(&str, UserChange)> = vec![
            ("password", UserChange { password: Some("another long password".to_owned()), ..Default::default() }),
            ("role", UserChange { role: Some(Role::Supervisor), ..Default::default() }),
            ("disabled", UserChange { disabled: Some(Disabled::Yes), ..Default::default() }),
        ];
        let mut password = PASSWORD;
        for (what, change) in ends {
            let token = sign_in(&test, " ada@a.example ", password).await.unwrap();
            assert_eq!(authenticate_session(store, ctx, &token).await.unwrap().user.id, user.id);
            change_user(store, ctx, workspace, user.id, change).await.unwrap();
            let after = authenticate_session(store, ctx, &token).await;
            assert!(matches!(after, Err(AccessError::NotSignedIn)), "{what} on {}", test.engine);
            password = "another long password";
        }
        let disabled = sign_in(&test, "ada@a.example", password).await;
        assert!(matches!(disabled, Err(AccessError::WrongCredentials)));

        let token = sign_in(&test, "root@a.example", PASSWORD).await.unwrap();
        logout(store, &token).await.unwrap();
        assert!(authenticate_session(store, ctx, &token).await.is_err());
        let token = sign_in(&test, "root@a.example", PASSWORD).await.unwrap();
        test.clock.advance(LOGIN_LIFETIME);
        assert!(authenticate_session(store, ctx, &token).await.is_err());
    }
}

#[tokio::test]
async fn wrong_and_unknown_look_the_same_and_guessing_is_stopped() {
    for test in engines().await {
        create_user(&test.store, &test.ctx, test.workspace_id(), &person("ada@a.example", Role::Admin)).await.unwrap();
        let throttle = LoginThrottle::default();
        let attempt = |email: &'static str, password: &'static str| {
            login(&test.store, &test.ctx, &throttle, Some(HOME), email, password)
        };
        let wrong = attempt("ada@a.example", "wrong password").await.unwrap_err().to_string();
        let unknown = attempt("eve@a.example", "wrong password").await.unwrap_err().to_string();
        assert_eq!(wrong, unknown);
        for _ in 0..9 {
            assert!(attempt("ada@a.example", "wrong password").await.is_err());
        }
        let stopped = attempt("ada@a.example", PASSWORD).await;
        assert!(matches!(stopped, Err(AccessError::TooManyAttempts)), "even the right password waits");
        test.clock.advance(60_000);
        assert!(attempt("ada@a.example", PASSWORD).await.is_ok());
    }
}

#[tokio::test]
async fn the_last_administrator_stays() {
    for test in engines().await {
        let (store, ctx, workspace) = (&test.store, &test.ctx, test.workspace_id());
        let only = create_user(store, ctx, workspace, &person("ada@a.example", Role::Admin)).await.unwrap();
        let demote = || UserChange { role: Some(Role::Agent), ..Default::default() };
        let refused = change_user(store, ctx, workspace, only.id, demote()).await;
        assert!(matches!(refused, Err(AccessError::LastAdmin)));
        create_user(store, ctx, workspace, &person("bob@a.example", Role::Admin)).await.unwrap();
        change_user(store, ctx, workspace, only.id, demote()).await.unwrap();
        let taken = create_user(store, ctx, workspace, &person("BOB@a.example", Role::Agent)).await;
        assert!(matches!(taken, Err(AccessError::EmailTaken)));
    }
}

/// The second key that is used at a time cannot be noted as used.
static SPOIL_NOTES: Sql = Sql::portable("SPOIL_NOTES", "CREATE UNIQUE INDEX spoiled ON api_keys (last_used_at)");

#[tokio::test]
async fn a_key_works_though_its_use_cannot_be_noted() {
    for test in engines().await {
        let (store, ctx, workspace) = (&test.store, &test.ctx, test.workspace_id());
        let (_, first) = create_key(store, ctx, workspace, "First", Role::Agent).await.unwrap();
        let (_, second) = create_key(store, ctx, workspace, "Second", Role::Agent).await.unwrap();
        store.write::<_, StoreError, _>(|tx| tx.execute(&SPOIL_NOTES, &[])).await.unwrap();
        authenticate_key(store, ctx, &first).await.unwrap();
        authenticate_key(store, ctx, &second).await.unwrap();
        let used = list_keys(store, workspace).await.unwrap();
        let notes: Vec<bool> = used.iter().map(|key| key.last_used_at.is_some()).collect();
        assert_eq!(notes, [true, false], "{}", test.engine);
    }
}

#[tokio::test]
async fn keys_work_until_they_are_revoked() {
    for test in engines().await {
        let (store, ctx, workspace) = (&test.store, &test.ctx, test.workspace_id());
        let (key, secret) = create_key(store, ctx, workspace, "Sync", Role::Marketer).await.unwrap();
        let (found, actor) = authenticate_key(store, ctx, &secret).await.unwrap();
        assert_eq!((found, actor.role()), (workspace, Role::Marketer));
        assert!(authenticate_key(store, ctx, "sk_guess").await.is_err());
        revoke_key(store, ctx, workspace, key.id).await.unwrap();
        assert!(authenticate_key(store, ctx, &secret).await.is_err());
        assert!(matches!(revoke_key(store, ctx, workspace, key.id).await, Err(AccessError::NoSuchKey)));

        let configured = "configured-key-with-enough-length";
        for _ in 0..2 {
            ensure_key(store, ctx, workspace, "From configuration", Role::Admin, configured).await.unwrap();
        }
        assert_eq!(list_keys(store, workspace).await.unwrap().len(), 2);
        let weak = ensure_key(store, ctx, workspace, "Weak", Role::Admin, "short").await;
        assert!(matches!(weak, Err(AccessError::WeakKey)));
    }
}

fn acme() -> NewWorkspace {
    NewWorkspace {
        name: "Acme".to_owned(),
        slug: "acme".to_owned(),
        time_zone: "UTC".to_owned(),
        country: "US".to_owned(),
    }
}

#[tokio::test]
async fn a_setup_link_ends_with_the_first_user_made_another_way_and_with_its_week() {
    for test in engines().await {
        let (store, ctx, workspace) = (&test.store, &test.ctx, test.workspace_id());
        let admin = person("eve@acme.example", Role::Admin);
        let old = issue_setup_token(store, ctx).await.unwrap().unwrap();
        test.clock.advance(7 * segue_model::time::DAY);
        let refused = set_up(store, ctx, &old, &acme(), &admin).await;
        assert!(matches!(refused, Err(AccessError::InvalidSetupToken)), "a week old: {}", test.engine);

        let token = issue_setup_token(store, ctx).await.unwrap().unwrap();
        create_user(store, ctx, workspace, &person("ada@acme.example", Role::Admin)).await.unwrap();
        let refused = set_up(store, ctx, &token, &acme(), &admin).await;
        assert!(matches!(refused, Err(AccessError::InvalidSetupToken)), "{}", test.engine);
        assert!(issue_setup_token(store, ctx).await.unwrap().is_none());
        let hash: [u8; 32] = sha2::Sha256::digest(token.as_bytes()).into();
        let (since, now) = (segue_model::Timestamp(0), test.now());
        let left = store.write::<_, StoreError, _>(move |tx| tx.use_setup_token(&hash, since, now)).await.unwrap();
        assert!(!left, "it is not even kept: {}", test.engine);
    }
}

#[tokio::test]
async fn the_setup_link_works_once_and_only_while_nobody_can_sign_in() {
    for test in engines().await {
        let (store, ctx) = (&test.store, &test.ctx);
        let new = acme();
        let old = issue_setup_token(store, ctx).await.unwrap().unwrap();
        test.clock.advance(segue_model::time::MINUTE);
        let token = issue_setup_token(store, ctx).await.unwrap().unwrap();
        let admin = person("ada@acme.example", Role::Agent);
        let replaced = set_up(store, ctx, &old, &new, &admin).await;
        assert!(matches!(replaced, Err(AccessError::InvalidSetupToken)), "a newer link replaces an older one");
        let weak = NewUser { password: "short".to_owned(), ..admin.clone() };
        assert!(set_up(store, ctx, &token, &new, &weak).await.is_err());
        let (id, user) = set_up(store, ctx, &token, &new, &admin).await.unwrap();
        assert_eq!(user.role, Role::Admin);
        let made = store.read::<_, StoreError, _>(move |tx| tx.workspace(id)).await.unwrap().unwrap();
        let line = &made.settings.campaigns.opt_out_line;
        assert_eq!(line.when, OptOutLineWhen::First, "the first text of each person says how to stop");
        let again = set_up(store, ctx, &token, &new, &person("eve@acme.example", Role::Admin)).await;
        assert!(matches!(again, Err(AccessError::InvalidSetupToken)));
        assert!(issue_setup_token(store, ctx).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_make_one_first_user_or_links_that_all_work() {
    for test in engines().await {
        let other = test.open_again().await;
        let (store, ctx, workspace) = (&test.store, &test.ctx, test.workspace_id());
        let theirs = test.ctx_of_node(2);
        let (first, second) = tokio::join!(issue_setup_token(store, ctx), issue_setup_token(&other, &theirs));
        let tokens = [first.unwrap().unwrap(), second.unwrap().unwrap()];
        assert_ne!(tokens[0], tokens[1]);
        for token in tokens {
            let weak = NewUser { password: "short".to_owned(), ..person("ada@acme.example", Role::Admin) };
            let refused = set_up(store, ctx, &token, &acme(), &weak).await;
            assert!(matches!(refused, Err(AccessError::InvalidPassword(_))), "{}: it is good", test.engine);
        }
        let (ada, eve) = (person("ada@acme.example", Role::Admin), person("eve@acme.example", Role::Admin));
        let made = tokio::join!(
            create_first_user(store, ctx, workspace, &ada),
            create_first_user(&other, &theirs, workspace, &eve)
        );
        assert_ne!(made.0.unwrap(), made.1.unwrap(), "{}", test.engine);
        assert!(!create_first_user(store, ctx, workspace, &ada).await.unwrap(), "{}", test.engine);
        assert_eq!(list_users(store, workspace).await.unwrap().len(), 1, "{}", test.engine);
        other.close();
    }
}
