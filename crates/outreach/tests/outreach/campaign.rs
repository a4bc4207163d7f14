use std::collections::HashSet;

use segue_model::{
    campaign::{CampaignAction, CampaignState, Footer},
    consent::{ConsentAction, ConsentState, Medium, Purpose},
    contact::ContactFields,
    time,
};
use segue_outreach::campaign::{
    self,
    plan::{self, Planned, Step},
    preview::TextInput,
};
use segue_store::{
    Sql, StoreError,
    audience::{AudienceFilter, FilterOperator},
    channel::Registration,
    recipient::{RecipientQuery, RecipientState},
};

use crate::world::{World, phone, worlds};

static POSITIONS: Sql = Sql::portable(
    "POSITIONS",
    "SELECT position, rule FROM recipients WHERE workspace_id = $1 AND campaign_id = $2 ORDER BY position",
);

async fn positions(world: &World, id: segue_model::CampaignId) -> Vec<(u32, String)> {
    let ws = world.ws();
    world.write(move |tx| tx.query(&POSITIONS, &[&ws, &id], |row| Ok((row.next()?, row.next()?)))).await
}

/// Every recipient once, every message once, positions without gaps.
async fn assert_whole(world: &World, id: segue_model::CampaignId, count: u32) {
    let rows = positions(world, id).await;
    let found: Vec<u32> = rows.iter().map(|(position, _)| *position).collect();
    assert_eq!(found, (1..=count).collect::<Vec<_>>(), "{}", world.test.engine);
    let messages = world.messages().await;
    let addresses: HashSet<_> = messages.iter().map(|message| message.address.clone()).collect();
    assert_eq!((messages.len(), addresses.len()), (count as usize, count as usize), "{}", world.test.engine);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_not_to_send_is_decided_shown_and_counted() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        world.subscriber(&phone(1), "Ana").await;
        world.subscriber(&phone(2), "Ben").await;
        world.test.contact(&phone(3), "No opt-in").await;
        world.subscriber(&phone(4), "Opted out").await;
        world.test.clock.advance(1);
        world.consent(&phone(4), ConsentAction::Revoke).await;
        world.subscriber(&phone(5), "Suppressed").await;
        world.subscriber("+819012345678", "Night in Tokyo").await;
        let long = world.subscriber(&phone(6), "Long").await;
        let ctx2 = ctx.clone();
        world
            .write(move |tx| {
                tx.suppress(ws, &phone(5), "hard_bounce", ctx2.now())?;
                let nobody = ContactFields { first_name: Some("No phone".to_owned()), ..Default::default() };
                tx.insert_contact(ws, ctx2.id(), &nobody, ctx2.now())?;
                let mut fields = tx.contact_for_update(ws, long)?.unwrap();
                fields.attributes.insert("note".to_owned(), "x".repeat(2_000));
                tx.update_contact(ws, long, &fields, ctx2.now())
            })
            .await;

        let input =
            segue_store::campaign::CampaignInput { body: "Hi {{ first_name }}{{ note }}".to_owned(), ..world.input() };
        let draft = world.draft(input).await.unwrap();
        let preview = campaign::preview::preview(store, ctx, &world.links, ws, draft.id).await.unwrap();
        assert_eq!((preview.audience, preview.sendable), (8, 3), "{preview:?}");
        let mut excluded: Vec<_> = preview.excluded.iter().map(|it| (it.rule.as_str(), it.count)).collect();
        excluded.sort_unstable();
        let expected =
            [("no_address", 1), ("no_consent", 1), ("opted_out", 1), ("suppressed", 1), ("text_too_long", 1)];
        assert_eq!(excluded, expected);
        assert_eq!(preview.held[0].rule, "quiet_hours");
        assert_eq!((preview.segments.min, preview.segments.typical, preview.segments.max), (1, 1, 1));
        let sample = preview.sample.unwrap();
        assert!(sample.text.starts_with("Hi Ana\nhttps://go.example.com/l/"), "{}", sample.text);

        world.act(draft.id, CampaignAction::Start).await.unwrap();
        assert_eq!(world.plan(draft.id).await, Planned::Complete);
        let funnel = campaign::funnel(store, ws, draft.id).await.unwrap();
        assert_eq!((funnel.planned, funnel.excluded, funnel.queued), (8, 5, 3), "{}", world.test.engine);
        let mut planned: Vec<_> = funnel.excluded_by_rule.iter().map(|it| (it.rule.as_str(), it.count)).collect();
        planned.sort_unstable();
        assert_eq!(planned, expected, "the plan does what the preview said");

        let messages = world.messages().await;
        let held = messages.iter().find(|message| message.address == "+819012345678").unwrap();
        // 8:00 in Tokyo.
        assert_eq!(held.not_before.to_rfc3339(), "2026-11-23T23:00:00.000Z");
        let query = |state, search: &str| RecipientQuery { state, search: search.to_owned(), after: 0, limit: 100 };
        let shown =
            campaign::recipients(store, ctx, ws, draft.id, query(Some(RecipientState::Held), "")).await.unwrap();
        assert_eq!((shown.len(), shown[0].rule.as_deref()), (1, Some("quiet_hours")));
        let shown = campaign::recipients(store, ctx, ws, draft.id, query(None, "opted OUT")).await.unwrap();
        assert_eq!((shown.len(), shown[0].state), (1, RecipientState::Excluded));
        assert_eq!(shown[0].reason.as_deref(), Some("Opted out"));
        let shown =
            campaign::recipients(store, ctx, ws, draft.id, query(Some(RecipientState::Queued), "")).await.unwrap();
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0].segments, Some(1));
        assert!(shown[0].text.as_deref().unwrap().starts_with("Hi Ana"));
        // Every link is the recipient's own.
        let code = shown[0].text.as_deref().unwrap().rsplit('/').next().unwrap();
        assert_eq!(world.links.key().decode(code).unwrap().position, shown[0].position);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_conditions_narrow_the_audience() {
    for world in worlds().await {
        let (ws, now) = (world.ws(), world.test.now());
        let ids = [world.subscriber(&phone(1), "Ana").await, world.subscriber(&phone(2), "Ben").await];
        world.subscriber(&phone(3), "Ana").await;
        let list = segue_outreach::contacts::create_list(&world.test.store, &world.test.ctx, ws, "VIP").await.unwrap();
        let list_id = list.id;
        world.write(move |tx| ids.iter().try_for_each(|id| tx.add_to_list(ws, list_id, *id, now).map(|_| ()))).await;
        for (list_id, filter, expected) in [
            (None, None, 3),
            (Some(list.id), None, 2),
            (Some(list.id), Some(("first_name", FilterOperator::Equals, "ana")), 1),
            (None, Some(("first_name", FilterOperator::NotEquals, "ana")), 1),
            (None, Some(("first_name", FilterOperator::Contains, "N")), 3),
            (None, Some(("city", FilterOperator::Exists, "")), 0),
        ] {
            let mut input = world.input();
            input.audience.list_id = list_id;
            input.audience.filter = filter.map(|(field, op, value)| AudienceFilter {
                field: field.to_owned(),
                op,
                value: value.to_owned(),
            });
            let campaign = world.sent(input).await;
            let funnel = campaign::funnel(&world.test.store, ws, campaign.id).await.unwrap();
            assert_eq!(funnel.planned, expected, "{filter:?}");
            // Nothing to send is the end.
            let ended = if expected == 0 { CampaignState::Finished } else { CampaignState::Running };
            assert_eq!(campaign.state, ended);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_checked_when_they_are_written() {
    for world in worlds().await {
        let ctx = &world.test.ctx;
        let code = |change: &dyn Fn(&mut segue_store::campaign::CampaignInput)| {
            let mut input = world.input();
            change(&mut input);
            let world = &world;
            async move { world.draft(input).await.err().map(|error| (error.code(), error.field())) }
        };
        assert_eq!(code(&|_| {}).await, None);
        assert_eq!(code(&|it| it.name = " ".to_owned()).await, Some(("invalid_field", Some("name"))));
        assert_eq!(code(&|it| it.body = " ".to_owned()).await, Some(("invalid_field", Some("body"))));
        assert_eq!(code(&|it| it.body = "{{ first_name".to_owned()).await, Some(("text_syntax", Some("body"))));
        assert_eq!(code(&|it| it.body = "{{ shoe_size }}".to_owned()).await, Some(("unknown_fields", Some("body"))));
        assert_eq!(code(&|it| it.body = "x".repeat(1_531)).await, Some(("text_too_long", Some("body"))));
        assert_eq!(code(&|it| it.sender_id = Some(ctx.id())).await, Some(("invalid_field", Some("sender_id"))));
        assert_eq!(code(&|it| it.audience.list_id = Some(ctx.id())).await, Some(("invalid_field", Some("audience"))));
        for footer in [Footer::Tracked, Footer::WaMe] {
            let found = code(&|it| (it.footer, it.whatsapp_channel_id) = (footer, None)).await;
            assert_eq!(found, Some(("invalid_field", Some("whatsapp_channel_id"))));
            let found = code(&|it| (it.footer, it.whatsapp_channel_id) = (footer, Some(world.sms.id))).await;
            assert_eq!(found, Some(("invalid_field", Some("whatsapp_channel_id"))));
        }
        assert_eq!(code(&|it| (it.footer, it.whatsapp_channel_id) = (Footer::None, None)).await, None);

        // A field is known as soon as one contact has it.
        let mut fields = ContactFields { phone: phone(1).parse().ok(), ..Default::default() };
        fields.attributes.insert("shoe_size".to_owned(), "\"shoe\":".to_owned());
        let (ws, id, now) = (world.ws(), ctx.id(), world.test.now());
        world.write(move |tx| tx.insert_contact(ws, id, &fields, now)).await;
        assert_eq!(code(&|it| it.body = "{{ shoe_size }}".to_owned()).await, None);
        assert_eq!(code(&|it| it.body = "{{ shoe }}".to_owned()).await, Some(("unknown_fields", Some("body"))));

        // A draft can be changed and deleted; anything else cannot.
        let (store, links) = (&world.test.store, &world.links);
        let draft = world.draft(world.input()).await.unwrap();
        let named = segue_store::campaign::CampaignInput { name: "Autumn".to_owned(), ..world.input() };
        let changed =
            campaign::change(store, ctx, links, ws, draft.id, &segue_model::actor::Actor::System, named.clone())
                .await
                .unwrap();
        assert_eq!((changed.input.name.as_str(), changed.version), ("Autumn", 2));
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        let refused = campaign::change(store, ctx, links, ws, draft.id, &segue_model::actor::Actor::System, named)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), "campaign_state");
        assert_eq!(campaign::delete(store, ws, draft.id).await.unwrap_err().code(), "campaign_state");
        let draft = world.draft(world.input()).await.unwrap();
        campaign::delete(store, ws, draft.id).await.unwrap();
        assert_eq!(campaign::get(store, ws, draft.id).await.unwrap_err().code(), "not_found");

        // A sender that is not registered starts nothing.
        let mut sender = world.sender.clone();
        sender.registration = Registration::Pending;
        world.write(move |tx| tx.upsert_sender(ws, &sender)).await;
        let draft = world.draft(world.input()).await.unwrap();
        assert_eq!(world.act(draft.id, CampaignAction::Start).await.unwrap_err().code(), "sender_not_active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_people_who_press_start_at_once_start_it_once() {
    for world in worlds().await {
        world.crowd(20).await;
        let draft = world.draft(world.input()).await.unwrap();
        let racers: Vec<_> = (0..8)
            .map(|_| {
                let (store, ctx, links) = (world.test.store.clone(), world.test.ctx.clone(), world.links.clone());
                let (ws, id) = (world.ws(), draft.id);
                tokio::spawn(
                    async move { campaign::action::act(&store, &ctx, &links, ws, id, CampaignAction::Start).await },
                )
            })
            .collect();
        let mut started = 0;
        for racer in racers {
            match racer.await.unwrap() {
                Ok(campaign) => {
                    started += 1;
                    assert_eq!(campaign.state, CampaignState::Planning);
                }
                Err(error) => assert_eq!(error.code(), "campaign_state"),
            }
        }
        assert_eq!(started, 1, "{}", world.test.engine);
        let jobs = world.jobs().await;
        assert_eq!(jobs, [World::job(draft.id)]);
        let (store, ctx, links) = (&world.test.store, &world.test.ctx, &world.links);
        plan::run(store, ctx, links, world.ws(), &jobs[0]).await.unwrap();
        assert_whole(&world, draft.id, 20).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_chunks_costs_nothing_and_doubles_nothing() {
    for world in worlds().await {
        world.crowd(2_300).await;
        let draft = world.draft(world.input()).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        assert_eq!(world.step(draft.id).await, Step::More);
        // The process ends after the first chunk; its successor finds the job and runs it again.
        world.test.store.close();
        let store = world.test.open_again().await;
        let (ws, id, job) = (world.ws(), draft.id, World::job(draft.id));
        let ctx = world.test.ctx_of_node(2);
        let cursor = store.read::<_, StoreError, _>(move |tx| tx.plan_cursor(ws, id)).await.unwrap().unwrap();
        assert_eq!((cursor.planned, cursor.is_complete), (500, false));
        for _ in 0..2 {
            assert_eq!(plan::run(&store, &ctx, &world.links, ws, &job).await.unwrap(), Planned::Complete);
        }
        let rows = store
            .read::<_, StoreError, _>(move |tx| tx.query(&POSITIONS, &[&ws, &id], |row| row.next::<u32>()))
            .await
            .unwrap();
        assert_eq!(rows, (1..=2_300).collect::<Vec<_>>(), "{}", world.test.engine);
        let funnel = campaign::funnel(&store, ws, id).await.unwrap();
        assert_eq!((funnel.planned, funnel.queued, funnel.excluded), (2_300, 2_300, 0));
        store.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_with_the_same_job_share_it() {
    for world in worlds().await {
        world.crowd(3_100).await;
        let draft = world.draft(world.input()).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        let workers: Vec<_> = (0..4)
            .map(|number| {
                let (store, links, ctx) =
                    (world.test.store.clone(), world.links.clone(), world.test.ctx_of_node(number));
                let (ws, job) = (world.ws(), World::job(draft.id));
                tokio::spawn(async move { plan::run(&store, &ctx, &links, ws, &job).await.unwrap() })
            })
            .collect();
        for worker in workers {
            assert_eq!(worker.await.unwrap(), Planned::Complete);
        }
        assert_whole(&world, draft.id, 3_100).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_number_that_changes_hands_during_planning_is_texted_once() {
    for world in worlds().await {
        world.crowd(1_000).await;
        let heir = world.test.contact("+12125559999", "Heir").await;
        let draft = world.draft(world.input()).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        assert_eq!(world.step(draft.id).await, Step::More);
        let (ws, now) = (world.ws(), world.test.now());
        world
            .write(move |tx| {
                let number = phone(0).parse().unwrap();
                let owner = tx.contact_by_phone(ws, &number)?.unwrap();
                let free = ContactFields { first_name: Some("Ana".to_owned()), ..Default::default() };
                tx.update_contact(ws, owner.id, &free, now)?;
                tx.update_contact(ws, heir, &ContactFields { phone: Some(number), ..free }, now)
            })
            .await;
        assert_eq!(world.plan(draft.id).await, Planned::Complete);
        let rows = positions(&world, draft.id).await;
        assert_eq!(rows.last().unwrap(), &(1_001, "duplicate_phone".to_owned()));
        let to_number = world.messages().await.iter().filter(|message| message.address == phone(0)).count();
        assert_eq!(to_number, 1, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_beats_a_campaign_that_is_being_planned() {
    for world in worlds().await {
        world.crowd(2_200).await;
        let draft = world.draft(world.input()).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        assert_eq!(world.step(draft.id).await, Step::More);
        world.test.clock.advance(time::MINUTE);
        // One whose message is queued, one who is still to be planned, and many during the rest of the planning.
        for n in [10, 2_100] {
            world.consent(&phone(n), ConsentAction::Revoke).await;
        }
        let planning = {
            let (store, ctx, links) = (world.test.store.clone(), world.test.ctx.clone(), world.links.clone());
            let (ws, job) = (world.ws(), World::job(draft.id));
            tokio::spawn(async move { plan::run(&store, &ctx, &links, ws, &job).await.unwrap() })
        };
        let stopping: Vec<_> = (0..100)
            .map(|n| {
                let (store, ctx, ws) = (world.test.store.clone(), world.test.ctx.clone(), world.ws());
                let event = world.said(&phone(1_000 + n * 11), ConsentAction::Revoke);
                tokio::spawn(async move { store.write(move |tx| tx.record_consent(ws, &event, &ctx)).await.unwrap() })
            })
            .collect();
        for stop in stopping {
            stop.await.unwrap();
        }
        assert_eq!(planning.await.unwrap(), Planned::Complete);
        let stopped: HashSet<String> =
            (0..100).map(|n| phone(1_000 + n * 11)).chain([phone(10), phone(2_100)]).collect();
        let messages = world.messages().await;
        let queued = |message: &&crate::world::Message| message.state == "queued";
        let wrong = messages.iter().filter(queued).filter(|message| stopped.contains(&message.address)).count();
        assert_eq!(wrong, 0, "{}", world.test.engine);
        assert_eq!(messages.iter().filter(queued).count(), 2_200 - stopped.len());
        let funnel = campaign::funnel(&world.test.store, world.ws(), draft.id).await.unwrap();
        assert_eq!(funnel.planned, 2_200);
        assert_eq!(funnel.canceled + funnel.excluded, stopped.len() as i64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_resume_and_cancel() {
    for world in worlds().await {
        let ws = world.ws();
        world.crowd(2_100).await;
        let draft = world.draft(world.input()).await.unwrap();
        assert_eq!(world.act(draft.id, CampaignAction::Pause).await.unwrap_err().code(), "campaign_state");
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        assert_eq!(world.step(draft.id).await, Step::More);

        let paused = world.act(draft.id, CampaignAction::Pause).await.unwrap();
        assert_eq!(paused.state, CampaignState::Paused);
        assert_eq!(world.plan(draft.id).await, Planned::Stopped);
        assert_eq!(positions(&world, draft.id).await.len(), 500, "a pause stops planning");

        let resumed = world.act(draft.id, CampaignAction::Resume).await.unwrap();
        assert_eq!(resumed.state, CampaignState::Planning);
        assert_eq!(world.jobs().await.len(), 2, "a resume plans the rest");
        assert_eq!(world.plan(draft.id).await, Planned::Complete);
        assert_whole(&world, draft.id, 2_100).await;

        // Paused after planning: a resume has nothing to plan.
        world.act(draft.id, CampaignAction::Pause).await.unwrap();
        let resumed = world.act(draft.id, CampaignAction::Resume).await.unwrap();
        assert_eq!(resumed.state, CampaignState::Running);
        assert_eq!(world.jobs().await.len(), 2);

        world.set_message_state(&phone(1), "accepted").await;
        world.set_message_state(&phone(2), "submitting").await;
        world.set_message_state(&phone(3), "claimed").await;
        let canceled = world.act(draft.id, CampaignAction::Cancel).await.unwrap();
        assert_eq!((canceled.state, canceled.ended_at), (CampaignState::Canceled, Some(world.test.now())));
        let funnel = campaign::funnel(&world.test.store, ws, draft.id).await.unwrap();
        assert_eq!((funnel.canceled, funnel.sent), (2_000, 1), "so many at once");
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        let funnel = campaign::funnel(&world.test.store, ws, draft.id).await.unwrap();
        // What a worker holds it puts back, for the next sweep.
        assert_eq!((funnel.canceled, funnel.sent, funnel.queued), (2_097, 1, 2), "what is leaving is not called back");
        assert_eq!(world.plan(draft.id).await, Planned::Complete, "planning a canceled campaign changes nothing");
        for action in CampaignAction::ALL {
            assert_eq!(world.act(draft.id, *action).await.unwrap_err().code(), "campaign_state");
        }
        let states: Vec<_> = world
            .events()
            .await
            .into_iter()
            .filter(|(kind, _)| kind == "campaign.updated")
            .map(|(_, data)| data["campaign"]["state"].as_str().unwrap().to_owned())
            .collect();
        let expected =
            ["draft", "planning", "paused", "planning", "running", "paused", "planning", "running", "canceled"];
        assert_eq!(states, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_during_planning_leaves_nothing_queued() {
    for world in worlds().await {
        world.crowd(2_100).await;
        let draft = world.draft(world.input()).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        assert_eq!(world.step(draft.id).await, Step::More);
        let (planned, canceled) = tokio::join!(world.plan(draft.id), world.act(draft.id, CampaignAction::Cancel));
        assert_eq!(canceled.unwrap().state, CampaignState::Canceled);
        assert_eq!(world.in_state("queued").await, 0, "{} {planned:?}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_ends_when_its_last_message_has_come_to_rest() {
    for world in worlds().await {
        let (ws, now) = (world.ws(), world.test.now());
        world.crowd(2).await;
        let id = world.sent(world.input()).await.id;
        let finish = || world.write(move |tx| tx.finish_if_done(ws, id, now));
        assert!(!finish().await, "two are queued");
        world.set_message_state(&phone(0), "accepted").await;
        world.set_message_state(&phone(1), "submitting").await;
        assert!(!finish().await, "one is on its way out");
        world.set_message_state(&phone(1), "failed").await;
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        let campaign = campaign::get(&world.test.store, ws, id).await.unwrap();
        assert_eq!((campaign.state, campaign.ended_at), (CampaignState::Finished, Some(now)));
        assert!(!finish().await, "once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_of_another_workspace_does_not_exist() {
    for world in worlds().await {
        let (store, ctx, links) = (&world.test.store, &world.test.ctx, &world.links);
        let draft = world.draft(world.input()).await.unwrap();
        let mut other = world.test.workspace.clone();
        (other.id, other.slug) = (ctx.id(), "other".to_owned());
        let (other_ws, row) = (other.id, other);
        world.write(move |tx| tx.insert_workspace(&row)).await;
        let contact = world.test.contact(&phone(1), "Ana").await;
        assert_eq!(campaign::get(store, other_ws, draft.id).await.unwrap_err().code(), "not_found");
        assert_eq!(campaign::funnel(store, other_ws, draft.id).await.unwrap_err().code(), "not_found");
        assert_eq!(campaign::delete(store, other_ws, draft.id).await.unwrap_err().code(), "not_found");
        let started = campaign::action::act(store, ctx, links, other_ws, draft.id, CampaignAction::Start).await;
        assert_eq!(started.unwrap_err().code(), "not_found");
        assert_eq!(segue_outreach::contacts::get(store, other_ws, contact).await.unwrap_err().code(), "not_found");
        let created = campaign::create(store, ctx, links, other_ws, &segue_model::actor::Actor::System, world.input());
        assert_eq!(created.await.unwrap_err().code(), "invalid_field", "the sender is another workspace's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_previewed_while_they_are_written() {
    for world in worlds().await {
        let (store, links, ws) = (&world.test.store, &world.links, world.ws());
        let preview = |body: &str, footer, channel| {
            let input = TextInput {
                body: body.to_owned(),
                footer,
                prefilled_text: "Hi there".to_owned(),
                whatsapp_channel_id: channel,
                sender_id: None,
                pool_id: None,
                shorten: None,
                texts: Vec::new(),
                contact_id: None,
                person: None,
            };
            campaign::preview::preview_text(store, links, ws, input)
        };
        let chat = Some(world.whatsapp.id);
        let tracked = preview("Hi {{ first_name | default(\"there\") }}", Footer::Tracked, chat).await.unwrap();
        let link = tracked.text.strip_prefix("Hi there\nhttps://go.example.com/l/").unwrap();
        assert_eq!((link.len(), tracked.segments, tracked.remaining), (16, 1, 160 - tracked.units));
        assert_eq!(serde_json::to_value(tracked.encoding).unwrap(), "gsm7");
        let direct = preview("Hi", Footer::WaMe, chat).await.unwrap();
        let reference = segue_model::code::grouped(
            &links.key().encode(segue_model::code::CodeTarget { campaign_number: 0, position: 0 }),
        );
        assert_eq!(direct.text, format!("Hi\nhttps://wa.me/15550783881?text=Hi%20there%20%28ref%20{reference}%29"));
        let plain = preview("Hi “you” {{ shoe }}", Footer::None, None).await.unwrap();
        assert_eq!(plain.unknown_fields, ["shoe"]);
        assert_eq!(plain.non_gsm, ["“", "”"]);
        assert_eq!(serde_json::to_value(plain.encoding).unwrap(), "ucs2");
        assert_eq!(preview("Hi", Footer::Tracked, None).await.unwrap_err().code(), "invalid_field");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_send_needs_no_consent_but_respects_a_no() {
    for world in worlds().await {
        let (store, ctx, links, ws) = (&world.test.store, &world.test.ctx, &world.links, world.ws());
        let draft = world.draft(world.input()).await.unwrap();
        let send = |to: String| async move {
            campaign::test_send::test_send(store, ctx, links, ws, draft.id, (&to, None)).await
        };
        send("(212) 555-0001".to_owned()).await.unwrap();
        send(phone(1)).await.unwrap();
        let messages = world.messages().await;
        assert_eq!(messages.len(), 2, "each press sends");
        assert_eq!((messages[0].class.as_str(), messages[0].address.as_str()), ("test", "+12125550001"));
        assert!(messages[0].text.starts_with("Hi there, chat"), "{}", messages[0].text);
        assert_eq!(send("12".to_owned()).await.unwrap_err().code(), "invalid_field");
        world.consent(&phone(1), ConsentAction::Revoke).await;
        assert_eq!(send(phone(1)).await.unwrap_err().code(), "opted_out");
        world.test.set_consent(Medium::WhatsApp, &phone(2), Purpose::Marketing, ConsentState::Revoked).await;
        send(phone(2)).await.unwrap();
        let funnel = campaign::funnel(store, ws, draft.id).await.unwrap();
        assert_eq!(funnel.planned, 0, "a test counts nowhere");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_counted_by_code_and_told_in_words() {
    static FAIL: Sql = Sql::portable(
        "FAIL",
        "UPDATE outbox SET state = 'failed', error_code = $3, error_reason = $4 WHERE workspace_id = $1 AND address = $2",
    );
    for world in worlds().await {
        let ws = world.ws();
        world.crowd(4).await;
        let id = world.sent(world.input()).await.id;
        for (n, code, reason) in
            [(0, Some("21"), Some("The number does not exist")), (1, Some("21"), None), (2, None, None)]
        {
            world.write(move |tx| tx.execute(&FAIL, &[&ws, &phone(n), &code, &reason])).await;
        }
        world.recount().await;
        world.set_message_state(&phone(3), "delivered").await;
        let funnel = campaign::funnel(&world.test.store, ws, id).await.unwrap();
        assert_eq!((funnel.failed, funnel.sent, funnel.delivered, funnel.queued), (3, 1, 1, 0));
        let failures: Vec<_> =
            funnel.failures.iter().map(|it| (it.code.as_str(), it.label.as_str(), it.count)).collect();
        let expected = [("21", "The number does not exist", 2), ("", "The carrier gave no reason", 1)];
        assert_eq!(failures, expected, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_shows_the_law_that_holds_the_message() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        world.subscriber("+13055550123", "Ana").await;
        // 20:30 where the number belongs: the workspace's own evening is half an hour away.
        world.test.clock.advance(8 * segue_model::time::HOUR + 30 * segue_model::time::MINUTE);
        let draft = world.draft(world.input()).await.unwrap();
        let preview = campaign::preview::preview(store, ctx, &world.links, ws, draft.id).await.unwrap();
        assert_eq!((preview.held[0].rule.as_str(), preview.held[0].count), ("legal_hours", 1));
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        let query = RecipientQuery { state: None, search: String::new(), after: 0, limit: 10 };
        let shown = campaign::recipients(store, ctx, ws, draft.id, query).await.unwrap();
        assert_eq!(shown[0].state, RecipientState::Held, "{}", world.test.engine);
        let why = shown[0].explanation.as_ref().unwrap();
        assert_eq!((why.law.as_deref(), why.zone.as_deref()), (Some("us.fl"), Some("America/New_York")));
        assert!(why.version.is_some());
        let reason = shown[0].reason.as_deref().unwrap();
        assert!(reason.starts_with("Florida allows promotional texts Every day 08:00–20:00"), "{reason}");
    }
}

static SETTLED: Sql = Sql::portable(
    "SETTLED",
    "UPDATE outbox SET state = $3, submitted_at = $4, accepted_at = $5 WHERE workspace_id = $1 AND address = $2",
);

#[tokio::test(flavor = "multi_thread")]
async fn only_what_left_has_a_time_of_sending() {
    for world in worlds().await {
        let (store, ctx, ws, now) = (&world.test.store, &world.test.ctx, world.ws(), world.test.now());
        world.subscriber(&phone(1), "Ana").await;
        world.subscriber(&phone(2), "Ben").await;
        let campaign = world.sent(world.input()).await;
        for (number, state, accepted_at) in [(1, "accepted", Some(now)), (2, "failed", None)] {
            world.write(move |tx| tx.execute(&SETTLED, &[&ws, &phone(number), &state, &now, &accepted_at])).await;
        }
        let query = RecipientQuery { state: None, search: String::new(), after: 0, limit: 10 };
        let shown = campaign::recipients(store, ctx, ws, campaign.id, query).await.unwrap();
        let sent: Vec<_> = shown.iter().map(|one| (one.name.as_deref(), one.sent_at)).collect();
        assert_eq!(sent, [(Some("Ana"), Some(now)), (Some("Ben"), None)], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_line_under_two_writings_is_texted_once() {
    for world in worlds().await {
        world.subscriber("+5511999990000", "Ana").await;
        world.subscriber("+551199990000", "Ana, too").await;
        let id = world.sent(world.input()).await;
        let _ = id;
        assert_eq!(world.messages().await.len(), 1, "{}", world.test.engine);
    }
}
