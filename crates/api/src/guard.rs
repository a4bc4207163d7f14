//! What stands before every handler of the API: who is it, may they, is it a repeat.
//!
//! A route is declared together with its guard, and the guard writes the same words into the OpenAPI document
//! (`x-segue-permission`), so what is documented is what is enforced. Order of the checks: login (401), request of
//! another site (403), permission (403), room for a large body (503), size (413), repeat (409, 422 or the first answer
//! again).
//!
//! An unsafe request runs in its own task: a client that goes away or a time limit that passes cannot stop a command
//! between two of its transactions.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody as _},
    extract::{DefaultBodyLimit, Request},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, request::Parts};
use segue_access::Permission;
use segue_store::idempotency::{ABANDONED, LONG_ABANDONED};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument as _, Span};
use utoipa::openapi::{
    extensions::ExtensionsBuilder,
    path::{Operation, PathItem},
};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::{
    AppState,
    caller::{self, Caller},
    idempotency,
    problem::Problem,
    same_origin,
};

/// Name of the OpenAPI extension that says who may call an operation.
pub const PERMISSION_EXTENSION: &str = "x-segue-permission";
/// Name of the OpenAPI extension of a POST that takes no `Idempotency-Key`: a repeat is done again.
pub(crate) const REPEAT_EXTENSION: &str = "x-segue-repeat";
/// Bytes of a request's body, where a route does not say otherwise.
const BODY_LIMIT: usize = 1 << 20;
/// How long a client waits at most.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How long a client waits at most for an upload over a slow line, or an answer that a provider has to give first.
const LONG_TIME_LIMIT: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Anybody,
    SignedIn,
    With(Permission),
}

/// What becomes of a POST that is sent again with the same `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// The first answer is given again.
    Answered,
    /// It is simply done again: it changes nothing, or its answer or a hash of the request must not be stored.
    Done,
}

/// Who may call a route, and within which limits.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    who: Who,
    repeat: Repeat,
    body_limit: usize,
    /// Whether a body is in memory as a whole.
    is_held: bool,
    time_limit: Option<Duration>,
}

impl Guard {
    const fn new(who: Who) -> Self {
        Self { who, repeat: Repeat::Answered, body_limit: BODY_LIMIT, is_held: true, time_limit: Some(TIME_LIMIT) }
    }

    /// Everybody.
    #[must_use]
    pub const fn anybody() -> Self {
        Self::new(Who::Anybody)
    }

    /// Everybody who is signed in, and every API key.
    #[must_use]
    pub const fn signed_in() -> Self {
        Self::new(Who::SignedIn)
    }

    /// Those whose role has the permission.
    #[must_use]
    pub const fn needs(permission: Permission) -> Self {
        Self::new(Who::With(permission))
    }

    /// A repeat is done again: the route changes nothing, or its answer or a hash of the request must not be stored.
    #[must_use]
    pub const fn unrecorded(mut self) -> Self {
        self.repeat = Repeat::Done;
        self
    }

    /// Takes larger bodies.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Writes bodies to disk as they come in, so that they take no room in memory.
    #[must_use]
    pub const fn spooled(mut self) -> Self {
        self.is_held = false;
        self
    }

    /// May take minutes: uploads, and what a provider has to answer first.
    #[must_use]
    pub const fn patient(mut self) -> Self {
        self.time_limit = Some(LONG_TIME_LIMIT);
        self
    }

    /// Takes as long as the client likes.
    #[must_use]
    pub const fn streaming(mut self) -> Self {
        self.time_limit = None;
        self
    }

    /// Puts this guard before routes and into their documentation.
    pub fn routes(self, (schemas, mut paths, router): UtoipaMethodRouter<AppState>) -> UtoipaMethodRouter<AppState> {
        for item in paths.paths.values_mut() {
            self.document(item);
        }
        let router = router
            .route_layer(middleware::from_fn(move |request, next| self.stand(request, next)))
            .route_layer(DefaultBodyLimit::max(self.body_limit));
        (schemas, paths, router)
    }

    /// Puts this guard into the documentation of routes and not before them: for those that stand beside the layers of
    /// all others.
    pub fn documented(
        self,
        (schemas, mut paths, router): UtoipaMethodRouter<AppState>,
    ) -> UtoipaMethodRouter<AppState> {
        for item in paths.paths.values_mut() {
            self.document(item);
        }
        (schemas, paths, router)
    }

    fn document(self, item: &mut PathItem) {
        let word = match self.who {
            Who::Anybody => "anybody",
            Who::SignedIn => "signed_in",
            Who::With(permission) => permission.as_str(),
        };
        let extensions = || ExtensionsBuilder::new().add(PERMISSION_EXTENSION, word);
        for operation in operations(item) {
            operation.extensions = Some(extensions().build());
        }
        if let (Some(post), Repeat::Done) = (&mut item.post, self.repeat) {
            post.extensions = Some(extensions().add(REPEAT_EXTENSION, "done").build());
        }
    }

    async fn stand(self, request: Request, next: Next) -> Response {
        let (mut parts, body) = request.into_parts();
        let Some(state) = parts.extensions.get::<AppState>().cloned() else {
            tracing::error!("a guarded route is outside of the router that gives it its state");
            return Problem::internal().into_response();
        };
        let caller = match self.admit(&state, &parts).await {
            Ok(caller) => caller,
            Err(problem) => return problem.into_response(),
        };
        if let Some(caller) = &caller {
            parts.extensions.insert(caller.clone());
        }
        let room = self.room_for(&body);
        let place = match room {
            None => None,
            Some(bytes) => match state.room.take(bytes).await {
                Ok(place) => Some(place),
                Err(problem) => return problem.into_response(),
            },
        };
        let answer = self.answer(state, caller, Request::from_parts(parts, body), next, place);
        let Some(limit) = self.time_limit else { return answer.await };
        tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "timeout",
                "This takes longer than usual. It may still be done; look before you try again.",
            )
            .retry_after(10)
            .into_response()
        })
    }

    async fn admit(self, state: &AppState, parts: &Parts) -> Result<Option<Caller>, Problem> {
        let (method, uri, headers) = (&parts.method, &parts.uri, &parts.headers);
        let credential = caller::credential(headers);
        if self.who == Who::Anybody {
            // A login cookie that happens to be there is not what such a route acts upon.
            same_origin::check(&state.config, method, uri, headers, None)?;
            return Ok(None);
        }
        let credential = credential.ok_or_else(caller::not_signed_in)?;
        let caller = caller::authenticate(state, &credential).await?;
        caller::check_user(headers, &caller)?;
        same_origin::check(&state.config, method, uri, headers, Some(&credential))?;
        if let Who::With(permission) = self.who {
            segue_access::require(&caller.actor, permission)?;
        }
        Ok(Some(caller))
    }

    /// Bytes of a body that may be a large one in memory.
    fn room_for(self, body: &Body) -> Option<u64> {
        let most = self.body_limit as u64;
        let size = body.size_hint().upper().map_or(most, |size| size.min(most));
        // What every route takes needs no place, so nothing small stands behind what is large.
        (self.is_held && size > BODY_LIMIT as u64).then_some(size)
    }

    async fn answer(
        self,
        state: AppState,
        caller: Option<Caller>,
        request: Request<Body>,
        next: Next,
        place: Option<OwnedSemaphorePermit>,
    ) -> Response {
        if request.method().is_safe() {
            return next.run(request).await;
        }
        let recorded = request.method() == Method::POST && self.repeat == Repeat::Answered;
        let after = if self.time_limit == Some(TIME_LIMIT) { ABANDONED } else { LONG_ABANDONED };
        let work = async move {
            let _until_it_is_done = place;
            match caller {
                Some(caller) if recorded => idempotency::run(&state, &caller, after, request, next).await,
                _ => next.run(request).await,
            }
        };
        // What it writes to the log names the request, as people report it.
        let task = tokio::spawn(work.instrument(Span::current()));
        match task.await {
            Ok(response) => response,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Problem::unavailable().into_response(),
        }
    }
}

/// The operations of a path.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}
