//! Votes by text: the question, the vote itself, and the result.
//!
//! A vote is taken from the text in which it stands, in the transaction that marks that text as worked on. It says
//! nothing about consent: who votes gets answers and no marketing.

use segue_model::{
    KeywordId, Timestamp, WorkspaceId, plain,
    programme::KeywordAction,
    revocation::{self, RevocationVerdict},
    spreadsheet::row,
    vote::{Vote, VoteOption},
};
use segue_store::{
    Store, Tx,
    channel::Sender,
    consent::ConsentError,
    programme::KeywordView,
    subscription::Dialogue,
    vote::{Cast, Later, VoteRow},
};
use serde::Serialize;

use crate::{
    OutreachError,
    keywords::{self, Handled, Text},
    words,
};

/// How often an answer that names no option is asked for again.
const MOST_TRIES: u32 = 2;
/// Words that may stand before an option in one text.
const LONGEST_WORD: usize = 5;

/// Asks the question of a vote, or says that it is over.
pub(crate) fn ask(
    tx: &mut Tx<'_>,
    text: &Text<'_>,
    sender: &Sender,
    word: &KeywordView,
    vote: &Vote,
) -> Result<Handled, ConsentError> {
    if vote.is_closed(text.sms.received_at) {
        keywords::send(tx, text, &words::branded(text, &vote.closed), "vote")?;
        return Ok(Handled::Word);
    }
    keywords::send(tx, text, &words::branded(text, &vote.text), "vote")?;
    words::wait(tx, text, sender, word, 0)?;
    Ok(Handled::Word)
}

/// Takes a text that is the word of a vote followed by an option.
pub(crate) fn at_once(tx: &mut Tx<'_>, text: &Text<'_>, sender: &Sender) -> Result<Option<Handled>, ConsentError> {
    let said = plain::words(text.sms.text);
    for end in 1..said.len().min(LONGEST_WORD + 1) {
        let (first, rest) = said.split_at(end);
        let found = tx.keyword_in(text.workspace.id, sender.id, &first.concat(), text.sms.received_at)?;
        let Some(word) = found else { continue };
        if let KeywordAction::Vote(vote) = &word.action
            && let Some(option) = vote.choice(&rest.concat())
        {
            return cast(tx, text, sender, (&word, vote), option).map(Some);
        }
    }
    Ok(None)
}

/// Takes a text as the answer to the question of a vote. What names no option is asked for again a few times; what may
/// be a no is left to those who look at it.
pub(crate) fn answer(
    tx: &mut Tx<'_>,
    text: &Text<'_>,
    sender: &Sender,
    (word, vote, dialogue): (&KeywordView, &Vote, &Dialogue),
) -> Result<Option<Handled>, ConsentError> {
    if let Some(option) = vote.choice(text.sms.text) {
        return cast(tx, text, sender, (word, vote), option).map(Some);
    }
    if revocation::read(text.sms.text).verdict != RevocationVerdict::No {
        return Ok(None);
    }
    if dialogue.question >= MOST_TRIES || vote.is_closed(text.sms.received_at) {
        tx.end_dialogue(text.workspace.id, sender.id, text.phone.as_str())?;
        return Ok(None);
    }
    keywords::send(tx, text, &words::branded(text, &vote.text), "vote")?;
    words::wait(tx, text, sender, word, dialogue.question + 1)?;
    Ok(Some(Handled::Captured))
}

fn cast(
    tx: &mut Tx<'_>,
    text: &Text<'_>,
    sender: &Sender,
    (word, vote): (&KeywordView, &Vote),
    option: &VoteOption,
) -> Result<Handled, ConsentError> {
    let (workspace_id, address) = (text.workspace.id, text.phone.as_str());
    if vote.is_closed(text.sms.received_at) {
        tx.end_dialogue(workspace_id, sender.id, address)?;
        keywords::send(tx, text, &words::branded(text, &vote.closed), "vote")?;
        return Ok(Handled::Word);
    }
    let later = if vote.changeable { Later::Counts } else { Later::Refused };
    let key = option.key();
    let label = |choice: &str| match vote.options.iter().find(|option| option.key() == choice) {
        Some(option) => option.label.clone(),
        None => choice.to_owned(),
    };
    let answer = match tx.cast_vote(workspace_id, word.id, (address, &key), later, text.sms.received_at)? {
        Cast::Counted | Cast::Changed => vote.thanks.replace("{option}", &option.label),
        Cast::Same if vote.changeable => vote.thanks.replace("{option}", &option.label),
        Cast::Same => vote.already.replace("{option}", &option.label),
        Cast::Stands(earlier) => vote.already.replace("{option}", &label(&earlier)),
    };
    // Whoever may choose anew can simply answer again.
    if !vote.changeable {
        tx.end_dialogue(workspace_id, sender.id, address)?;
    }
    keywords::send(tx, text, &words::branded(text, &answer), "vote")?;
    Ok(Handled::Vote)
}

segue_model::text_enum! {
    /// Whether votes still count.
    pub enum VoteState {
        Open = "open",
        Closed = "closed",
    }
}

/// How a vote stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct VoteTally {
    pub keyword_id: KeywordId,
    pub word: String,
    pub state: VoteState,
    pub closes_at: Option<Timestamp>,
    /// Numbers that have voted.
    pub total: i64,
    /// In the order of the vote, then what was chosen and is no option any more.
    pub options: Vec<VoteTallyOption>,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
}

/// Votes for one option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct VoteTallyOption {
    pub word: String,
    pub label: String,
    pub votes: i64,
    /// Whether it can be chosen now.
    pub offered: bool,
}

fn vote_of(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: KeywordId) -> Result<(KeywordView, Vote), OutreachError> {
    let word = tx.keyword(workspace_id, id)?.ok_or(OutreachError::NotFound("keyword"))?;
    match word.action.clone() {
        KeywordAction::Vote(vote) => Ok((word, vote)),
        _ => Err(OutreachError::NotFound("vote")),
    }
}

/// How a vote stands.
///
/// # Errors
/// When there is no such word, or it is no vote.
pub async fn tally(
    store: &Store,
    now: Timestamp,
    workspace_id: WorkspaceId,
    id: KeywordId,
) -> Result<VoteTally, OutreachError> {
    store
        .read(move |tx| {
            let (word, vote) = vote_of(tx, workspace_id, id)?;
            let counts = tx.vote_counts(workspace_id, id)?;
            let of = |key: &str| counts.iter().find(|count| count.choice == key).map_or(0, |count| count.votes);
            let offered = vote.options.iter().map(|option| VoteTallyOption {
                word: option.word.clone(),
                label: option.label.clone(),
                votes: of(&option.key()),
                offered: true,
            });
            let gone = counts.iter().filter(|count| !vote.options.iter().any(|option| option.key() == count.choice));
            let gone = gone.map(|count| VoteTallyOption {
                word: count.choice.clone(),
                label: count.choice.clone(),
                votes: count.votes,
                offered: false,
            });
            Ok(VoteTally {
                keyword_id: id,
                word: word.word.clone(),
                state: if vote.is_closed(now) { VoteState::Closed } else { VoteState::Open },
                closes_at: vote.closes_at,
                total: counts.iter().map(|count| count.votes).sum(),
                options: offered.chain(gone).collect(),
                first_at: counts.iter().map(|count| count.first_at).min(),
                last_at: counts.iter().map(|count| count.last_at).max(),
            })
        })
        .await
}

/// A page of votes as lines of CSV, and the number after which the next one begins. No cell can act as a formula.
///
/// # Errors
/// As [`tally`].
pub async fn export(
    store: &Store,
    workspace_id: WorkspaceId,
    id: KeywordId,
    after: String,
    limit: i64,
) -> Result<(String, Option<String>), OutreachError> {
    store
        .read(move |tx| {
            let (_, vote) = vote_of(tx, workspace_id, id)?;
            let rows = tx.votes(workspace_id, id, &after, limit)?;
            let label = |choice: &str| match vote.options.iter().find(|option| option.key() == choice) {
                Some(option) => option.label.clone(),
                None => choice.to_owned(),
            };
            let next = rows.last().filter(|_| rows.len() as i64 == limit).map(|row| row.address.clone());
            let lines = rows.iter().map(|VoteRow { address, choice, voted_at, changed_at }| {
                let changed = changed_at.map(Timestamp::to_rfc3339).unwrap_or_default();
                row([address.as_str(), &label(choice), &voted_at.to_rfc3339(), &changed])
            });
            Ok((lines.collect(), next))
        })
        .await
}

/// The first line of [`export`].
#[must_use]
pub fn header() -> String {
    row(["phone", "option", "voted_at", "changed_at"])
}
