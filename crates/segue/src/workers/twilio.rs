//! What came from an SMS provider over HTTP, given to the crates that understand it.

use segue_channels::twilio::{InboundFile, OptOutType, TwilioItem};
use segue_model::{Ctx, InboxId, Timestamp, keyword::Keyword};
use segue_outreach::{
    keywords::{self, InboundSms},
    provider_keyword::{self, ProviderOptOut},
};
use segue_store::{StoreError, Tx, channel::Channel, text_file::NamedFile, workspace::Workspace};

/// A file of an inbound text, as it is kept until it is fetched.
fn named(file: &InboundFile) -> NamedFile {
    NamedFile { url: file.url.clone(), mime: file.mime.clone() }
}

/// Works on one webhook. Runs in the transaction that marks its inbox row as done.
pub(super) fn handle(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    channel: &Channel,
    (inbox_id, received_at): (InboxId, Timestamp),
    item: &TwilioItem,
) -> Result<(), StoreError> {
    match item {
        TwilioItem::Status(status) => {
            segue_delivery::reports::apply_status_callback(tx, ctx, channel, status)?;
            if let (true, Some(to)) = (status.is_opt_out(), &status.to) {
                let told = ProviderOptOut { inbox_id, phone: to, received_at };
                provider_keyword::record(tx, ctx, workspace, &told)?;
            }
        }
        TwilioItem::Text(text) => {
            let files: Vec<NamedFile> = text.media.iter().map(named).collect();
            let sms = InboundSms {
                inbox_id,
                from: &text.from,
                is_national: false,
                to: &text.to,
                text: &text.text,
                files: &files,
                received_at,
            };
            match text.opt_out {
                Some(taken) => {
                    keywords::handle_answered(tx, ctx, workspace, channel, &sms, keyword_of(taken))?;
                }
                None => {
                    keywords::handle(tx, ctx, workspace, channel, &sms)?;
                }
            }
        }
    }
    Ok(())
}

/// The keyword that the provider took a text for.
const fn keyword_of(taken: OptOutType) -> Keyword {
    match taken {
        OptOutType::Stop => Keyword::Stop,
        OptOutType::Start => Keyword::Start,
        OptOutType::Help => Keyword::Help,
    }
}
