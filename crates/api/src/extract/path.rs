//! Ids in paths.

use std::{fmt::Display, str::FromStr};

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The one `{…}` segment of the route's path. A text that is no id of the kind is answered 400.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<S, T> FromRequestParts<S> for PathId<T>
where
    S: Send + Sync,
    T: FromStr + Send,
    T::Err: Display,
    String: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::malformed("invalid_id", "The id in the address cannot be read."))?;
        text.parse()
            .map(Self)
            .map_err(|error: T::Err| Problem::malformed("invalid_id", format!("{error}. Check the address.")))
    }
}

/// The two `{…}` segments of the route's path, in their order.
#[derive(Debug, Clone, Copy)]
pub struct PathIds<A, B>(pub (A, B));

impl<S, A, B> FromRequestParts<S> for PathIds<A, B>
where
    S: Send + Sync,
    A: FromStr<Err: Display> + Send,
    B: FromStr<Err: Display> + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path((first, second)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::malformed("invalid_id", "The ids in the address cannot be read."))?;
        Ok(Self((parsed(&first)?, parsed(&second)?)))
    }
}

fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| Problem::malformed("invalid_id", format!("{error}. Check the address.")))
}
