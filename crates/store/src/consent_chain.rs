//! The chain of the consent ledger: each entry's hash covers its own fields and the hash of the entry before it.
//!
//! Whoever changes, removes or slips in an entry has to change every later hash, and the last one is in
//! `consent_chains`. The link is written in the transaction of its entry, under the lock of the workspace's consents: a
//! crash leaves both or neither, and no two entries take the same place.

use segue_model::{ConsentEventId, Timestamp, WorkspaceId};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{Row, StoreError, Tx, tx::json_text};

/// The fields of an entry that its hash covers.
#[derive(Debug, Serialize)]
pub(crate) struct Link<'a> {
    pub id: ConsentEventId,
    pub medium: &'a str,
    pub address: &'a str,
    pub purpose: &'a str,
    pub action: &'a str,
    pub method: &'a str,
    pub scope: &'a str,
    pub wording: Option<&'a str>,
    pub proof: Option<&'a str>,
    pub context: Option<&'a str>,
    pub actor: &'a str,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// An entry's place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub seq: i64,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ChainCheck {
    /// Entries that were looked at.
    pub entries: i64,
    /// Entries from before there was a chain; their hashes are not known.
    pub unchained: i64,
    /// The first place where the chain does not hold; absent when it does.
    pub broken_at: Option<i64>,
}

/// How far a walk along the chain has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainWalk {
    seq: i64,
    last: Vec<u8>,
    /// The end as it was at the begin of the walk; what is written meanwhile is not walked to.
    end: (i64, Vec<u8>),
    /// The last entry there was before the end was read.
    furthest: i64,
    unchained: i64,
}

crate::sql! {
    CHAIN_END = "SELECT seq, hash FROM consent_chains WHERE workspace_id = $1";
    PUT_CHAIN_END = "INSERT INTO consent_chains (workspace_id, seq, hash) VALUES ($1, $2, $3)
        ON CONFLICT (workspace_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash";
    CHAIN = "SELECT seq, previous_hash, hash, id, medium, address, purpose, action, method, scope, wording, proof, context,
            actor, occurred_at, recorded_at, expires_at
        FROM consent_events WHERE workspace_id = $1 AND seq IS NOT NULL AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT 1000";
    FURTHEST = "SELECT COALESCE(MAX(seq), 0) FROM consent_events WHERE workspace_id = $1 AND seq IS NOT NULL";
    COUNT_UNCHAINED = "SELECT COUNT(*) FROM consent_events WHERE workspace_id = $1 AND seq IS NULL";
}

fn hash(previous: &[u8], seq: i64, link: &Link<'_>) -> Result<Vec<u8>, StoreError> {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(seq.to_be_bytes());
    hasher.update(json_text(link)?.as_bytes());
    Ok(hasher.finalize().to_vec())
}

/// A row of the chain: its place, and whether its own hash covers what it says.
fn read_link(row: &mut Row<'_>) -> Result<(Place, bool), StoreError> {
    let place = Place { seq: row.next()?, previous_hash: row.next()?, hash: row.next()? };
    let id: ConsentEventId = row.next()?;
    let mut texts = Vec::with_capacity(6);
    for _ in 0..6 {
        texts.push(row.next::<String>()?);
    }
    let (wording, proof, context): (Option<String>, Option<String>, Option<String>) =
        (row.next()?, row.next()?, row.next()?);
    let actor: String = row.next()?;
    let link = Link {
        id,
        medium: &texts[0],
        address: &texts[1],
        purpose: &texts[2],
        action: &texts[3],
        method: &texts[4],
        scope: &texts[5],
        wording: wording.as_deref(),
        proof: proof.as_deref(),
        context: context.as_deref(),
        actor: &actor,
        occurred_at: row.next()?,
        recorded_at: row.next()?,
        expires_at: row.next()?,
    };
    let holds = hash(&place.previous_hash, place.seq, &link)? == place.hash;
    Ok((place, holds))
}

impl Tx<'_> {
    /// Takes the next place in the workspace's chain. The caller holds the lock of its consents.
    pub(crate) fn next_link(&mut self, workspace_id: WorkspaceId, link: &Link<'_>) -> Result<Place, StoreError> {
        let end: Option<(i64, Vec<u8>)> =
            self.query_opt(&CHAIN_END, &[&workspace_id], |row| Ok((row.next()?, row.next()?)))?;
        let (seq, previous_hash) = end.map_or_else(|| (1, Vec::new()), |(seq, hash)| (seq + 1, hash));
        let hash = hash(&previous_hash, seq, link)?;
        self.execute(&PUT_CHAIN_END, &[&workspace_id, &seq, &hash])?;
        Ok(Place { seq, previous_hash, hash })
    }

    /// Walks along the workspace's chain and recomputes every hash. For large ledgers take a transaction for each part, with
    /// [`Tx::begin_chain_walk`] and [`Tx::walk_chain`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn check_consent_chain(&mut self, workspace_id: WorkspaceId) -> Result<ChainCheck, StoreError> {
        let mut walk = self.begin_chain_walk(workspace_id)?;
        loop {
            if let Some(check) = self.walk_chain(workspace_id, &mut walk)? {
                return Ok(check);
            }
        }
    }

    /// Begins a walk to where the chain ends now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin_chain_walk(&mut self, workspace_id: WorkspaceId) -> Result<ChainWalk, StoreError> {
        let unchained = self.query_one(&COUNT_UNCHAINED, &[&workspace_id], |row| row.next())?;
        // In this order: whoever writes an entry meanwhile moves the end with it, so no honest entry lies behind the end.
        let furthest = self.query_one(&FURTHEST, &[&workspace_id], |row| row.next())?;
        let end: Option<(i64, Vec<u8>)> =
            self.query_opt(&CHAIN_END, &[&workspace_id], |row| Ok((row.next()?, row.next()?)))?;
        Ok(ChainWalk { seq: 0, last: Vec::new(), end: end.unwrap_or_default(), furthest, unchained })
    }

    /// Goes on with a walk; gives what it found when it is over.
    ///
    /// # Errors
    /// When the store fails.
    pub fn walk_chain(
        &mut self,
        workspace_id: WorkspaceId,
        walk: &mut ChainWalk,
    ) -> Result<Option<ChainCheck>, StoreError> {
        let ended = |walk: &ChainWalk, broken_at| {
            Ok(Some(ChainCheck { entries: walk.seq, unchained: walk.unchained, broken_at }))
        };
        let links = self.query(&CHAIN, &[&workspace_id, &walk.seq, &walk.end.0], read_link)?;
        if links.is_empty() {
            let whole = walk.end == (walk.seq, walk.last.clone()) && walk.furthest <= walk.seq;
            return ended(walk, (!whole).then_some(walk.seq + 1));
        }
        for (place, holds) in links {
            if !holds || place.seq != walk.seq + 1 || place.previous_hash != walk.last {
                return ended(walk, Some(walk.seq + 1));
            }
            (walk.seq, walk.last) = (place.seq, place.hash);
        }
        Ok(None)
    }
}
