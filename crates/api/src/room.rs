//! Room in memory for bodies that are held there as a whole: without a bound some large uploads at once would take all of
//! it. Whoever finds none waits a little, unread, and is then asked to come back.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Bytes of all of them together.
const ROOM: usize = 512 << 20;
/// How long a request waits for its place.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of what is counted as one.
const UNIT: usize = 1 << 10;

/// The room of one server.
pub(crate) struct Room {
    units: Arc<Semaphore>,
    patience: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self::new(ROOM, PATIENCE)
    }
}

impl Room {
    /// Room for so many bytes.
    pub(crate) fn new(bytes: usize, patience: Duration) -> Self {
        Self { units: Arc::new(Semaphore::new(bytes / UNIT)), patience }
    }

    /// A place for a body, for as long as the permit lives.
    ///
    /// # Errors
    /// When none becomes free in time.
    pub(crate) async fn take(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Problem> {
        let units = u32::try_from(bytes.div_ceil(UNIT as u64)).unwrap_or(u32::MAX);
        let place = Arc::clone(&self.units).acquire_many_owned(units);
        match tokio::time::timeout(self.patience, place).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Too many large files are being received at once, so this one was not taken. Send it again in a moment.",
            )
            .retry_after(5)),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::{Body, Bytes},
        routing::post,
    };
    use http::Request;
    use segue_model::role::Role;
    use segue_outreach::{LinkConfig, Links};
    use tower::ServiceExt as _;
    use utoipa::openapi::path::Paths;

    use super::*;
    use crate::{AppState, guard::Guard, state::ApiConfig};

    #[tokio::test]
    async fn large_bodies_at_once_have_a_bound_and_small_ones_do_not_wait_for_them() {
        let test = segue_testkit::sqlite_store().await;
        let links = Links::load(&test.store, &test.ctx, LinkConfig::new("https://go.test")).await.unwrap();
        let (room, patience) = (4 << 20, Duration::from_millis(50));
        let state = AppState::new(test.store.clone(), test.ctx.clone(), test.bus.clone(), links, ApiConfig::default())
            .with_room(Room::new(room, patience));
        let made = segue_access::create_key(&test.store, &test.ctx, test.workspace_id(), "k", Role::Admin).await;
        let key = made.unwrap().1;
        let count = || post(|body: Bytes| async move { body.len().to_string() });
        let (large, spooled, small) = (Guard::signed_in().body_limit(room), Guard::signed_in(), Guard::signed_in());
        let spooled = spooled.body_limit(room).spooled();
        let mut router = Router::new();
        for (path, guard) in [("/large", large), ("/spooled", spooled), ("/small", small)] {
            let (_, _, method) = guard.routes((Vec::new(), Paths::new(), count()));
            router = router.route(path, method);
        }
        let router = crate::router::layered(router, state.clone());
        let send = async |path: &str, size: usize| {
            let request = Request::post(path).header("authorization", format!("Bearer {key}"));
            router.clone().oneshot(request.body(Body::from(vec![0_u8; size])).unwrap()).await.unwrap()
        };
        let (much, little) = (2 << 20, 100 << 10);
        assert_eq!(send("/large", much).await.status(), StatusCode::OK);
        let others = state.room.take(room as u64 - (50 << 10)).await.unwrap();
        let refused = send("/large", much).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()[http::header::RETRY_AFTER], "5");
        for (path, size) in [("/small", little), ("/large", little), ("/spooled", much)] {
            assert_eq!(send(path, size).await.status(), StatusCode::OK, "{path}");
        }
        drop(others);
        assert_eq!(send("/large", much).await.status(), StatusCode::OK);
        assert!(state.room.take(room as u64).await.is_ok(), "every place was given back");
    }
}
