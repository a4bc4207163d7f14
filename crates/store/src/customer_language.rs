//! The language of a customer, with who says so.
//!
//! What a person says stands until a person says otherwise: a detected language never replaces it, and the statement that
//! writes one makes sure of it, whoever else writes at the same time.

use segue_model::{MessagingUserId, SessionId, Timestamp, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Row, StoreError, Tx, message_details::MessageDetails};

segue_model::text_enum! {
    /// Who says which language a customer has.
    pub enum LanguageBy {
        /// An agent or supervisor.
        Person = "person",
        /// The words of the customer.
        Detected = "detected",
    }
}

/// The language of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CustomerLanguage {
    /// A language tag in small letters: `de`, `pt-br`.
    pub language: String,
    pub by: LanguageBy,
    /// How certain the detection is, in per cent; none when a person said so.
    pub certainty: Option<u8>,
    pub at: Timestamp,
}

crate::sql! {
    LANGUAGE = "SELECT language, told_by, certainty, at FROM customer_languages
        WHERE workspace_id = $1 AND messaging_user_id = $2";
    SAY_LANGUAGE = "INSERT INTO customer_languages (workspace_id, messaging_user_id, language, told_by, certainty, at)
        VALUES ($1, $2, $3, 'person', NULL, $4)
        ON CONFLICT (workspace_id, messaging_user_id) DO UPDATE SET language = excluded.language,
            told_by = excluded.told_by, certainty = NULL, at = excluded.at";
    DETECT_LANGUAGE = "INSERT INTO customer_languages (workspace_id, messaging_user_id, language, told_by, certainty, at)
        VALUES ($1, $2, $3, 'detected', $4, $5)
        ON CONFLICT (workspace_id, messaging_user_id) DO UPDATE SET language = excluded.language,
            certainty = excluded.certainty, at = excluded.at
        WHERE customer_languages.told_by = 'detected'";
    FORGET_LANGUAGE = "DELETE FROM customer_languages WHERE workspace_id = $1 AND messaging_user_id = $2";
    MOVE_LANGUAGE = "UPDATE customer_languages SET messaging_user_id = $3
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND NOT EXISTS (
            SELECT 1 FROM customer_languages k WHERE k.workspace_id = $1 AND k.messaging_user_id = $3)";
    OWN_TEXTS = "SELECT text, content FROM messages
        WHERE workspace_id = $1 AND session_id = $2 AND direction = 'inbound' AND kind = 'text'
        ORDER BY at DESC, id DESC LIMIT $3";
}

/// Reads `language, told_by, certainty, at` of a customer who may have none.
pub(crate) fn read_optional(row: &mut Row<'_>) -> Result<Option<CustomerLanguage>, StoreError> {
    let (language, by): (Option<String>, Option<LanguageBy>) = (row.next()?, row.optional_word()?);
    let (certainty, at): (Option<u32>, Option<Timestamp>) = (row.next()?, row.next()?);
    let certainty = certainty.and_then(|certainty| u8::try_from(certainty).ok());
    let known = language.zip(by).zip(at);
    Ok(known.map(|((language, by), at)| CustomerLanguage { language, by, certainty, at }))
}

impl Tx<'_> {
    /// The language of a customer, when it is known.
    ///
    /// # Errors
    /// When the store fails.
    pub fn customer_language(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
    ) -> Result<Option<CustomerLanguage>, StoreError> {
        Ok(self.query_opt(&LANGUAGE, &[&workspace_id, &user_id], read_optional)?.flatten())
    }

    /// A person says which language a customer has.
    ///
    /// # Errors
    /// When the store fails.
    pub fn say_customer_language(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        language: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&SAY_LANGUAGE, &[&workspace_id, &user_id, &language, &now]).map(|_| ())
    }

    /// Notes the language that a customer's words are in. Does nothing where a person has said one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn detect_customer_language(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        (language, certainty): (&str, u8),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let certainty = u32::from(certainty);
        self.execute(&DETECT_LANGUAGE, &[&workspace_id, &user_id, &language, &certainty, &now]).map(|_| ())
    }

    /// Forgets the language of a customer: it is detected anew.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_customer_language(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
    ) -> Result<(), StoreError> {
        self.execute(&FORGET_LANGUAGE, &[&workspace_id, &user_id]).map(|_| ())
    }

    /// A merged customer's language becomes that of the kept one, unless it has one.
    pub(crate) fn move_customer_language(
        &mut self,
        workspace_id: WorkspaceId,
        from: MessagingUserId,
        into: MessagingUserId,
    ) -> Result<(), StoreError> {
        self.execute(&MOVE_LANGUAGE, &[&workspace_id, &from, &into]).map(|_| ())
    }

    /// The last texts that a customer wrote in a conversation, the latest first. What stood in a link and was only sent
    /// on is not among them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn own_texts(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        #[derive(serde::Deserialize)]
        struct Parts {
            #[serde(default)]
            details: MessageDetails,
        }
        let texts = self.query(&OWN_TEXTS, &[&workspace_id, &session_id, &limit], |row| {
            Ok((row.next::<String>()?, row.json::<Parts>()?))
        })?;
        Ok(texts.into_iter().filter(|(_, parts)| !parts.details.prefilled).map(|(text, _)| text).collect())
    }
}
