//! The address of a PostgreSQL database: what it means for connections, and how it is shown.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _, time::Duration};

use tokio_postgres::config::SslMode;

use crate::StoreError;

/// After how long without a sign of life a connection is given up, unless the address says otherwise.
const SILENCE: Duration = Duration::from_secs(10);
/// What to do instead, after what was asked for.
const NO_TLS: &str = "TLS (sslmode=require), which Segue does not speak with PostgreSQL. Use sslmode=disable with a database on \
     this machine or in a network of its own, or through a tunnel that encrypts; docs/tls.md shows one.";

/// Why an address is refused; `sslmode=verify-full` and the like are not known to the driver.
fn unreadable(url: &str, error: &tokio_postgres::Error) -> String {
    if url.contains("sslmode=verify") {
        return format!("The database URL asks for {NO_TLS}");
    }
    format!("The database URL cannot be read: {error}")
}

/// How to connect to the database with this address.
///
/// # Errors
/// When it cannot be read, or asks for what is not there.
pub(crate) fn config(url: &str) -> Result<tokio_postgres::Config, StoreError> {
    let mut config: tokio_postgres::Config =
        url.parse().map_err(|error: tokio_postgres::Error| StoreError::Unsupported(unreadable(url, &error)))?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(StoreError::Unsupported(format!("The database URL asks for {NO_TLS}")));
    }
    // Whoever is refused the database reads there which process has it.
    config.application_name(format!("segue {}", std::process::id())).connect_timeout(Duration::from_secs(5));
    // A host that dies without a word is known to be gone after this time, and not after a quarter of an hour.
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if !url.contains("keepalives_idle") {
        config.keepalives_idle(SILENCE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(SILENCE);
    }
    Ok(config)
}

/// The address without its password, for what other users of the machine can see, and the password.
///
/// # Errors
/// When the address cannot be read.
pub(crate) fn without_password(url: &str) -> Result<(String, Option<OsString>), StoreError> {
    let password = config(url)?.get_password().map(|password| OsString::from_vec(password.to_vec()));
    let Some((scheme, rest)) = url.split_once("://") else {
        // Words such as `host=a password=b`, where a value in quotes may hold blanks.
        return Ok((without_words(url), password));
    };
    let (authority, after) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    let after = match after.split_once('?') {
        Some((path, query)) => {
            let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("password=")).collect();
            if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
        }
        None => after.to_owned(),
    };
    Ok((format!("{scheme}://{authority}{after}"), password))
}

/// The words of an address without the one of the password.
fn without_words(text: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text.trim_start());
    while let Some((name, value)) = rest.split_once('=') {
        let mut is_quoted = false;
        let mut is_escaped = false;
        let value = value.trim_start();
        let end = value.find(|letter: char| {
            if std::mem::take(&mut is_escaped) {
                return false;
            }
            is_escaped = letter == '\\';
            is_quoted ^= letter == '\'';
            letter.is_whitespace() && !is_quoted
        });
        let (value, after) = value.split_at(end.unwrap_or(value.len()));
        if name.trim() != "password" {
            kept.push_str(&format!("{}={value} ", name.trim()));
        }
        rest = after.trim_start();
    }
    kept.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stands_in_no_argument() {
        let cases = [
            ("postgres://u:p%40ss@h:5/d", "postgres://u@h:5/d", Some("p@ss")),
            ("postgres://u@h/d?password=p&application_name=a", "postgres://u@h/d?application_name=a", Some("p")),
            ("postgresql://h/d", "postgresql://h/d", None),
            ("host=h password='a \\'b' user=u", "host=h user=u", Some("a 'b")),
            ("user=u password = p host=h", "user=u host=h", Some("p")),
        ];
        for (url, shown, password) in cases {
            assert_eq!(without_password(url).unwrap(), (shown.to_owned(), password.map(OsString::from)), "{url}");
        }
    }

    #[test]
    fn a_silent_host_is_given_up_soon_unless_the_address_says_otherwise() {
        let usual = config("postgres://u@h/d").unwrap();
        assert_eq!((usual.get_tcp_user_timeout(), usual.get_keepalives_idle()), (Some(&SILENCE), SILENCE));
        let own = config("postgres://u@h/d?tcp_user_timeout=60&keepalives_idle=90").unwrap();
        let (timeout, idle) = (Duration::from_secs(60), Duration::from_secs(90));
        assert_eq!((own.get_tcp_user_timeout(), own.get_keepalives_idle()), (Some(&timeout), idle));
    }

    #[test]
    fn tls_is_refused_in_words() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let refused = config(&format!("postgres://u@h/d?sslmode={mode}")).unwrap_err().to_string();
            assert!(refused.contains("docs/tls.md") && refused.contains("tunnel"), "{refused}");
        }
        config("postgres://u@h/d?sslmode=prefer").unwrap();
    }
}
