//! What advertisements brought.

use axum::extract::State;
use segue_access::Permission;
use segue_model::{Timestamp, time};
use segue_store::{StoreError, advertisement::AdvertisementView};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, Query},
    guard::Guard,
    page::Page,
    problem::Problem,
};

/// Days that are counted when the request does not say.
const DAYS: i64 = 90;
/// Most advertisements shown.
const MOST: u32 = 100;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(list)))
}

/// Which time is counted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AdvertisementQuery {
    /// From here on; ninety days before now when left out.
    from: Option<Timestamp>,
}

/// What each advertisement brought: chats, and what became of them. Chats that a campaign of yours brought count there. The
/// hundred that brought something last.
#[utoipa::path(get, path = "/api/v1/advertisements", operation_id = "list_advertisements", tag = "campaigns",
    params(AdvertisementQuery), responses((status = 200, body = Page<AdvertisementView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(asked): Query<AdvertisementQuery>,
) -> Result<Json<Page<AdvertisementView>>, Problem> {
    let workspace_id = caller.workspace_id;
    let from = asked.from.unwrap_or_else(|| state.ctx.now().plus(-DAYS * time::DAY));
    let found = state.store.read::<_, StoreError, _>(move |tx| tx.advertisements(workspace_id, from, MOST));
    Ok(Json(Page::whole(found.await?)))
}
