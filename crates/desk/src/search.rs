//! Finding what was written, in all conversations that somebody may read.

use segue_model::{
    ChannelId, ContactId, MessageId, MessagingUserId, SessionId, Timestamp, UserId, WorkspaceId,
    actor::Actor,
    search::{Piece, excerpt, terms},
    session::SessionState,
};
use segue_store::{
    Store,
    message::{AuthorView, Direction, MessageKind},
    search::SearchQuery,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    DeskError,
    sessions::{self, Page, is_supervisor},
};

/// Longest search.
const LONGEST: usize = 200;

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub text: String,
    pub contact_id: Option<ContactId>,
    pub messaging_user_id: Option<MessagingUserId>,
    pub channel_id: Option<ChannelId>,
    pub agent_id: Option<UserId>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// What the previous page gave.
    pub cursor: Option<String>,
    pub limit: u32,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SearchHit {
    pub message_id: MessageId,
    pub session_id: SessionId,
    pub messaging_user_id: MessagingUserId,
    pub channel_id: ChannelId,
    /// The customer's name.
    pub customer: String,
    pub session_state: SessionState,
    pub direction: Direction,
    pub author: AuthorView,
    pub kind: MessageKind,
    pub at: Timestamp,
    /// The text around what was found.
    pub excerpt: Vec<Piece>,
}

/// Looks for messages, the latest first. Agents find what they may read, supervisors and admins all. A page can be empty
/// and still lead to another one: somebody who may read little is given what is among the next thousand matches.
///
/// # Errors
/// [`DeskError::InvalidField`] when there is nothing to look for, or the cursor is not one.
pub async fn messages(
    store: &Store,
    workspace_id: WorkspaceId,
    actor: &Actor,
    request: Request,
) -> Result<Page<SearchHit>, DeskError> {
    let invalid = |field, message: &str| DeskError::InvalidField { field, message: message.to_owned() };
    if request.text.chars().count() > LONGEST {
        return Err(invalid("q", "Search for at most 200 letters."));
    }
    let terms = terms(&request.text);
    let has_customer = request.contact_id.is_some() || request.messaging_user_id.is_some();
    if terms.is_empty() && !has_customer {
        return Err(invalid("q", "Type a word to search for, with at least one letter or digit."));
    }
    let before = match request.cursor.as_deref() {
        None => None,
        Some(text) => {
            let number = text.parse::<i64>();
            Some(number.map_err(|_| invalid("cursor", "This is not a cursor of a previous page."))?)
        }
    };
    let viewer = match (is_supervisor(actor), actor.user_id()) {
        (true, _) => None,
        (false, Some(id)) => Some(id),
        (false, None) => return Ok(Page { data: Vec::new(), next_cursor: None }),
    };
    store
        .read(move |tx| {
            let mut customers = match request.contact_id {
                Some(id) => Some(tx.customers_of_contact(workspace_id, id)?),
                None => None,
            };
            if let Some(id) = request.messaging_user_id {
                let own = tx.with_merged_customers(workspace_id, vec![id])?;
                customers = Some(match customers {
                    Some(all) => all.into_iter().filter(|id| own.contains(id)).collect(),
                    None => own,
                });
            }
            let query = SearchQuery {
                terms: terms.clone(),
                customers,
                channel_id: request.channel_id,
                agent_id: request.agent_id,
                from: request.from,
                until: request.until,
                viewer,
                before,
                limit: request.limit.clamp(1, sessions::PAGE_LIMIT),
            };
            let page = tx.search_messages(workspace_id, &query)?;
            let mut data = Vec::with_capacity(page.found.len());
            for found in &page.found {
                let Some(message) = tx.message_view(workspace_id, found.session_id, found.message_id)? else {
                    continue;
                };
                let Some(session) = tx.session_view(workspace_id, found.session_id)? else { continue };
                data.push(SearchHit {
                    message_id: message.id,
                    session_id: session.id,
                    messaging_user_id: session.customer.messaging_user_id,
                    channel_id: session.channel_id,
                    customer: session.customer.name,
                    session_state: session.state,
                    direction: message.direction,
                    author: message.author,
                    kind: message.kind,
                    at: message.at,
                    excerpt: excerpt(&message.text, &terms),
                });
            }
            Ok(Page { data, next_cursor: page.next.map(|number| number.to_string()) })
        })
        .await
}
