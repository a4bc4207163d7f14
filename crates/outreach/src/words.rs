//! Words that people text to a sender: what they do, and who may have which.

use segue_model::{
    Ctx, KeywordId, SenderId, Timestamp, WorkspaceId,
    contact::ContactFields,
    keyword::Keyword,
    plain,
    programme::{KeywordAction, Question},
    revocation::{self, RevocationVerdict},
    vote::{FEWEST_OPTIONS, MOST_OPTIONS, Vote, VoteOption},
};
use segue_store::{
    Store, StoreError, Tx, channel::Sender, consent::ConsentError, contact::ContactChange, programme::KeywordView,
    subscription::Dialogue,
};
use serde::{Deserialize, Serialize};

use crate::{
    OutreachError,
    attributes::{self, definition},
    contacts::{attribute_name, check_field, clean},
    keywords::{self, Handled, Text},
    subscriptions, votes,
};

/// How often a question is asked again whose answer did not fit.
const MOST_TRIES: u32 = 2;
/// Longest word, in characters.
const LONGEST_WORD: usize = 30;
/// Longest text, in characters.
const LONGEST_TEXT: usize = 1_000;
/// Longest answer that is kept, in characters.
const LONGEST_ANSWER: usize = 2_000;
/// Longest name of an option, in characters.
const LONGEST_LABEL: usize = 60;
/// Most questions of one word.
const MOST_QUESTIONS: usize = 20;
/// How far a chain of words is followed at once.
const LONGEST_CHAIN: usize = 5;

/// A word to add or change.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeywordInput {
    pub sender_id: SenderId,
    pub word: String,
    pub action: KeywordAction,
    #[serde(default)]
    pub valid_from: Option<Timestamp>,
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
}

/// Whether a word can be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WordCheck {
    /// The form in which it is compared.
    pub plain: String,
    /// Why it cannot, in words; absent when it can.
    pub conflict: Option<String>,
}

/// Does what a word asks for.
pub(crate) fn obey(
    tx: &mut Tx<'_>,
    text: &Text<'_>,
    sender: &Sender,
    word: &KeywordView,
) -> Result<Handled, ConsentError> {
    match &word.action {
        KeywordAction::Join { programme_id } => subscriptions::join_by_word(tx, text, sender, *programme_id),
        KeywordAction::Leave { programme_id } => subscriptions::leave_by_word(tx, text, *programme_id),
        KeywordAction::Reply { .. } => {
            reply(tx, text, sender, word, LONGEST_CHAIN)?;
            Ok(Handled::Word)
        }
        KeywordAction::Vote(vote) => votes::ask(tx, text, sender, word, vote),
    }
}

/// Sends a word's text and its first question; a word without questions is followed by the next one.
fn reply(
    tx: &mut Tx<'_>,
    text: &Text<'_>,
    sender: &Sender,
    word: &KeywordView,
    steps: usize,
) -> Result<(), ConsentError> {
    let KeywordAction::Reply { text: words, questions, .. } = &word.action else {
        obey(tx, text, sender, word)?;
        return Ok(());
    };
    match questions.first() {
        Some(question) => {
            let said = [words.trim(), question.text.trim()];
            let said = said.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
            keywords::send(tx, text, &branded(text, &said), &format!("word:{steps}"))?;
            wait(tx, text, sender, word, 0)
        }
        None => {
            keywords::send(tx, text, &branded(text, words), &format!("word:{steps}"))?;
            finish(tx, text, sender, word, steps)
        }
    }
}

pub(crate) fn branded(text: &Text<'_>, words: &str) -> String {
    words.replace("{brand}", &text.workspace.settings.brand)
}

pub(crate) fn wait(
    tx: &mut Tx<'_>,
    text: &Text<'_>,
    sender: &Sender,
    word: &KeywordView,
    question: u32,
) -> Result<(), ConsentError> {
    let expires_at = text.ctx.now().plus(Dialogue::ANSWER_WITHIN);
    let dialogue = Dialogue { keyword_id: word.id, question, tries: 0, expires_at };
    tx.put_dialogue(text.workspace.id, sender.id, text.phone.as_str(), &dialogue)?;
    Ok(())
}

/// After the last answer: the closing text, then the next word.
fn finish(
    tx: &mut Tx<'_>,
    text: &Text<'_>,
    sender: &Sender,
    word: &KeywordView,
    steps: usize,
) -> Result<(), ConsentError> {
    tx.end_dialogue(text.workspace.id, sender.id, text.phone.as_str())?;
    let KeywordAction::Reply { closing, next_keyword, .. } = &word.action else { return Ok(()) };
    if let Some(closing) = closing {
        keywords::send(tx, text, &branded(text, closing), &format!("closing:{steps}"))?;
    }
    let Some(next) = next_keyword.as_deref().filter(|_| steps > 0) else { return Ok(()) };
    match tx.keyword_in(text.workspace.id, sender.id, next, text.sms.received_at)? {
        Some(next) => reply(tx, text, sender, &next, steps - 1),
        None => Ok(()),
    }
}

/// Takes a text as the answer to the question that was asked last.
pub(crate) fn capture(tx: &mut Tx<'_>, text: &Text<'_>) -> Result<Option<Handled>, ConsentError> {
    let Some(sender) = text.sender else { return Ok(None) };
    let (workspace_id, address) = (text.workspace.id, text.phone.as_str());
    let Some(dialogue) = tx.dialogue(workspace_id, sender.id, address, text.sms.received_at)? else {
        return Ok(None);
    };
    if dialogue.asked_at() > text.sms.received_at {
        // It came in before the question was asked, and is worked on late.
        return Ok(None);
    }
    let Some(word) = tx.keyword(workspace_id, dialogue.keyword_id)? else { return Ok(None) };
    if let KeywordAction::Vote(vote) = &word.action {
        return votes::answer(tx, text, sender, (&word, vote, &dialogue));
    }
    let KeywordAction::Reply { questions, .. } = &word.action else { return Ok(None) };
    if revocation::read(text.sms.text).verdict != RevocationVerdict::No {
        // It may be a no: a person looks at it, and the question goes on waiting.
        return Ok(None);
    }
    let position = dialogue.question as usize;
    let Some(question) = questions.get(position) else { return Ok(None) };
    let Some(answer) = clean(text.sms.text, LONGEST_ANSWER) else { return Ok(None) };
    if !keep(tx, text, question, &answer)? {
        if dialogue.tries >= MOST_TRIES {
            // The next text is not an answer any more, nor is this one.
            tx.end_dialogue(workspace_id, sender.id, address)?;
            return Ok(None);
        }
        keywords::send(tx, text, &branded(text, &question.text), "question")?;
        let expires_at = text.ctx.now().plus(Dialogue::ANSWER_WITHIN);
        let again = Dialogue { tries: dialogue.tries + 1, expires_at, ..dialogue };
        tx.put_dialogue(workspace_id, sender.id, address, &again)?;
        return Ok(Some(Handled::Captured));
    }
    match questions.get(position + 1) {
        Some(next) => {
            keywords::send(tx, text, &branded(text, &next.text), "question")?;
            wait(tx, text, sender, &word, dialogue.question + 1)?;
        }
        None => finish(tx, text, sender, &word, LONGEST_CHAIN)?,
    }
    Ok(Some(Handled::Captured))
}

/// Keeps an answer at the contact with this number, who is added when there is none. `false` when it does not fit.
fn keep(tx: &mut Tx<'_>, text: &Text<'_>, question: &Question, answer: &str) -> Result<bool, StoreError> {
    let (workspace_id, now) = (text.workspace.id, text.ctx.now());
    let fresh = ContactFields { phone: Some(text.phone.clone()), ..ContactFields::default() };
    let Some(id) = tx.upsert_contact(workspace_id, text.ctx.id(), &fresh, now)?.id() else { return Ok(true) };
    let Some(mut fields) = tx.contact_for_update(workspace_id, id)? else { return Ok(true) };
    let answer = answer.to_owned();
    match question.attribute.as_str() {
        "first_name" => fields.first_name = Some(answer),
        "last_name" => fields.last_name = Some(answer),
        "email" if check_field("email", Some(&answer)).is_err() => return Ok(false),
        "email" => fields.email = Some(answer),
        name => {
            let definitions = tx.attribute_definitions(workspace_id)?;
            let value =
                definition(&definitions, name).map_or(Ok(answer.clone()), |known| attributes::checked(known, &answer));
            let Ok(value) = value else { return Ok(false) };
            fields.attributes.insert(name.to_owned(), value);
        }
    }
    let changed = tx.update_contact(workspace_id, id, &fields, now)?;
    Ok(changed == ContactChange::Changed)
}

/// Why a word cannot be had, when it cannot. `own` is the word's id when it exists already.
fn conflict(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    wanted: &KeywordView,
    own: Option<KeywordId>,
) -> Result<Option<String>, OutreachError> {
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    let settings = &workspace.settings.consent;
    if let Some(family) = Keyword::is_taken(&wanted.word, &settings.extra_words) {
        let family = family.as_str().to_uppercase();
        return Ok(Some(format!("\"{}\" means {family} and cannot have another meaning.", wanted.word)));
    }
    if revocation::read(&wanted.word).verdict != RevocationVerdict::No {
        return Ok(Some(format!("\"{}\" reads like an opt-out. Choose another word.", wanted.word)));
    }
    let of_sender = tx.keywords_of_sender(workspace_id, wanted.sender_id)?;
    let mut others = of_sender.iter().filter(|other| Some(other.id) != own);
    if let Some(taken) = option_conflict(wanted, others.clone(), &settings.extra_words) {
        return Ok(Some(taken));
    }
    if let Some(other) = others.clone().find(|other| other.overlaps(wanted)) {
        return Ok(Some(format!("This sender has the word \"{}\" at the same time already.", other.word)));
    }
    let quota = settings.keyword_quota as usize;
    if own.is_none() && others.by_ref().count() >= quota {
        return Ok(Some(format!("This sender has {quota} words, which is its quota. Remove one first.")));
    }
    Ok(None)
}

/// Why an option of a vote cannot be texted as an answer, or the word stands in the way of another vote's option.
fn option_conflict<'a>(
    wanted: &KeywordView,
    others: impl Iterator<Item = &'a KeywordView> + Clone,
    extra: &[segue_model::keyword::ExtraWord],
) -> Option<String> {
    let options = |keyword: &KeywordView| match &keyword.action {
        KeywordAction::Vote(vote) => vote.options.clone(),
        _ => Vec::new(),
    };
    for option in options(wanted) {
        if let Some(family) = Keyword::is_taken(&option.word, extra) {
            let family = family.as_str().to_uppercase();
            return Some(format!("The option \"{}\" means {family}. Choose another word for it.", option.word));
        }
        if revocation::read(&option.word).verdict != RevocationVerdict::No {
            return Some(format!("The option \"{}\" reads like an opt-out. Choose another word.", option.word));
        }
        let key = option.key();
        if let Some(other) = others.clone().find(|other| plain::compact(&other.word) == key) {
            return Some(format!("The option \"{}\" is the word \"{}\" of this sender.", option.word, other.word));
        }
    }
    let key = plain::compact(&wanted.word);
    let vote = others.clone().find(|other| options(other).iter().any(|option| option.key() == key))?;
    Some(format!("\"{}\" is an option of the vote \"{}\" at this sender.", wanted.word, vote.word))
}

/// Checks a vote, and gives its words without blanks around them.
fn checked_vote(vote: &mut Vote) -> Result<(), OutreachError> {
    let refuse = |field: &'static str, message: &str| Err(OutreachError::invalid(field, message));
    if vote.text.trim().is_empty() {
        return refuse("action.text", "Write the question, with the options as people answer them.");
    }
    let texts = [&vote.text, &vote.thanks, &vote.already, &vote.closed];
    if texts.iter().any(|text| text.chars().count() > LONGEST_TEXT) {
        return refuse("action.text", "A text has at most 1,000 characters.");
    }
    if !(FEWEST_OPTIONS..=MOST_OPTIONS).contains(&vote.options.len()) {
        return refuse("action.options", "A vote has 2 to 20 options.");
    }
    for option in &mut vote.options {
        let (word, label) = (clean(&option.word, LONGEST_WORD), clean(&option.label, LONGEST_LABEL));
        let (Some(word), Some(label)) = (word.filter(|word| !plain::compact(word).is_empty()), label) else {
            return refuse("action.options", "Every option needs a word of letters or digits, and a name.");
        };
        *option = VoteOption { word, label };
    }
    let mut keys: Vec<_> = vote.options.iter().map(VoteOption::key).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() < vote.options.len() {
        return refuse("action.options", "Each option needs a word of its own.");
    }
    Ok(())
}

fn checked(input: &KeywordInput, id: KeywordId, now: Timestamp) -> Result<KeywordView, OutreachError> {
    let word = clean(&input.word, LONGEST_WORD + 1)
        .filter(|word| word.chars().count() <= LONGEST_WORD && !plain::compact(word).is_empty())
        .ok_or_else(|| OutreachError::invalid("word", "Give a word of 1 to 30 letters or digits."))?;
    if input.valid_from.zip(input.valid_until).is_some_and(|(from, until)| from >= until) {
        return Err(OutreachError::invalid("valid_until", "The word must end after it begins."));
    }
    let mut action = input.action.clone();
    if let KeywordAction::Vote(vote) = &mut action {
        checked_vote(vote)?;
    }
    if let KeywordAction::Reply { text, questions, closing, .. } = &mut action {
        if text.trim().is_empty() && questions.is_empty() {
            return Err(OutreachError::invalid("action.text", "Write the answer that is sent."));
        }
        if questions.len() > MOST_QUESTIONS {
            return Err(OutreachError::invalid("action.questions", "At most 20 questions follow one word."));
        }
        let texts = questions.iter().map(|question| &question.text).chain(closing.as_ref()).chain([&*text]);
        for text in texts {
            if text.chars().count() > LONGEST_TEXT {
                return Err(OutreachError::invalid("action.text", "A text has at most 1,000 characters."));
            }
        }
        for question in questions {
            let is_field = matches!(question.attribute.as_str(), "first_name" | "last_name" | "email");
            let named = if is_field { Some(question.attribute.clone()) } else { attribute_name(&question.attribute) };
            question.attribute = named.filter(|_| !question.text.trim().is_empty()).ok_or_else(|| {
                OutreachError::invalid("action.questions", "Every question needs its text and the field it fills.")
            })?;
        }
    }
    Ok(KeywordView {
        id,
        sender_id: input.sender_id,
        word,
        action,
        valid_from: input.valid_from,
        valid_until: input.valid_until,
        created_at: now,
    })
}

/// What the action names must exist.
fn check_action(tx: &mut Tx<'_>, workspace_id: WorkspaceId, keyword: &KeywordView) -> Result<(), OutreachError> {
    let sender = tx.sender(workspace_id, keyword.sender_id)?.ok_or(OutreachError::NotFound("sender"))?;
    if sender.kind == segue_store::channel::SenderKind::Alphanumeric {
        return Err(OutreachError::invalid("sender_id", "Nobody can text to a name. Choose a number."));
    }
    match &keyword.action {
        KeywordAction::Join { programme_id } | KeywordAction::Leave { programme_id } => {
            let programme = tx.programme(workspace_id, *programme_id)?.ok_or(OutreachError::NotFound("programme"))?;
            if programme.sender_id != keyword.sender_id {
                let message = "The programme has another sender. Texts to this one cannot join it.";
                return Err(OutreachError::invalid("sender_id", message));
            }
        }
        KeywordAction::Reply { .. } | KeywordAction::Vote(_) => {}
    }
    Ok(())
}

/// Adds a word.
///
/// # Errors
/// When it is not valid, means something else already, or the sender's quota is used up.
pub async fn create(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    input: KeywordInput,
) -> Result<KeywordView, OutreachError> {
    let keyword = checked(&input, ctx.id(), ctx.now())?;
    store
        .write(move |tx| {
            tx.lock("keywords", &workspace_id)?;
            check_action(tx, workspace_id, &keyword)?;
            if let Some(message) = conflict(tx, workspace_id, &keyword, None)? {
                return Err(OutreachError::KeywordTaken(message));
            }
            tx.insert_keyword(workspace_id, &keyword)?;
            Ok(keyword.clone())
        })
        .await
}

/// Changes a word.
///
/// # Errors
/// As [`create`], and when there is no such word.
pub async fn change(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: KeywordId,
    input: KeywordInput,
) -> Result<KeywordView, OutreachError> {
    let keyword = checked(&input, id, ctx.now())?;
    store
        .write(move |tx| {
            tx.lock("keywords", &workspace_id)?;
            let known = tx.keyword(workspace_id, id)?.ok_or(OutreachError::NotFound("keyword"))?;
            check_action(tx, workspace_id, &keyword)?;
            if let Some(message) = conflict(tx, workspace_id, &keyword, Some(id))? {
                return Err(OutreachError::KeywordTaken(message));
            }
            tx.update_keyword(workspace_id, &keyword)?;
            Ok(KeywordView { created_at: known.created_at, ..keyword.clone() })
        })
        .await
}

/// Removes a word.
///
/// # Errors
/// When there is no such word.
pub async fn delete(store: &Store, workspace_id: WorkspaceId, id: KeywordId) -> Result<(), OutreachError> {
    store
        .write(move |tx| {
            let deleted = tx.delete_keyword(workspace_id, id)?;
            deleted.then_some(()).ok_or(OutreachError::NotFound("keyword"))
        })
        .await
}

/// Words, newest first.
///
/// # Errors
/// When the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    before: Option<KeywordId>,
    limit: i64,
) -> Result<Vec<KeywordView>, OutreachError> {
    store.read(move |tx| Ok(tx.keywords(workspace_id, before, limit)?)).await
}

/// Whether a word can be had, for the editor.
///
/// # Errors
/// When the word is not valid.
pub async fn check(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    own: Option<KeywordId>,
    input: KeywordInput,
) -> Result<WordCheck, OutreachError> {
    let keyword = checked(&input, own.unwrap_or_else(|| ctx.id()), ctx.now())?;
    store
        .read(move |tx| {
            let conflict = conflict(tx, workspace_id, &keyword, own)?;
            Ok(WordCheck { plain: plain::compact(&keyword.word), conflict })
        })
        .await
}
