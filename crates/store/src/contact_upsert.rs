//! Adding contacts that may be known: by external key first, then by phone number.

use segue_model::{
    ContactId, Timestamp, WorkspaceId,
    contact::{ContactFields, FieldChanges, MOST_ATTRIBUTES},
};

use crate::{StoreError, Tx, contact::ContactChange};

/// What became of a row that was merged by its external key or phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upserted {
    Created(ContactId),
    Updated(ContactId),
    Unchanged(ContactId),
    /// Nothing was written: the key and the number belong to two contacts, or the number to one with another key.
    Ambiguous,
    /// Nothing was written: with what is new the known contact would have more attributes than [`MOST_ATTRIBUTES`].
    Full {
        /// How many it has.
        has: usize,
        /// How many it would have.
        would: usize,
    },
}

impl Upserted {
    /// The contact that has the key and the phone number now; none when nothing was written.
    #[must_use]
    pub const fn id(self) -> Option<ContactId> {
        match self {
            Self::Created(id) | Self::Updated(id) | Self::Unchanged(id) => Some(id),
            Self::Ambiguous | Self::Full { .. } => None,
        }
    }
}

/// `known` with what `news` adds; an empty text never takes a known one away.
fn merged(known: &ContactFields, news: &ContactFields) -> ContactFields {
    let pick = |new: &Option<String>, old: &Option<String>| {
        new.clone().filter(|text| !text.trim().is_empty()).or_else(|| old.clone())
    };
    let mut attributes = known.attributes.clone();
    let told = news.attributes.iter().filter(|(_, value)| !value.trim().is_empty());
    attributes.extend(told.map(|(name, value)| (name.clone(), value.clone())));
    ContactFields {
        phone: news.phone.clone().or_else(|| known.phone.clone()),
        first_name: pick(&news.first_name, &known.first_name),
        last_name: pick(&news.last_name, &known.last_name),
        email: pick(&news.email, &known.email),
        locale: pick(&news.locale, &known.locale),
        time_zone: pick(&news.time_zone, &known.time_zone),
        external_key: pick(&news.external_key, &known.external_key),
        attributes,
    }
}

impl Tx<'_> {
    /// Adds the contact with this external key or phone number, or merges what is new into the one that has it: an empty
    /// field never erases a known one, and a further number stays a further one. Tells nobody; whoever does this in bulk tells at the end. With neither key nor
    /// number a new contact is added each time.
    ///
    /// # Errors
    /// When the store fails.
    pub fn upsert_contact(
        &mut self,
        workspace_id: WorkspaceId,
        fresh_id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<Upserted, StoreError> {
        if fields.external_key.is_some() && fields.phone.is_some() {
            // Whoever is known by the key may get the number beside others that it has; consents come before addresses.
            self.lock_consents(workspace_id)?;
        }
        self.hold_addresses(workspace_id)?;
        self.upsert_contact_with_changes(workspace_id, fresh_id, fields, now).map(|(upserted, _)| upserted)
    }

    /// [`Tx::upsert_contact`], with what it changed of a known contact. For bulk: the caller holds the addresses
    /// ([`Tx::hold_addresses`]), once for all rows of its transaction, and has locked the consents before where rows bring
    /// keys with numbers.
    ///
    /// # Errors
    /// When the store fails.
    pub fn upsert_contact_with_changes(
        &mut self,
        workspace_id: WorkspaceId,
        fresh_id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<(Upserted, FieldChanges), StoreError> {
        let mut fields = merged(&ContactFields::default(), fields);
        if fields.external_key.is_none() && self.write_unless_known(workspace_id, fresh_id, &fields, now)? {
            return Ok((Upserted::Created(fresh_id), FieldChanges::new()));
        }
        let of_key = match &fields.external_key {
            Some(key) => self.contact_of_key(workspace_id, key)?,
            None => None,
        };
        let of_phone = match &fields.phone {
            Some(phone) => self.contact_of_phone(workspace_id, phone)?,
            None => None,
        };
        let id = match (of_key, of_phone) {
            (Some(one), Some(other)) if one != other => return Ok((Upserted::Ambiguous, FieldChanges::new())),
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => {
                // Somebody else may have added or deleted it between the two statements.
                return if self.write_unless_known(workspace_id, fresh_id, &fields, now)? {
                    Ok((Upserted::Created(fresh_id), FieldChanges::new()))
                } else {
                    Err(StoreError::Unavailable("the contact was changed meanwhile".to_owned()))
                };
            }
        };
        let known = self.contact_for_update(workspace_id, id)?;
        let known = known.ok_or_else(|| StoreError::Unavailable("the contact was deleted meanwhile".to_owned()))?;
        if of_key.is_some() {
            // Its own key, or that of one that was merged into it.
            fields.external_key = None;
        } else if fields.external_key.is_some() && known.external_key.is_some() {
            return Ok((Upserted::Ambiguous, FieldChanges::new()));
        }
        if of_phone.is_some() {
            // Its own number, or a further one, which stays that.
            fields.phone = None;
        }
        let merged = merged(&known, &fields);
        if merged == known {
            return Ok((Upserted::Unchanged(id), FieldChanges::new()));
        }
        let (has, would) = (known.attributes.len(), merged.attributes.len());
        if would > MOST_ATTRIBUTES && would > has {
            return Ok((Upserted::Full { has, would }, FieldChanges::new()));
        }
        if (&merged.phone, &merged.external_key) == (&known.phone, &known.external_key) {
            self.put_fields_quietly(workspace_id, id, &merged, now)?;
            return Ok((Upserted::Updated(id), known.changes_to(&merged)));
        }
        match self.update_contact_quietly(workspace_id, id, &merged, now)? {
            ContactChange::Changed => Ok((Upserted::Updated(id), known.changes_to(&merged))),
            ContactChange::PhoneTaken | ContactChange::KeyTaken => Ok((Upserted::Ambiguous, FieldChanges::new())),
            ContactChange::Missing => Err(StoreError::Unavailable("the contact was deleted meanwhile".to_owned())),
        }
    }

    fn write_unless_known(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if let Some(phone) = &fields.phone
            && self.contact_of_further_phone(workspace_id, phone)?.is_some()
        {
            return Ok(false);
        }
        self.add_contact_quietly(workspace_id, id, fields, now)
    }
}
