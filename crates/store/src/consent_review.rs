//! Messages that may take consent back and wait for a person's look.
//!
//! A review and the hold on its addresses are written in the transaction that works on the message, and end in the one
//! that decides: a crash leaves marketing held, never let go.

use segue_model::{
    ConsentReviewId, ContactId, Timestamp, WorkspaceId, consent::Medium, id::Id as _, revocation::Reading,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{Row, StoreError, Tx, tx::json_text};

segue_model::text_enum! {
    /// What became of a review.
    pub enum ReviewState {
        Open = "open",
        /// It was an opt-out.
        Revoked = "revoked",
        /// It was none.
        Kept = "kept",
    }
}

/// A message that may be an opt-out.
#[derive(Debug, Clone)]
pub struct NewReview {
    pub id: ConsentReviewId,
    pub medium: Medium,
    /// The address it came from.
    pub address: String,
    /// Every address of the person, that one included, that gets no marketing until it is decided.
    pub held: Vec<String>,
    /// The number of ours it was sent to.
    pub sender: String,
    pub text: String,
    pub reading: Reading,
    /// Where the message is.
    pub proof: String,
}

/// A review as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ConsentReview)]
pub struct ReviewView {
    pub id: ConsentReviewId,
    #[serde(rename = "channel")]
    pub medium: Medium,
    pub address: String,
    pub contact_id: Option<ContactId>,
    pub contact_name: Option<String>,
    /// The number of ours it was sent to.
    pub sender: String,
    pub text: String,
    /// The words that led to the review.
    pub words: Vec<String>,
    pub state: ReviewState,
    pub decided_by: Option<String>,
    pub decided_at: Option<Timestamp>,
    pub created_at: Timestamp,
    #[serde(skip)]
    pub proof: String,
}

crate::sql! {
    INSERT_REVIEW = "INSERT INTO consent_reviews (workspace_id, id, address, medium, sender, text, reading, proof, state,
            created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9)";
    HOLD = "INSERT INTO consent_holds (workspace_id, address, review_id) VALUES ($1, $2, $3)
        ON CONFLICT (workspace_id, address, review_id) DO NOTHING";
    HELD = "SELECT address FROM consent_holds WHERE workspace_id = $1 AND review_id = $2 ORDER BY address";
    LET_GO = "DELETE FROM consent_holds WHERE workspace_id = $1 AND review_id = $2";
    DECIDE_REVIEW = "UPDATE consent_reviews SET state = $3, decided_by = $4, decided_at = $5
        WHERE workspace_id = $1 AND id = $2 AND state = 'open'";
    REVIEWS = "SELECT r.id, r.medium, r.address, c.id, c.first_name, c.last_name, r.sender, r.text, r.reading, r.state,
            r.decided_by, r.decided_at, r.created_at, r.proof
        FROM consent_reviews r LEFT JOIN contacts c ON c.workspace_id = r.workspace_id AND c.id = COALESCE(
            (SELECT o.id FROM contacts o WHERE o.workspace_id = r.workspace_id AND o.phone = r.address),
            (SELECT a.contact_id FROM contact_addresses a WHERE a.workspace_id = r.workspace_id AND a.kind = 'phone'
                AND a.address = r.address))
        WHERE r.workspace_id = $1 AND r.state = $2 AND r.id < $3 ORDER BY r.id DESC LIMIT $4";
    REVIEW = "SELECT r.id, r.medium, r.address, c.id, c.first_name, c.last_name, r.sender, r.text, r.reading, r.state,
            r.decided_by, r.decided_at, r.created_at, r.proof
        FROM consent_reviews r LEFT JOIN contacts c ON c.workspace_id = r.workspace_id AND c.id = COALESCE(
            (SELECT o.id FROM contacts o WHERE o.workspace_id = r.workspace_id AND o.phone = r.address),
            (SELECT a.contact_id FROM contact_addresses a WHERE a.workspace_id = r.workspace_id AND a.kind = 'phone'
                AND a.address = r.address))
        WHERE r.workspace_id = $1 AND r.id = $2";
    OPEN_REVIEWS_OF = "SELECT h.review_id FROM consent_holds h WHERE h.workspace_id = $1 AND h.address = $2
        ORDER BY h.review_id";
    COUNT_OPEN_REVIEWS = "SELECT COUNT(*) FROM consent_reviews WHERE workspace_id = $1 AND state = 'open'";
}

fn read_review(row: &mut Row<'_>) -> Result<ReviewView, StoreError> {
    let (id, medium, address, contact_id) = (row.next()?, row.word()?, row.next()?, row.next()?);
    let (first, last): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let name = [first, last].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let (sender, text) = (row.next()?, row.next()?);
    let words: Vec<String> = row.json()?;
    Ok(ReviewView {
        id,
        medium,
        address,
        contact_id,
        contact_name: (!name.is_empty()).then_some(name),
        sender,
        text,
        words,
        state: row.word()?,
        decided_by: row.next()?,
        decided_at: row.next()?,
        created_at: row.next()?,
        proof: row.next()?,
    })
}

impl Tx<'_> {
    /// Writes a review and holds marketing back from the person's addresses until it is decided.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_review(
        &mut self,
        workspace_id: WorkspaceId,
        review: &NewReview,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let words = review.reading.said.iter().map(|evidence| evidence.words.clone()).collect();
        let open = ReviewView {
            id: review.id,
            medium: review.medium,
            address: review.address.clone(),
            contact_id: None,
            contact_name: None,
            sender: review.sender.clone(),
            text: review.text.clone(),
            words,
            state: ReviewState::Open,
            decided_by: None,
            decided_at: None,
            created_at: now,
            proof: review.proof.clone(),
        };
        self.open_known_review(workspace_id, &open, &review.held)?;
        for address in &review.held {
            self.tell_consent(workspace_id, address, now)?;
        }
        Ok(())
    }

    /// Writes an open review with the addresses that it holds, such as one of another database as it was there.
    pub(crate) fn open_known_review(
        &mut self,
        workspace_id: WorkspaceId,
        review: &ReviewView,
        held: &[String],
    ) -> Result<(), StoreError> {
        self.lock_consents(workspace_id)?;
        self.execute(
            &INSERT_REVIEW,
            &[
                &workspace_id,
                &review.id,
                &review.address,
                &review.medium.as_str(),
                &review.sender,
                &review.text,
                &json_text(&review.words)?,
                &review.proof,
                &review.created_at,
            ],
        )?;
        for address in held {
            self.execute(&HOLD, &[&workspace_id, address, &review.id])?;
            self.compute_marketing(workspace_id, address)?;
        }
        Ok(())
    }

    /// The addresses that a review holds.
    pub(crate) fn held_by_review(
        &mut self,
        workspace_id: WorkspaceId,
        id: ConsentReviewId,
    ) -> Result<Vec<String>, StoreError> {
        self.query(&HELD, &[&workspace_id, &id], |row| row.next())
    }

    /// Ends a review and its hold. Gives the addresses that were held, or nothing when it is not open (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub fn decide_review(
        &mut self,
        workspace_id: WorkspaceId,
        id: ConsentReviewId,
        state: ReviewState,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<String>>, StoreError> {
        self.lock_consents(workspace_id)?;
        if self.execute(&DECIDE_REVIEW, &[&workspace_id, &id, &state.as_str(), &actor, &now])? == 0 {
            return Ok(None);
        }
        let held: Vec<String> = self.query(&HELD, &[&workspace_id, &id], |row| row.next())?;
        self.execute(&LET_GO, &[&workspace_id, &id])?;
        for address in &held {
            self.compute_marketing(workspace_id, address)?;
            self.tell_consent(workspace_id, address, now)?;
        }
        Ok(Some(held))
    }

    /// Reviews in a state, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn reviews(
        &mut self,
        workspace_id: WorkspaceId,
        state: ReviewState,
        before: Option<ConsentReviewId>,
        limit: i64,
    ) -> Result<Vec<ReviewView>, StoreError> {
        let before = before.unwrap_or_else(|| ConsentReviewId::from_uuid(Uuid::max()));
        self.query(&REVIEWS, &[&workspace_id, &state.as_str(), &before, &limit], read_review)
    }

    /// One review.
    ///
    /// # Errors
    /// When the store fails.
    pub fn review(&mut self, workspace_id: WorkspaceId, id: ConsentReviewId) -> Result<Option<ReviewView>, StoreError> {
        self.query_opt(&REVIEW, &[&workspace_id, &id], read_review)
    }

    /// The open reviews that hold an address.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_reviews_of(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
    ) -> Result<Vec<ConsentReviewId>, StoreError> {
        self.query(&OPEN_REVIEWS_OF, &[&workspace_id, &address], |row| row.next())
    }

    /// How many reviews are open.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_open_reviews(&mut self, workspace_id: WorkspaceId) -> Result<i64, StoreError> {
        self.query_one(&COUNT_OPEN_REVIEWS, &[&workspace_id], |row| row.next())
    }
}
