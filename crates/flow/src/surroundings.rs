//! What a flow finds in the workspace it runs in: fields that keep values, files that were uploaded, forms that are
//! published. The interpreter asks and never looks for itself, so it stays pure: the caller answers from the transaction
//! in which it stores the turn.

use segue_model::{FormId, MediaId};

use crate::Definition;

/// What a file is to WhatsApp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Picture,
    Film,
    Sound,
    Sticker,
    Document,
}

impl FileKind {
    /// Whether a text can stand below it.
    #[must_use]
    pub const fn takes_caption(self) -> bool {
        matches!(self, Self::Picture | Self::Film | Self::Document)
    }
}

/// A form that can be offered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownForm {
    pub id: FormId,
    /// WhatsApp's id of it.
    pub provider_id: String,
}

/// What a flow asks of its workspace.
pub trait Surroundings {
    /// What a field of the contact or lead (`contact.points`) keeps of a value; nothing when the value does not fit it.
    fn fits(&self, field: &str, value: &str) -> Option<String>;

    /// What the file is; nothing when it is not here.
    fn file(&self, id: MediaId) -> Option<FileKind>;

    /// The published form of this name; nothing when the number has none.
    fn form(&self, name: &str) -> Option<KnownForm>;
}

/// Everything fits, every file is here and every form is published: for tests of a flow by itself.
#[derive(Debug, Clone, Copy)]
pub struct Everything;

impl Surroundings for Everything {
    fn fits(&self, _: &str, value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    fn file(&self, _: MediaId) -> Option<FileKind> {
        Some(FileKind::Document)
    }

    fn form(&self, name: &str) -> Option<KnownForm> {
        Some(KnownForm { id: FormId(Default::default()), provider_id: name.to_owned() })
    }
}

/// Something outside the flow that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    File {
        id: MediaId,
        has_caption: bool,
        voice: bool,
    },
    /// A form, by its name at WhatsApp.
    Form(String),
}

impl Definition {
    /// What the flow names outside itself, with the place in the definition (JSON pointer).
    #[must_use]
    pub fn names(&self) -> Vec<(String, Named)> {
        let mut names = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            if let Some(send) = &step.send
                && let Some(id) = send.media_id()
            {
                let has_caption = send.caption.is_some();
                names.push((format!("/steps/{index}/send/file"), Named::File { id, has_caption, voice: send.voice }));
            }
            if let Some(form) = step.ask.as_ref().and_then(|ask| ask.form.as_ref()) {
                names.push((format!("/steps/{index}/ask/form"), Named::Form(form.clone())));
            }
        }
        names
    }

    /// The files it sends, each once.
    #[must_use]
    pub fn files(&self) -> Vec<MediaId> {
        let mut ids: Vec<MediaId> =
            self.steps.iter().filter_map(|step| step.send.as_ref().and_then(|send| send.media_id())).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The names of the forms it offers.
    pub fn forms(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| step.ask.as_ref()?.form.as_deref())
    }

    /// Whether it writes anything into the contact or the lead.
    #[must_use]
    pub fn saves_fields(&self) -> bool {
        self.steps.iter().any(|step| {
            let of_question = |ask: &crate::definition::Ask| {
                ask.save.is_some() || ask.fields.iter().any(|field| field.save.is_some())
            };
            step.update.is_some() || step.ask.as_ref().is_some_and(of_question)
        })
    }
}
