//! A workspace with one of everything in it.

use std::collections::HashMap;

use segue_access::NewWorkspace;
use segue_model::{
    BatchId, CampaignId, CaseId, ChannelId, ConsentReviewId, ContactId, Ctx, DeadLetterId, FlowId, ImportId, KeywordId,
    LeadId, LinkDomainId, ListId, MediaId, MessageId, MessagingUserId, OfferId, PhoneNumber, ProgrammeId, QueueId,
    SegmentId, SenderId, SenderPoolId, SessionId, SnippetId, SubscriptionId, UserId, WorkItemId, WorkspaceId,
    campaign::Footer,
    consent::{ConsentMethod, Medium},
    contact::ContactFields,
    content::Content,
    delivery::MessageClass,
    programme::{Covers, KeywordAction, ProgrammeOptIn, ProgrammeSettings, SubscriptionState},
    registration::RegistrationKind,
    revocation,
    role::Role,
    routing::{OfferState, WorkItemState},
    vote::{Vote, VoteOption},
};
use segue_store::customer_link::{LinkAction, LinkEntry, LinkState};
use segue_store::{
    Sql, StoreError, Tx,
    campaign::{Audience, CampaignInput},
    channel::{Channel, ChannelConfig, ChannelState, Registration, Sender, SenderKind, SmppConfig, WhatsAppConfig},
    consent_review::NewReview,
    crm::{CaseState, CaseView, LeadStatus, LeadView},
    direct_message::{NewBatch, NewDirectMessage},
    flow::NewVersion,
    media::NewMedia,
    message::{AuthorKind, Direction, MediaReference, MessageContent, MessageKind, NewMessage},
    messaging_user::MessagingUser,
    pending_reply::{PendingReason, PendingReply},
    programme::{KeywordView, ProgrammeView},
    registration::RegistrationInput,
    routing::{CONVERSATION, Offer, Queue, WorkItem},
    subscription::SubscriptionView,
    template::ListedTemplate,
};

use crate::support::{PASSWORD, Server};

static DEAD_LETTER: Sql = Sql::portable(
    "DEAD_LETTER",
    "INSERT INTO dead_letters (workspace_id, id, source, source_id, reason, created_at)
        VALUES ($1, $2, 'inbox', $3, 'broken', $4)",
);

/// A workspace and the ids of what is in it, by prefix.
pub struct Sample {
    pub ids: HashMap<&'static str, String>,
    /// A key of the role admin.
    pub key: String,
}

impl Sample {
    pub fn id(&self, prefix: &str) -> String {
        self.ids.get(prefix).cloned().unwrap_or_else(|| panic!("the sample has no {prefix}"))
    }
}

struct Made {
    channel: ChannelId,
    sender: SenderId,
    queue: QueueId,
    contact: ContactId,
    list: ListId,
    segment: SegmentId,
    import: ImportId,
    import_file: segue_model::ImportFileId,
    merge: segue_model::MergeId,
    deletion: segue_model::DeletionId,
    view: segue_model::ContactViewId,
    campaign: CampaignId,
    customer: MessagingUserId,
    customer_merge: segue_model::CustomerMergeId,
    customer_link: segue_model::CustomerLinkId,
    session: SessionId,
    message: MessageId,
    lead: LeadId,
    case: CaseId,
    flow: FlowId,
    media: MediaId,
    letter: DeadLetterId,
    offer: OfferId,
    work: WorkItemId,
    pending: segue_model::PendingReplyId,
    mention: segue_model::MentionId,
    export: segue_model::TranscriptExportId,
    programme: ProgrammeId,
    subscription: SubscriptionId,
    keyword: KeywordId,
    review: ConsentReviewId,
    domain: LinkDomainId,
    snippet: SnippetId,
    table: segue_model::TableId,
    pool: SenderPoolId,
    batch: BatchId,
    direct: MessageId,
}

/// Makes a workspace named `slug` beside the test's own. Its user signs in as `<slug>@segue.test`.
pub async fn sample(server: &Server, slug: &str) -> Sample {
    let new = NewWorkspace {
        name: slug.to_owned(),
        slug: slug.to_owned(),
        time_zone: "America/New_York".to_owned(),
        country: "US".to_owned(),
    };
    let workspace = segue_access::create_workspace(&server.test.store, &server.test.ctx, &new).await.unwrap();
    let key = server.key_of(workspace.id, Role::Admin).await;
    let user = segue_access::NewUser {
        email: format!("{slug}@segue.test"),
        name: slug.to_owned(),
        role: Role::Admin,
        password: PASSWORD.to_owned(),
    };
    let user = segue_access::create_user(&server.test.store, &server.test.ctx, workspace.id, &user).await.unwrap();
    let api_key =
        segue_access::create_key(&server.test.store, &server.test.ctx, workspace.id, "other", Role::Agent).await;
    let ctx = server.test.ctx.clone();
    let made = make(&ctx);
    let ids = made.ids(user.id, &api_key.unwrap().0.id.to_string());
    let (workspace_id, user_id) = (workspace.id, user.id);
    let filled = server.test.store.write::<_, StoreError, _>(move |tx| fill(tx, &ctx, workspace_id, user_id, &made));
    filled.await.unwrap();
    let templates = server.test.store.read::<_, StoreError, _>(move |tx| tx.templates(workspace_id)).await.unwrap();
    let mut ids = ids;
    ids.insert("tpl", templates[0].id.to_string());
    let forms = server.test.store.read::<_, StoreError, _>(move |tx| tx.forms(workspace_id)).await.unwrap();
    ids.insert("frm", forms[0].id.to_string());
    let ctx = server.test.ctx.clone();
    let input = RegistrationInput {
        name: "B Inc.".to_owned(),
        country: None,
        parent_id: None,
        reference: None,
        details: serde_json::json!({}),
        expires_at: None,
    };
    let registration = server.test.store.write::<_, StoreError, _>(move |tx| {
        tx.insert_registration(workspace_id, RegistrationKind::Brand, &input, "system", &ctx)
    });
    ids.insert("reg", registration.await.unwrap().to_string());
    Sample { ids, key }
}

fn make(ctx: &Ctx) -> Made {
    Made {
        channel: ctx.id(),
        sender: ctx.id(),
        queue: ctx.id(),
        contact: ctx.id(),
        list: ctx.id(),
        segment: ctx.id(),
        import: ctx.id(),
        import_file: ctx.id(),
        merge: ctx.id(),
        deletion: ctx.id(),
        view: ctx.id(),
        campaign: ctx.id(),
        customer: ctx.id(),
        customer_merge: ctx.id(),
        customer_link: ctx.id(),
        session: ctx.id(),
        message: ctx.id(),
        lead: ctx.id(),
        case: ctx.id(),
        flow: ctx.id(),
        media: ctx.id(),
        letter: ctx.id(),
        offer: ctx.id(),
        work: ctx.id(),
        pending: ctx.id(),
        mention: ctx.id(),
        export: ctx.id(),
        programme: ctx.id(),
        subscription: ctx.id(),
        keyword: ctx.id(),
        review: ctx.id(),
        domain: ctx.id(),
        snippet: ctx.id(),
        table: ctx.id(),
        pool: ctx.id(),
        batch: ctx.id(),
        direct: ctx.id(),
    }
}

impl Made {
    fn ids(&self, user: UserId, api_key: &str) -> HashMap<&'static str, String> {
        HashMap::from([
            ("usr", user.to_string()),
            ("key", api_key.to_owned()),
            ("chn", self.channel.to_string()),
            ("snd", self.sender.to_string()),
            ("que", self.queue.to_string()),
            ("prp", self.pending.to_string()),
            ("men", self.mention.to_string()),
            ("tre", self.export.to_string()),
            ("con", self.contact.to_string()),
            ("lst", self.list.to_string()),
            ("seg", self.segment.to_string()),
            ("imp", self.import.to_string()),
            ("imf", self.import_file.to_string()),
            ("mrg", self.merge.to_string()),
            ("del", self.deletion.to_string()),
            ("cvw", self.view.to_string()),
            ("cmp", self.campaign.to_string()),
            ("ses", self.session.to_string()),
            ("mus", self.customer.to_string()),
            ("cmg", self.customer_merge.to_string()),
            ("lnk", self.customer_link.to_string()),
            ("led", self.lead.to_string()),
            ("cas", self.case.to_string()),
            ("flw", self.flow.to_string()),
            ("med", self.media.to_string()),
            ("ded", self.letter.to_string()),
            ("ofr", self.offer.to_string()),
            ("prg", self.programme.to_string()),
            ("sbs", self.subscription.to_string()),
            ("kwd", self.keyword.to_string()),
            ("crv", self.review.to_string()),
            ("dom", self.domain.to_string()),
            ("snp", self.snippet.to_string()),
            ("tbl", self.table.to_string()),
            ("spl", self.pool.to_string()),
            ("bat", self.batch.to_string()),
            ("msg", self.direct.to_string()),
        ])
    }
}

/// A batch of a program with one message.
fn direct_messages(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    made: &Made,
    now: segue_model::Timestamp,
) -> Result<(), StoreError> {
    let batch = NewBatch {
        pool_id: None,
        id: made.batch,
        key: "batch".to_owned(),
        actor: "system".to_owned(),
        sender_id: made.sender,
        class: MessageClass::Service,
        body: "secret words".to_owned(),
        list_id: None,
        expires_at: None,
    };
    tx.insert_batch(workspace_id, &batch, now)?;
    let message = NewDirectMessage {
        id: made.direct,
        batch: Some((made.batch, 1)),
        key: "message".to_owned(),
        actor: "system".to_owned(),
        client_reference: Some("secret words".to_owned()),
        address: "+15550107777".to_owned(),
        fields: serde_json::json!({}),
        problem: None,
    };
    tx.insert_direct_message(workspace_id, &message, now).map(|_| ())
}

fn fill(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId, user_id: UserId, made: &Made) -> Result<(), StoreError> {
    let now = ctx.now();
    setup(tx, ctx, workspace_id, user_id, made)?;
    let phone = PhoneNumber::parse("+15550107777", None).ok();
    let fields = ContactFields { phone: phone.clone(), first_name: Some("Bea".to_owned()), ..ContactFields::default() };
    tx.insert_contact(workspace_id, made.contact, &fields, now)?;
    let (kept_id, merged_id) = (ctx.id(), ctx.id());
    for id in [kept_id, merged_id] {
        tx.insert_contact(workspace_id, id, &ContactFields::default(), now)?;
    }
    let merge = segue_store::contact_merge::NewMerge {
        id: made.merge,
        kept_id,
        merged_id,
        fields: ContactFields::default(),
        actor: "system".to_owned(),
    };
    tx.merge_contacts(workspace_id, &merge, now)?;
    tx.delete_contacts(workspace_id, made.deletion, &[kept_id], "system", now)?;
    let view = segue_store::contact_view::ContactViewRecord {
        id: made.view,
        name: "Everybody".to_owned(),
        owner: user_id.to_string(),
        shared: true,
        query: serde_json::from_value(serde_json::json!({})).map_err(|error| StoreError::Corrupt(error.to_string()))?,
        updated_at: now,
    };
    tx.insert_contact_view(workspace_id, &view)?;
    tx.insert_list(workspace_id, made.list, "Everybody", now)?;
    tx.insert_segment(workspace_id, made.segment, "Everybody", "true", None, now)?;
    tx.add_to_list(workspace_id, made.list, made.contact, now)?;
    let import = segue_store::import::NewImport {
        id: made.import,
        file_id: made.import_file,
        file_name: "b.csv".to_owned(),
        mode: segue_store::import::ImportMode::Import,
        options: serde_json::json!({}),
        rows_total: 0,
        list_id: Some(made.list),
        table_id: None,
        actor: "system".to_owned(),
    };
    tx.insert_import_file(workspace_id, made.import_file, "b.csv", now)?;
    tx.complete_import_file(workspace_id, made.import_file, &serde_json::json!([]), "s", 0)?;
    tx.insert_import(workspace_id, &import, now)?;
    tx.end_import(workspace_id, made.import, segue_store::import::ImportState::Done, None, now)?;
    let input = CampaignInput {
        media: Vec::new(),
        name: "B's campaign".to_owned(),
        sender_id: Some(made.sender),
        audience: Audience { list_id: Some(made.list), ..Audience::default() },
        body: "Hello".to_owned(),
        footer: Footer::Tracked,
        whatsapp_channel_id: Some(made.channel),
        prefilled_text: String::new(),
        schedule: Default::default(),
        variants: Vec::new(),
        held_out_percent: 0,
        pool_id: None,
        template: None,
        rules: Default::default(),
        texts: Vec::new(),
    };
    direct_messages(tx, workspace_id, made, now)?;
    tx.insert_campaign(workspace_id, made.campaign, &input, Some(user_id), now)?;
    let host = format!("go.{workspace_id}.example");
    tx.insert_link_domain(workspace_id, made.domain, &host, &host, now)?;
    tx.insert_sender_pool(workspace_id, made.pool, "B's numbers", now)?;
    tx.set_pool_members(workspace_id, made.pool, &[made.sender])?;
    crate::tables::fill(tx, workspace_id, made.table, now)?;
    tx.insert_snippet(workspace_id, made.snippet, "legal", "B's words", "system", now)?;
    let customer = MessagingUser {
        id: made.customer,
        channel_id: made.channel,
        profile_name: Some("Bea".to_owned()),
        username: None,
        contact_id: Some(made.contact),
        lead_id: None,
        linked_by: None,
        last_inbound_at: Some(now),
        blocked_at: None,
        created_at: now,
        version: 1,
    };
    tx.insert_messaging_user(workspace_id, &customer)?;
    conversation(tx, ctx, workspace_id, user_id, made)?;
    let other = MessagingUser { id: ctx.id(), ..customer };
    tx.insert_messaging_user(workspace_id, &other)?;
    tx.record_customer_merge(workspace_id, made.customer_merge, (other.id, made.customer), "system", now)?;
    let link = LinkEntry {
        id: made.customer_link,
        messaging_user_id: made.customer,
        session_id: Some(made.session),
        action: LinkAction::Linked,
        reason: "agent".to_owned(),
        note: None,
        before: LinkState::default(),
        after: LinkState { contact_id: Some(made.contact), ..LinkState::default() },
        undoes_id: None,
        actor: "system".to_owned(),
        actor_name: None,
        at: now,
    };
    tx.insert_link(workspace_id, &link)?;
    let lead = LeadView {
        id: made.lead,
        name: "Bea".to_owned(),
        phone,
        email: None,
        note: None,
        status: LeadStatus::New,
        campaign_id: None,
        session_id: Some(made.session),
        contact_id: Some(made.contact),
        created_at: now,
    };
    tx.insert_lead(workspace_id, &lead, Some(user_id))?;
    let case = CaseView {
        id: made.case,
        number: 1,
        subject: "Broken".to_owned(),
        state: CaseState::Open,
        session_id: Some(made.session),
        contact_id: Some(made.contact),
        created_at: now,
        closed_at: None,
    };
    tx.insert_case(workspace_id, &case, Some(user_id))?;
    consent(tx, workspace_id, now, made)?;
    let source_id = ctx.uuid();
    tx.execute(&DEAD_LETTER, &[&workspace_id, &made.letter, &source_id, &now]).map(|_| ())
}

/// So many dead letters in the server's own workspace, the oldest first.
pub async fn dead_letters(server: &Server, count: usize) -> Vec<DeadLetterId> {
    let (ctx, workspace_id) = (server.test.ctx.clone(), server.test.workspace_id());
    let made = server.test.store.write::<_, StoreError, _>(move |tx| {
        let mut ids = Vec::new();
        for _ in 0..count {
            let (id, source_id): (DeadLetterId, _) = (ctx.id(), ctx.uuid());
            tx.execute(&DEAD_LETTER, &[&workspace_id, &id, &source_id, &ctx.now()])?;
            ids.push(id);
        }
        Ok(ids)
    });
    made.await.expect("the store works")
}

fn vote() -> Vote {
    let option = |word: &str| VoteOption { word: word.to_owned(), label: word.to_owned() };
    Vote {
        text: "Red or blue?".to_owned(),
        options: vec![option("RED"), option("BLUE")],
        changeable: false,
        closes_at: None,
        thanks: String::new(),
        already: String::new(),
        closed: String::new(),
    }
}

fn consent(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    now: segue_model::Timestamp,
    made: &Made,
) -> Result<(), StoreError> {
    let programme = ProgrammeView {
        id: made.programme,
        sender_id: made.sender,
        name: "B's club".to_owned(),
        opt_in: ProgrammeOptIn::Double,
        covers: Covers::Programme,
        list_id: None,
        settings: ProgrammeSettings::default(),
        active: 0,
        pending: 0,
        created_at: now,
        ended_at: None,
        version: 1,
    };
    tx.insert_programme(workspace_id, &programme)?;
    let subscription = SubscriptionView {
        id: made.subscription,
        programme_id: made.programme,
        programme_name: programme.name,
        address: "+15550107777".to_owned(),
        contact_id: None,
        contact_name: None,
        state: SubscriptionState::Active,
        method: ConsentMethod::Keyword,
        awaits: None,
        requested_at: now,
        expires_at: None,
        confirmed_at: Some(now),
        ended_at: None,
        end_reason: None,
        tries: 0,
        asked: None,
    };
    tx.put_subscription(workspace_id, &subscription)?;
    let keyword = KeywordView {
        id: made.keyword,
        sender_id: made.sender,
        word: "CLUB".to_owned(),
        action: KeywordAction::Vote(vote()),
        valid_from: None,
        valid_until: None,
        created_at: now,
    };
    tx.insert_keyword(workspace_id, &keyword)?;
    let review = NewReview {
        id: made.review,
        medium: Medium::Sms,
        address: "+15550107777".to_owned(),
        held: vec!["+15550107777".to_owned()],
        sender: "+15550101111".to_owned(),
        text: "B's secret words: not interested".to_owned(),
        reading: revocation::read("not interested"),
        proof: "inb".to_owned(),
    };
    tx.open_review(workspace_id, &review, now)
}

fn setup(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    user_id: UserId,
    made: &Made,
) -> Result<(), StoreError> {
    let now = ctx.now();
    let channel = Channel {
        workspace_id,
        id: made.channel,
        slug: "wa".to_owned(),
        name: "WA".to_owned(),
        config: ChannelConfig::WhatsApp(WhatsAppConfig {
            base_url: "http://127.0.0.1:1".to_owned(),
            graph_version: "v26.0".to_owned(),
            waba_id: "1".to_owned(),
            phone_number_id: "9".to_owned(),
            display_phone_number: "15550109876".to_owned(),
            access_token: "b-token".to_owned(),
            app_secrets: vec!["b-secret".to_owned()],
            verify_token: "b-verify".to_owned(),
            portfolio_id: String::new(),
        }),
        flow_slug: None,
        queue_slug: None,
        state: ChannelState::Connected,
        state_detail: None,
        refusal: None,
        last_inbound_at: None,
        created_at: now,
        conversation: segue_store::shared::Shared::default(),
    };
    tx.upsert_channel(&channel)?;
    let sms = Channel {
        id: ctx.id(),
        slug: "sms".to_owned(),
        name: "SMS".to_owned(),
        config: ChannelConfig::Smpp(SmppConfig::new("127.0.0.1", 1, "sample", "sample")),
        ..channel
    };
    tx.upsert_channel(&sms)?;
    let sender = Sender {
        id: made.sender,
        channel_id: sms.id,
        address: "+15550101111".to_owned(),
        kind: SenderKind::LongCode,
        registration: Registration::Active,
        created_at: now,
    };
    tx.upsert_sender(workspace_id, &sender)?;
    let template = ListedTemplate {
        name: "hello".to_owned(),
        language: "en_US".to_owned(),
        category: "UTILITY".to_owned(),
        status: "APPROVED".to_owned(),
        components: serde_json::json!([{"type": "BODY", "text": "Hello"}]),
        ..ListedTemplate::default()
    };
    tx.replace_templates(workspace_id, made.channel, &[template], ctx)?;
    let form = segue_store::form::ListedForm {
        provider_id: "1".to_owned(),
        name: "B's form".to_owned(),
        status: "PUBLISHED".to_owned(),
        categories: Vec::new(),
    };
    tx.replace_forms(workspace_id, made.channel, &[form], ctx)?;
    let queue =
        Queue { id: made.queue, slug: "b".to_owned(), name: "B".to_owned(), offer_seconds: 30, created_at: now };
    tx.insert_queue(workspace_id, &queue)?;
    tx.set_queue_members(workspace_id, made.queue, &[user_id])?;
    let version = NewVersion { slug: "greeting", name: "Greeting", source: "name: greeting", files: &[] };
    tx.publish_flow(workspace_id, version, (made.flow, ctx.id()), now)?;
    let media = NewMedia {
        id: made.media,
        mime: "image/png".to_owned(),
        file_name: None,
        data: b"\x89PNG\r\n\x1a\nB's picture".to_vec(),
    };
    tx.insert_media(workspace_id, &media, now)
}

fn conversation(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    user_id: UserId,
    made: &Made,
) -> Result<(), StoreError> {
    let now = ctx.now();
    tx.open_session(workspace_id, made.session, made.channel, made.customer, now)?;
    let message = NewMessage {
        id: made.message,
        session_id: made.session,
        channel_id: made.channel,
        direction: Direction::Inbound,
        author: AuthorKind::Customer,
        author_id: None,
        kind: MessageKind::Image,
        content: MessageContent {
            media: Some(MediaReference { id: made.media, mime: "image/png".to_owned(), file_name: None }),
            ..MessageContent::default()
        },
        text: "B's secret words".to_owned(),
        provider_id: None,
        client_id: None,
        at: now,
    };
    tx.insert_message(workspace_id, &message)?;
    let reply = PendingReply {
        id: made.pending,
        session_id: made.session,
        content: Content::Text { text: "B's secret reply".to_owned() },
        author_id: Some(user_id),
        client_id: None,
        reason: PendingReason::WindowClosed,
        created_at: now,
        expires_at: now.plus(86_400_000),
        version: 1,
    };
    tx.insert_pending_reply(workspace_id, &reply)?;
    let mention = segue_store::mention::Mention {
        id: made.mention,
        user_id,
        session_id: made.session,
        message_id: made.message,
        author_id: None,
        at: now,
        read_at: None,
    };
    tx.insert_mention(workspace_id, &mention)?;
    let export = segue_store::transcript_export::ExportRow {
        id: made.export,
        subject: segue_store::transcript_export::ExportSubject::Session { session_id: made.session },
        format: segue_store::transcript_export::ExportFormat::Csv,
        include_notes: false,
        time_zone: "UTC".to_owned(),
        actor: user_id.to_string(),
        at: now,
    };
    tx.insert_transcript_export(workspace_id, &export)?;
    let item = WorkItem {
        id: made.work,
        session_id: made.session,
        queue_id: made.queue,
        state: WorkItemState::Waiting,
        weight: CONVERSATION,
        priority: 100,
        agent_id: None,
        declined: Vec::new(),
        ask_again_at: now,
        enqueued_at: now,
        accepted_at: None,
        preferred_id: None,
    };
    tx.insert_work_item(workspace_id, &item)?;
    let offer = Offer {
        id: made.offer,
        work_item_id: made.work,
        session_id: made.session,
        queue_id: made.queue,
        user_id,
        state: OfferState::Pending,
        offered_at: now,
        expires_at: now.plus(30_000),
    };
    tx.insert_offer(workspace_id, &offer)
}
