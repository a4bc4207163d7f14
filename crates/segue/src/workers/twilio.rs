//! What came from an SMS provider over HTTP, given to the crates that understand it.

use segue_channels::twilio::{InboundFile, OptOutType, TwilioItem};
use segue_model::{
    Ctx, InboxId, Timestamp,
    consent::{ConsentAction, ConsentMethod},
};
use segue_outreach::{
    keywords::{self, InboundSms},
    provider_keyword::{self, ProviderKeyword},
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
                let keyword = ProviderKeyword {
                    inbox_id,
                    phone: to,
                    action: ConsentAction::Revoke,
                    wording: None,
                    received_at,
                    method: ConsentMethod::CarrierReport,
                };
                provider_keyword::record(tx, ctx, workspace, &keyword)?;
            }
        }
        TwilioItem::Text(text) => {
            let action = match text.opt_out {
                Some(OptOutType::Stop) => ConsentAction::Revoke,
                Some(OptOutType::Start) => ConsentAction::Grant,
                // The provider has answered.
                Some(OptOutType::Help) => return Ok(()),
                None => {
                    let files: Vec<NamedFile> = text.media.iter().map(named).collect();
                    let sms = InboundSms {
                        inbox_id,
                        from: &text.from,
                        to: &text.to,
                        text: &text.text,
                        files: &files,
                        received_at,
                    };
                    keywords::handle(tx, ctx, workspace, channel, &sms)?;
                    return Ok(());
                }
            };
            let keyword = ProviderKeyword {
                inbox_id,
                phone: &text.from,
                action,
                wording: Some(&text.text),
                received_at,
                method: ConsentMethod::Keyword,
            };
            provider_keyword::record(tx, ctx, workspace, &keyword)?;
        }
    }
    Ok(())
}
