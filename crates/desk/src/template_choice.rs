//! The templates an agent can choose from, in the customer's language and filled in as far as the records allow.

use std::collections::BTreeMap;

use segue_model::{
    SessionId, WorkspaceId,
    actor::Actor,
    template::best_language,
    template_values::{SlotKind, TemplateSlot, prefilled},
};
use segue_store::{
    Store, Tx,
    contact::ContactView,
    messaging_user::LinkedBy,
    session::Session,
    template::{APPROVED, Template, TemplateView},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{DeskError, language, sessions};

/// A template in one language, with the values that are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FilledTemplate {
    #[serde(flatten)]
    pub template: TemplateView,
    /// By key of the slot.
    pub values: BTreeMap<String, String>,
}

/// A template with its languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateChoice {
    pub name: String,
    /// The language for this customer: their own, else the workspace's, else one there is.
    pub language: String,
    pub languages: Vec<FilledTemplate>,
}

/// The approved templates of a session's channel.
///
/// # Errors
/// When there is no such session.
pub async fn of_session(
    store: &Store,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: SessionId,
) -> Result<Vec<TemplateChoice>, DeskError> {
    let agent = actor.user_id();
    store
        .read(move |tx| {
            let view = sessions::view(tx, workspace_id, id)?;
            let session = tx.session(workspace_id, id)?.ok_or(DeskError::NotFound("session"))?;
            let user =
                tx.messaging_user(workspace_id, session.messaging_user_id)?.ok_or(DeskError::NotFound("customer"))?;
            let contact = match user.sure_contact() {
                Some(id) => tx.contact(workspace_id, id)?,
                None => None,
            };
            let workspace = tx.workspace(workspace_id)?.ok_or(DeskError::NotFound("workspace"))?;
            let mut fields = known(tx, workspace_id, &session, contact.as_ref())?;
            fields.insert("workspace.brand".to_owned(), workspace.settings.brand.clone());
            if let Some(agent) = agent
                && let Some(user) = tx.user(workspace_id, agent)?
            {
                fields.insert("agent.name".to_owned(), user.name);
            }
            // What the customer is called here may be the name of whoever has the e-mail address that they typed.
            let called = match user.linked_by {
                Some(LinkedBy::Email) => user.profile_name.as_deref().unwrap_or_default(),
                _ => view.customer.name.as_str(),
            };
            if !fields.contains_key("contact.first_name")
                && let Some(name) = called.split_whitespace().next()
                && name.chars().any(char::is_alphabetic)
            {
                // Nobody is linked surely: the name of the customer's own profile.
                fields.insert("contact.first_name".to_owned(), name.to_owned());
            }
            let locale = contact.and_then(|contact| contact.locale);
            let locale = language::of(tx, workspace_id, session.messaging_user_id, locale)?;
            let wanted: Vec<&str> = [locale.as_deref(), Some(workspace.settings.language.as_str())]
                .into_iter()
                .flatten()
                .filter(|language| !language.is_empty())
                .collect();
            let all = tx.templates(workspace_id)?;
            let there = all.iter().filter(|each| each.channel_id == session.channel_id && each.status == APPROVED);
            let mut by_name: BTreeMap<&str, Vec<&Template>> = BTreeMap::new();
            for template in there {
                by_name.entry(&template.name).or_default().push(template);
            }
            Ok(by_name.into_iter().filter_map(|(name, of_name)| choice(name, &of_name, &wanted, &fields)).collect())
        })
        .await
}

fn choice(
    name: &str,
    of_name: &[&Template],
    wanted: &[&str],
    fields: &BTreeMap<String, String>,
) -> Option<TemplateChoice> {
    let there: Vec<&str> = of_name.iter().map(|template| template.language.as_str()).collect();
    let language = best_language(&there, wanted)?.to_owned();
    let filled = |template: &&Template| {
        let template = template.view();
        let mut values = prefilled(&template.defaults, fields);
        // Where nobody said what fills it, the first value is nearly always the name.
        if template.defaults.is_empty()
            && let Some(slot) = template.slots.iter().find(|slot| is_first_text(slot))
            && let Some(first_name) = fields.get("contact.first_name")
        {
            values.insert(slot.key.clone(), first_name.clone());
        }
        FilledTemplate { template, values }
    };
    Some(TemplateChoice { name: name.to_owned(), language, languages: of_name.iter().map(filled).collect() })
}

fn is_first_text(slot: &TemplateSlot) -> bool {
    slot.kind == SlotKind::Text && slot.key.starts_with("body.")
}

/// What is on record, by the names that defaults use.
fn known(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &Session,
    contact: Option<&ContactView>,
) -> Result<BTreeMap<String, String>, DeskError> {
    let mut fields = BTreeMap::new();
    if let Some(contact) = contact {
        let own = [
            ("first_name", contact.first_name.clone()),
            ("last_name", contact.last_name.clone()),
            ("email", contact.email.clone()),
            ("phone", contact.phone.as_ref().map(ToString::to_string)),
            ("external_key", contact.external_key.clone()),
        ];
        let own = own.into_iter().filter_map(|(name, value)| Some((format!("contact.{name}"), value?)));
        let further = contact.attributes.iter();
        fields.extend(own);
        fields.extend(further.map(|(name, value)| (format!("contact.attributes.{name}"), value.clone())));
    }
    if let Some(id) = session.case_id
        && let Some(case) = tx.case(workspace_id, id)?
    {
        fields.insert("case.number".to_owned(), case.number.to_string());
        fields.insert("case.subject".to_owned(), case.subject);
    }
    Ok(fields)
}
