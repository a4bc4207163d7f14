//! What surrounds the sending: who is in and out, when it starts, who has to agree, which text, and what it costs.

use segue_model::{
    CampaignId, Timestamp, UserId,
    actor::Actor,
    campaign::{CampaignAction, CampaignState},
    code::{CodeTarget, LinkCode},
    consent::ConsentAction,
    role::Role,
    schedule::{Frequency, Misfire, Repeat, Schedule, ScheduleClock, SendWindow},
    time,
    variant::Variant,
};
use segue_outreach::{
    OutreachError,
    campaign::{
        self,
        action::Asked,
        copy, export,
        launch::{self, LAUNCH_CAMPAIGN},
        plan::PLAN_CAMPAIGN,
        preflight, variants,
    },
    redirect::{LinkRequest, Method, Opened},
    segments::{self, ConditionInput, SegmentInput},
};
use segue_store::{
    Sql, StoreError,
    audience::{AudienceFilter, FilterOperator},
    campaign::{Audience, CampaignInput, CampaignView},
    channel::{ChannelConfig, Registration, SmsAlphabet},
    dead_letter::Verdict,
    link::{Landing, LinkSettings},
    outbox::Claim,
    recipient::RecipientQuery,
    workspace::{ApprovalRule, CampaignSettings, SegmentPrice},
};
use serde_json::Value;

use crate::world::{World, phone, worlds};

static LAUNCHES: Sql = Sql::portable(
    "LAUNCHES",
    "SELECT payload, run_at FROM jobs WHERE workspace_id = $1 AND kind = 'launch_campaign' ORDER BY id",
);
static SEGMENTS: Sql = Sql::portable("SEGMENTS", "SELECT segments FROM outbox WHERE workspace_id = $1 ORDER BY id");
static PLANS: Sql = Sql::portable(
    "PLANS",
    "SELECT rule, COUNT(*) FROM recipients WHERE workspace_id = $1 AND campaign_id = $2 GROUP BY rule ORDER BY rule",
);

impl World {
    async fn launches(&self) -> Vec<(Value, Timestamp)> {
        let ws = self.ws();
        self.write(move |tx| tx.query(&LAUNCHES, &[&ws], |row| Ok((row.json()?, row.next()?)))).await
    }

    /// Runs every launch job that is due, as the worker does; the ones done before change nothing.
    async fn launch_due(&self) {
        for (payload, run_at) in self.launches().await {
            if run_at <= self.test.now() {
                launch::run(&self.test.store, &self.test.ctx, &self.links, self.ws(), &payload).await.unwrap();
            }
        }
    }

    async fn campaign(&self, id: CampaignId) -> CampaignView {
        campaign::get(&self.test.store, self.ws(), id).await.unwrap()
    }

    async fn all(&self) -> Vec<CampaignView> {
        campaign::list(&self.test.store, self.ws(), None, 100).await.unwrap()
    }

    async fn rules(&self, id: CampaignId) -> Vec<(String, i64)> {
        let ws = self.ws();
        self.write(move |tx| tx.query(&PLANS, &[&ws, &id], |row| Ok((row.next()?, row.next()?)))).await
    }

    async fn ask(
        &self,
        id: CampaignId,
        action: CampaignAction,
        who: Option<UserId>,
        comment: Option<&str>,
    ) -> Result<CampaignView, OutreachError> {
        let actor = match who {
            Some(id) => Actor::User { id, name: "Somebody".to_owned(), role: Role::Marketer },
            None => Actor::System,
        };
        let asked = Asked { action, actor, comment: comment.map(ToOwned::to_owned), preflight: None, version: None };
        let store = &self.test.store;
        campaign::action::ask(store, &self.test.ctx, &self.links, self.ws(), id, asked).await
    }

    async fn set_registration(&self, registration: Registration) {
        let (ws, sender) = (self.ws(), self.sender.id);
        self.write(move |tx| tx.set_sender(ws, sender, registration, &[])).await;
    }

    pub(crate) async fn settings(&self, settings: CampaignSettings) {
        let ws = self.ws();
        self.write(move |tx| {
            let mut workspace = tx.workspace(ws)?.unwrap();
            workspace.settings.campaigns = settings.clone();
            tx.update_workspace(&workspace)
        })
        .await;
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn scheduled(world: &World, schedule: Schedule) -> CampaignInput {
    CampaignInput { schedule, ..world.input() }
}

/// It is noon of 2026-11-23 in New York, the workspace's zone.
fn tomorrow(repeat: Option<Repeat>) -> Schedule {
    Schedule { starts_at: Some("2026-11-24T09:00".parse().unwrap()), repeat, ..Schedule::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_segments_join_each_person_once_and_exclusions_are_recipients_with_a_reason() {
    for world in worlds().await {
        let (store, ctx, ws, now) = (&world.test.store, &world.test.ctx, world.ws(), world.test.now());
        let mut people = Vec::new();
        for (number, name) in ["Ana", "Ben", "Cem", "Dia", "Eva"].iter().enumerate() {
            people.push(world.subscriber(&phone(number as u32), name).await);
        }
        let first = segue_outreach::contacts::create_list(store, ctx, ws, "first").await.unwrap().id;
        let barred = segue_outreach::contacts::create_list(store, ctx, ws, "barred").await.unwrap().id;
        let (on_first, on_barred) = ([people[0], people[1], people[2]], [people[1]]);
        world
            .write(move |tx| {
                on_first.iter().try_for_each(|id| tx.add_to_list(ws, first, *id, now).map(|_| ()))?;
                on_barred.iter().try_for_each(|id| tx.add_to_list(ws, barred, *id, now).map(|_| ()))
            })
            .await;
        let segment = |name: &str, text: &str| {
            let condition = ConditionInput { condition: Some(text.to_owned()), form: None };
            segments::create(store, ctx, ws, &Actor::System, SegmentInput { name: name.to_owned(), condition })
        };
        // Ana and Cem are on the list and in the segment: they count once.
        let late = segment("letters", "contact.first_name in [\"Ana\", \"Cem\", \"Dia\"]").await.unwrap();
        let cems = segment("Cems", "contact.first_name == \"Cem\"").await.unwrap();
        let earlier = world.sent(CampaignInput {
            audience: Audience {
                lists: vec![first],
                exclude_lists: vec![barred],
                exclude_segments: vec![cems.id],
                ..Audience::default()
            },
            ..world.input()
        });
        let earlier = earlier.await;
        assert_eq!(
            world.rules(earlier.id).await,
            [("allowed".to_owned(), 1), ("in_excluded_segment".to_owned(), 1), ("on_excluded_list".to_owned(), 1)]
        );

        let audience = Audience {
            lists: vec![first],
            segments: vec![late.id],
            exclude_campaigns: vec![earlier.id],
            ..Audience::default()
        };
        let draft = world.draft(CampaignInput { audience, ..world.input() }).await.unwrap();
        let looked = preflight::preflight(store, ctx, &world.links, ws, draft.id).await.unwrap();
        assert_eq!((looked.audience, looked.sendable), (4, 3), "{looked:?}");
        assert_eq!(looked.excluded[0].rule, "had_campaign");
        assert_eq!(looked.excluded[0].sample[0].name.as_deref(), Some("Ana"));
        let query = preflight::PeopleQuery { rule: "allowed".to_owned(), after: None, limit: 2 };
        let (some, next) = preflight::people(store, ctx, &world.links, ws, draft.id, query).await.unwrap();
        let query = preflight::PeopleQuery { rule: "allowed".to_owned(), after: next, limit: 2 };
        let (rest, _) = preflight::people(store, ctx, &world.links, ws, draft.id, query).await.unwrap();
        let names: Vec<_> = some.iter().chain(&rest).filter_map(|person| person.name.clone()).collect();
        assert_eq!(names, ["Ben", "Cem", "Dia"], "{}", world.test.engine);

        // A segment that is used cannot go; once it has started, the campaign keeps the condition as it was.
        assert!(matches!(segments::delete(store, ws, late.id).await, Err(OutreachError::SegmentUsed(_))));
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        let nobody = segments::SegmentPatch {
            condition: ConditionInput { condition: Some("false".to_owned()), form: None },
            ..segments::SegmentPatch::default()
        };
        segments::change(store, ctx, ws, late.id, nobody).await.unwrap();
        world.plan(draft.id).await;
        assert_eq!(world.rules(draft.id).await, [("allowed".to_owned(), 3), ("had_campaign".to_owned(), 1)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_campaign_starts_once_at_its_time_or_as_its_misfire_says() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let nine = at("2026-11-24T09:00:00-05:00");
        let draft = world.draft(scheduled(&world, tomorrow(None))).await.unwrap();
        let waiting = world.act(draft.id, CampaignAction::Start).await.unwrap();
        assert_eq!(
            (waiting.state, waiting.next_run_at, waiting.started_at),
            (CampaignState::Scheduled, Some(nine), None)
        );
        assert!(world.act(draft.id, CampaignAction::Start).await.is_err(), "it cannot be started past its time");
        world.launch_due().await;
        assert_eq!(world.campaign(draft.id).await.state, CampaignState::Scheduled, "not before its time");

        // Withdrawn and scheduled again, the old job starts nothing.
        world.act(draft.id, CampaignAction::Withdraw).await.unwrap();
        world.test.clock.set(nine);
        world.launch_due().await;
        assert_eq!(world.campaign(draft.id).await.state, CampaignState::Draft);

        for (misfire, hours, state) in [
            (Misfire::RunLate, 1, CampaignState::Planning),
            (Misfire::RunLate, 13, CampaignState::Canceled),
            (Misfire::Skip, 1, CampaignState::Canceled),
            (Misfire::Ask, 1, CampaignState::Paused),
        ] {
            world.test.clock.set(at("2026-11-23T12:00:00-05:00"));
            let late = world.draft(scheduled(&world, Schedule { misfire, ..tomorrow(None) })).await.unwrap();
            world.act(late.id, CampaignAction::Start).await.unwrap();
            world.test.clock.set(nine.plus(hours * time::HOUR));
            world.launch_due().await;
            world.launch_due().await;
            let found = world.campaign(late.id).await;
            assert_eq!(found.state, state, "{misfire} {hours} h");
            assert_eq!(found.attention.is_some(), state != CampaignState::Planning, "{misfire}");
            if state == CampaignState::Paused {
                let resumed = world.act(late.id, CampaignAction::Resume).await.unwrap();
                assert_eq!((resumed.state, resumed.attention), (CampaignState::Planning, None));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_run_of_a_recurring_campaign_is_a_campaign_of_its_own_at_the_same_time_of_day() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let repeat = Repeat { frequency: Frequency::Weekly, interval: 1, count: Some(2), until: None };
        let series = world.draft(scheduled(&world, tomorrow(Some(repeat)))).await.unwrap();
        world.act(series.id, CampaignAction::Start).await.unwrap();
        for (run, day) in ["2026-11-24T09:00:00-05:00", "2026-12-01T09:00:00-05:00"].into_iter().enumerate() {
            assert_eq!(world.campaign(series.id).await.next_run_at, Some(at(day)));
            world.test.clock.set(at(day));
            world.launch_due().await;
            world.launch_due().await;
            let runs: Vec<_> = world.all().await.into_iter().filter(|it| it.series_id == Some(series.id)).collect();
            assert_eq!(runs.len(), run + 1, "{}", world.test.engine);
            assert_eq!(runs[0].state, CampaignState::Planning);
            world.plan(runs[0].id).await;
            assert_eq!(world.rules(runs[0].id).await, [("allowed".to_owned(), 1)], "everybody gets each run");
        }
        let ended = world.campaign(series.id).await;
        assert_eq!((ended.state, ended.next_run_at, ended.runs), (CampaignState::Finished, None, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_whose_first_run_is_long_past_goes_on_at_its_next_time() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let repeat = Repeat { frequency: Frequency::Daily, interval: 1, count: None, until: None };
        let starts_at = Some("0001-01-01T09:00".parse().unwrap());
        let series = world.draft(scheduled(&world, Schedule { starts_at, ..tomorrow(Some(repeat)) })).await.unwrap();
        let waiting = world.act(series.id, CampaignAction::Start).await.unwrap();
        assert_eq!(waiting.next_run_at, Some(at("2026-11-24T09:00:00-05:00")), "{}", world.test.engine);
        let ended = Repeat { count: Some(1_000), ..repeat };
        let series = world.draft(scheduled(&world, Schedule { starts_at, ..tomorrow(Some(ended)) })).await.unwrap();
        assert_eq!(world.act(series.id, CampaignAction::Start).await.unwrap_err().field(), Some("schedule"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_was_paused_before_its_time_and_resumed_still_waits_for_it() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let nine = at("2026-11-24T09:00:00-05:00");
        let (early, late) = (
            world.draft(scheduled(&world, tomorrow(None))).await.unwrap().id,
            world.draft(scheduled(&world, tomorrow(None))).await.unwrap().id,
        );
        for id in [early, late] {
            world.act(id, CampaignAction::Start).await.unwrap();
            assert_eq!(world.act(id, CampaignAction::Pause).await.unwrap().state, CampaignState::Paused);
        }
        let resumed = world.act(early, CampaignAction::Resume).await.unwrap();
        assert_eq!(
            (resumed.state, resumed.next_run_at, resumed.started_at),
            (CampaignState::Scheduled, Some(nine), None),
            "{}",
            world.test.engine
        );
        assert!(world.jobs().await.is_empty(), "nothing is planned before its time");
        world.test.clock.set(nine.plus(time::MINUTE));
        world.launch_due().await;
        assert_eq!(world.campaign(early).await.state, CampaignState::Planning);
        assert_eq!(world.campaign(late).await.state, CampaignState::Paused, "a pause holds over its time");
        let resumed = world.act(late, CampaignAction::Resume).await.unwrap();
        assert_eq!(resumed.state, CampaignState::Planning, "its time has come");
        // Once it has begun, a pause changes nothing about its time.
        world.act(early, CampaignAction::Pause).await.unwrap();
        assert_eq!(world.act(early, CampaignAction::Resume).await.unwrap().state, CampaignState::Planning);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_runs_that_nobody_could_start_for_days_only_the_newest_starts() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let daily = Repeat { frequency: Frequency::Daily, interval: 1, count: None, until: None };
        for (misfire, started, left_out) in [(Misfire::RunLate, 1, 3), (Misfire::Ask, 1, 3), (Misfire::Skip, 0, 4)] {
            world.test.clock.set(at("2026-11-23T12:00:00-05:00"));
            let schedule = Schedule { misfire, late_hours: 96, ..tomorrow(Some(daily)) };
            let series = world.draft(scheduled(&world, schedule)).await.unwrap();
            world.act(series.id, CampaignAction::Start).await.unwrap();
            world.test.clock.set(at("2026-11-27T10:00:00-05:00"));
            for _ in 0..6 {
                world.launch_due().await;
            }
            let runs: Vec<_> = world.all().await.into_iter().filter(|it| it.series_id == Some(series.id)).collect();
            assert_eq!(runs.len(), started, "{} {misfire}", world.test.engine);
            assert!(runs.iter().all(|run| run.input.name.ends_with("2026-11-27")), "{misfire}");
            let series = world.campaign(series.id).await;
            assert_eq!(series.next_run_at, Some(at("2026-11-28T09:00:00-05:00")), "{misfire}");
            let why = format!("{left_out} runs could not start at their time and were left out.");
            assert_eq!((series.attention, series.runs), (Some(why), 4), "{misfire}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_and_a_copy_have_what_was_set_about_the_links() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let weekly = Repeat { frequency: Frequency::Weekly, interval: 1, count: Some(2), until: None };
        let body = "See https://example.com/a".to_owned();
        let input = CampaignInput { body, ..scheduled(&world, tomorrow(Some(weekly))) };
        let series = world.draft(input).await.unwrap();
        let settings = LinkSettings {
            landing: Landing::Always,
            legal_text: "Brand & Co.".to_owned(),
            expires_at: Some(at("2026-12-24T00:00:00Z")),
            ..LinkSettings::default()
        };
        let set = settings.clone();
        world.write(move |tx| tx.put_link_settings(ws, series.id, &set)).await;
        world.act(series.id, CampaignAction::Start).await.unwrap();
        // A link of the text that was turned off before the run is off in the run.
        world.write(move |tx| tx.change_link(ws, series.id, 1, None, Some(Timestamp(1)))).await;
        world.test.clock.set(at("2026-11-24T09:00:00-05:00"));
        world.launch_due().await;
        let run = world.all().await.into_iter().find(|it| it.series_id == Some(series.id)).unwrap();
        world.plan(run.id).await;
        let target = CodeTarget { campaign_number: run.number, position: 1 };
        let open = async |code: String| {
            let request = LinkRequest { method: Method::Get, user_agent: None, purpose: None };
            world.redirects.open(&code, request).await.unwrap()
        };
        let Opened::Landing(page) = open(world.links.key().encode(target)).await else {
            panic!("{}: there is no page", world.test.engine)
        };
        assert_eq!(page.legal_text, "Brand & Co.");
        assert_eq!(open(world.links.key().encode_link(LinkCode { target, link: 1 })).await, Opened::Stopped);

        let copied = copy::copy(store, ctx, ws, &Actor::System, run.id).await.unwrap();
        let stored = world.write(move |tx| tx.link_settings(ws, copied.id)).await;
        assert_eq!((stored.settings, stored.stopped_at), (settings, None));
        let links = world.write(move |tx| tx.campaign_links(ws, copied.id)).await;
        assert_eq!(links.len(), 1);
        assert_eq!((links[0].target.as_deref(), links[0].stopped_at), (Some("https://example.com/a"), None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_got_a_run_of_a_recurring_campaign_had_that_campaign() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let weekly = Repeat { frequency: Frequency::Weekly, interval: 1, count: None, until: None };
        let series = world.draft(scheduled(&world, tomorrow(Some(weekly)))).await.unwrap();
        world.act(series.id, CampaignAction::Start).await.unwrap();
        world.test.clock.set(at("2026-11-24T09:00:00-05:00"));
        world.launch_due().await;
        let run = world.all().await.into_iter().find(|it| it.series_id == Some(series.id)).unwrap();
        world.plan(run.id).await;
        world.subscriber(&phone(2), "Ben").await;

        let audience = Audience { exclude_campaigns: vec![series.id], ..Audience::default() };
        let other = world.sent(CampaignInput { audience, ..world.input() }).await;
        assert_eq!(
            world.rules(other.id).await,
            [("allowed".to_owned(), 1), ("had_campaign".to_owned(), 1)],
            "{}",
            world.test.engine
        );
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        for (campaign, people) in [(series.id, 1), (run.id, 1), (other.id, 1)] {
            let text = format!("received(\"{campaign}\")");
            let condition = ConditionInput { condition: Some(text), form: None };
            let input = SegmentInput { name: campaign.to_string(), condition };
            let segment = segments::create(store, ctx, ws, &Actor::System, input).await.unwrap();
            let audience = Audience { segments: vec![segment.id], ..Audience::default() };
            let draft = world.draft(CampaignInput { audience, ..world.input() }).await.unwrap();
            let looked = preflight::preflight(store, ctx, &world.links, ws, draft.id).await.unwrap();
            assert_eq!(looked.audience, people, "{}", world.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_could_get_it_is_held_out() {
    for world in worlds().await {
        for number in 0..10 {
            world.subscriber(&format!("+8190123456{number:02}"), "Yui").await;
        }
        // Nine in the morning was hours ago in Tokyo.
        world.test.clock.set(at("2026-11-24T08:00:00+00:00"));
        let local = Schedule { clock: ScheduleClock::Recipient, late_hours: 1, ..tomorrow(None) };
        let input = CampaignInput { held_out_percent: 50, ..scheduled(&world, local) };
        let draft = world.draft(input).await.unwrap();
        let (store, ctx) = (&world.test.store, &world.test.ctx);
        let looked = preflight::preflight(store, ctx, &world.links, world.ws(), draft.id).await.unwrap();
        let excluded: Vec<_> = looked.excluded.iter().map(|rule| (rule.rule.as_str(), rule.count)).collect();
        assert_eq!((looked.sendable, excluded), (0, vec![("send_time_passed", 10)]), "{}", world.test.engine);
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        assert_eq!(world.rules(draft.id).await, [("send_time_passed".to_owned(), 10)], "{}", world.test.engine);

        // Nor who would get a text that is too long.
        let name = "x".repeat(1_600);
        for number in 0..10 {
            world.subscriber(&phone(number), &name).await;
        }
        let audience = Audience {
            filter: Some(AudienceFilter {
                field: "phone".to_owned(),
                op: FilterOperator::Contains,
                value: "+1212".to_owned(),
            }),
            ..Audience::default()
        };
        let input = CampaignInput { audience, held_out_percent: 50, ..world.input() };
        let sent = world.sent(input).await;
        assert_eq!(world.rules(sent.id).await, [("text_too_long".to_owned(), 10)], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_those_of_the_account_the_text_leaves_by() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let mut channel = world.sms.clone();
        let ChannelConfig::Smpp(config) = &mut channel.config else { panic!("an SMPP account") };
        config.alphabet = SmsAlphabet::Ucs2;
        world.write(move |tx| tx.upsert_channel(&channel)).await;
        // Five segments in the GSM alphabet and eleven in UCS-2; two and three.
        world.subscriber(&phone(1), &"x".repeat(700)).await;
        world.subscriber(&phone(2), &"x".repeat(200)).await;
        let draft = world
            .draft(CampaignInput {
                body: "{{ first_name }}".to_owned(),
                footer: segue_model::campaign::Footer::None,
                whatsapp_channel_id: None,
                ..world.input()
            })
            .await
            .unwrap();
        let looked = preflight::preflight(store, ctx, &world.links, ws, draft.id).await.unwrap();
        let excluded: Vec<_> = looked.excluded.iter().map(|rule| (rule.rule.as_str(), rule.count)).collect();
        assert_eq!((looked.sendable, looked.segments.total), (1, 3), "{}", world.test.engine);
        assert_eq!(excluded, [("text_too_long", 1)], "{}", world.test.engine);
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        assert_eq!(
            world.rules(draft.id).await,
            [("allowed".to_owned(), 1), ("text_too_long".to_owned(), 1)],
            "{}",
            world.test.engine
        );
        let segments = world.write(move |tx| tx.query(&SEGMENTS, &[&ws], |row| row.next::<i64>())).await;
        assert_eq!(segments, [3], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_recipient_gets_it_at_the_local_time_and_nobody_long_after_it() {
    for world in worlds().await {
        world.subscriber("+12125550101", "New York").await;
        world.subscriber("+442071838750", "London").await;
        world.subscriber("+819012345678", "Tokyo").await;
        let local = Schedule { clock: ScheduleClock::Recipient, late_hours: 1, ..tomorrow(None) };
        let draft = world.draft(scheduled(&world, local)).await.unwrap();
        let waiting = world.act(draft.id, CampaignAction::Start).await.unwrap();
        // When it is nine in the first zone of the world.
        assert_eq!(waiting.next_run_at, Some(at("2026-11-24T09:00:00+14:00")));
        world.test.clock.set(at("2026-11-24T09:00:00+14:00"));
        world.launch_due().await;
        world.plan(draft.id).await;
        let due: Vec<_> = world.messages().await.iter().map(|it| (it.address.clone(), it.not_before)).collect();
        for (address, expected) in [
            ("+12125550101", "2026-11-24T09:00:00-05:00"),
            ("+442071838750", "2026-11-24T09:00:00+00:00"),
            ("+819012345678", "2026-11-24T09:00:00+09:00"),
        ] {
            assert!(due.contains(&(address.to_owned(), at(expected))), "{address}: {due:?}");
        }
        // Started when it has been nine in Tokyo for hours, that recipient is left out.
        world.test.clock.set(at("2026-11-24T08:00:00+00:00"));
        let late = world.draft(scheduled(&world, local)).await.unwrap();
        world.act(late.id, CampaignAction::Start).await.unwrap();
        world.plan(late.id).await;
        let rules = world.rules(late.id).await;
        assert!(rules.contains(&("send_time_passed".to_owned(), 1)), "{rules:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_outside_of_the_send_window() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let window = SendWindow { from: "09:00".parse().unwrap(), until: "11:00".parse().unwrap() };
        let input = scheduled(&world, Schedule { window: Some(window), ..Schedule::default() });
        world.sent(input).await;
        let (ws, channel) = (world.ws(), world.sms.id);
        let claimed = async |now: &str| {
            world.test.clock.set(at(now));
            segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
            let now = world.test.now();
            let claimed = world.test.store.write::<_, StoreError, _>(move |tx| {
                let claim = Claim { owner: "test", limit: 10, lease_until: now.plus(time::MINUTE), now };
                let taken = tx.claim_outbox(ws, channel, &claim)?;
                for message in &taken {
                    tx.put_back_message(message)?;
                }
                Ok(taken.len())
            });
            claimed.await.unwrap()
        };
        // Noon is after today's window.
        assert_eq!(claimed("2026-11-23T12:00:00-05:00").await, 0, "{}", world.test.engine);
        assert_eq!(claimed("2026-11-24T08:59:59-05:00").await, 0);
        assert_eq!(claimed("2026-11-24T09:00:00-05:00").await, 1);
        assert_eq!(claimed("2026-11-24T10:59:59-05:00").await, 1);
        assert_eq!(claimed("2026-11-24T11:00:00-05:00").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn approval_takes_a_second_person_and_is_void_after_a_change() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let settings = CampaignSettings { approval: ApprovalRule::SecondPerson, ..CampaignSettings::default() };
        world.settings(settings).await;
        let (author, editor, boss): (UserId, UserId, UserId) =
            (world.test.ctx.id(), world.test.ctx.id(), world.test.ctx.id());
        let (late, linker, ender): (UserId, UserId, UserId) =
            (world.test.ctx.id(), world.test.ctx.id(), world.test.ctx.id());
        let actor = |id| Actor::User { id, name: "Somebody".to_owned(), role: Role::Marketer };
        let (store, ctx, links, ws) = (&world.test.store, &world.test.ctx, &world.links, world.ws());
        let draft = campaign::create(store, ctx, links, ws, &Actor::System, world.input()).await.unwrap();
        campaign::change(store, ctx, links, ws, draft.id, &actor(editor), world.input()).await.unwrap();
        // Neither who changes it later nor a program's key takes the earlier ones out.
        for by in [actor(late), Actor::System] {
            campaign::change(store, ctx, links, ws, draft.id, &by, world.input()).await.unwrap();
        }
        let set = LinkSettings { legal_text: "Brand & Co.".to_owned(), ..LinkSettings::default() };
        let set = move |_: &LinkSettings| Ok::<_, OutreachError>(set.clone());
        campaign::links::change(store, links, ws, draft.id, &actor(linker), set).await.unwrap();
        let refused = world.ask(draft.id, CampaignAction::Start, Some(boss), None).await.unwrap_err();
        assert_eq!(refused.code(), "approval_needed");

        world.ask(draft.id, CampaignAction::Submit, Some(author), None).await.unwrap();
        for own in [author, editor, late, linker] {
            let refused = world.ask(draft.id, CampaignAction::Approve, Some(own), None).await.unwrap_err();
            assert_eq!(refused.code(), "own_campaign");
        }
        let refused = world.ask(draft.id, CampaignAction::Approve, None, None).await.unwrap_err();
        assert_eq!(refused.code(), "review_needs_person");
        // What customers read and agree to is approved with the text, so it stays as it is, too.
        let reword = async || {
            let set = |known: &LinkSettings| {
                Ok::<_, OutreachError>(LinkSettings { consent_wording: "Yes, everything.".to_owned(), ..known.clone() })
            };
            campaign::links::change(store, links, ws, draft.id, &actor(boss), set).await.err()
        };
        let refused = reword().await.unwrap();
        assert_eq!(refused.field(), Some("consent_wording"));
        assert!(refused.to_string().contains("Withdraw it first"), "{refused}");
        // What may be changed of it makes one of the authors of whoever does.
        let end = Some(world.test.now().plus(90 * time::DAY));
        let set = move |known: &LinkSettings| Ok::<_, OutreachError>(LinkSettings { expires_at: end, ..known.clone() });
        campaign::links::change(store, links, ws, draft.id, &actor(ender), set).await.unwrap();
        let refused = world.ask(draft.id, CampaignAction::Approve, Some(ender), None).await.unwrap_err();
        assert_eq!(refused.code(), "own_campaign");
        assert!(world.ask(draft.id, CampaignAction::Reject, Some(boss), Some(" ")).await.is_err(), "say why");
        let back = world.ask(draft.id, CampaignAction::Reject, Some(boss), Some("Too long.")).await.unwrap();
        assert_eq!((back.state, back.review_comment.as_deref()), (CampaignState::Draft, Some("Too long.")));

        world.ask(draft.id, CampaignAction::Submit, Some(author), None).await.unwrap();
        let changed = campaign::change(store, ctx, links, ws, draft.id, &actor(author), world.input()).await;
        assert!(matches!(changed, Err(OutreachError::NotADraft)), "what is being looked at stays as it is");
        let approved = world.ask(draft.id, CampaignAction::Approve, Some(boss), None).await.unwrap();
        assert_eq!(approved.state, CampaignState::Scheduled);
        assert_eq!(reword().await.unwrap().field(), Some("consent_wording"), "and after the approval");
        // To change it, it has to become a draft again, and then it needs a new approval.
        world.ask(draft.id, CampaignAction::Withdraw, Some(author), None).await.unwrap();
        world.launch_due().await;
        assert_eq!(world.campaign(draft.id).await.state, CampaignState::Draft);
        assert!(world.ask(draft.id, CampaignAction::Start, Some(author), None).await.is_err());

        world.ask(draft.id, CampaignAction::Submit, Some(author), None).await.unwrap();
        world.ask(draft.id, CampaignAction::Approve, Some(boss), None).await.unwrap();
        world.launch_due().await;
        assert_eq!(world.campaign(draft.id).await.state, CampaignState::Planning);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_share_the_audience_and_the_held_out_get_nothing() {
    for world in worlds().await {
        world.crowd(200).await;
        let variant = |name: &str, weight, body: &str| Variant {
            name: name.to_owned(),
            weight,
            body: body.to_owned(),
            texts: Vec::new(),
        };
        let input = CampaignInput {
            variants: vec![variant("A", 3, "Hi {{ first_name }}!"), variant("B", 1, "Hello, come in!")],
            held_out_percent: 20,
            ..world.input()
        };
        let draft = world.draft(input.clone()).await.unwrap();
        let looked =
            preflight::preflight(&world.test.store, &world.test.ctx, &world.links, world.ws(), draft.id).await.unwrap();
        let shares: Vec<_> = looked.variants.iter().map(|variant| (variant.name.as_str(), variant.messages)).collect();
        assert_eq!((looked.sendable, shares), (160, vec![("A", 120), ("B", 40)]));
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        let messages = world.messages().await;
        let starting = |text: &str| messages.iter().filter(|message| message.text.starts_with(text)).count();
        assert_eq!((messages.len(), starting("Hi Ana!"), starting("Hello, come in!")), (160, 120, 40));
        assert_eq!(world.rules(draft.id).await, [("allowed".to_owned(), 160), ("held_out".to_owned(), 40)]);
        let report = variants::report(&world.test.store, world.ws(), draft.id).await.unwrap();
        let counts: Vec<_> = report.variants.iter().map(|variant| variant.recipients).collect();
        assert_eq!((counts, report.held_out, report.leader), (vec![120, 40], 40, None), "{}", world.test.engine);

        let one = CampaignInput { variants: vec![variant("A", 1, "x")], ..input.clone() };
        assert_eq!(world.draft(one).await.unwrap_err().field(), Some("variants"));
        let unknown = vec![variant("A", 1, "x"), variant("B", 1, "{{ nothing }}")];
        let refused = world.draft(CampaignInput { variants: unknown, ..input }).await.unwrap_err();
        assert!(refused.to_string().contains("Variant B"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preflight_prices_the_real_texts_and_a_start_can_be_held_to_it() {
    for world in worlds().await {
        let (store, ctx, links, ws) = (&world.test.store, &world.test.ctx, &world.links, world.ws());
        let long = "x".repeat(170);
        world.subscriber(&phone(1), "Ana").await;
        world.subscriber(&phone(2), &long).await;
        world.subscriber("+442071838750", "Lou").await;
        world.subscriber("+33612345678", "Zoë").await;
        let price = |country: &str, per_thousand| SegmentPrice { country: country.to_owned(), per_thousand };
        let prices = vec![price("US", 790), price("GB", 4_000)];
        world.settings(CampaignSettings { prices, ..CampaignSettings::default() }).await;
        let input = CampaignInput {
            body: "Hi {{ first_name }}".to_owned(),
            footer: segue_model::campaign::Footer::None,
            whatsapp_channel_id: None,
            ..world.input()
        };
        let draft = world.draft(input.clone()).await.unwrap();
        let looked = preflight::preflight(store, ctx, links, ws, draft.id).await.unwrap();
        assert_eq!(
            (looked.segments.min, looked.segments.typical, looked.segments.max, looked.segments.total),
            (1, 1, 2, 5)
        );
        // Three segments to the US at 0.79 and one to Britain at 4, together 6.37 cents; France has no price.
        let cost = &looked.cost;
        assert_eq!((cost.total, cost.min_thousandths, cost.max_thousandths), (7, 790, 4_000), "{cost:?}");
        assert_eq!(cost.unpriced, ["FR"]);
        assert!(looked.warnings.iter().any(|warning| warning.message.contains("no price for FR")));

        let start = |mark: String| {
            let (action, preflight) = (CampaignAction::Start, Some(mark));
            let asked = Asked { action, actor: Actor::System, comment: None, preflight, version: None };
            campaign::action::ask(store, ctx, links, ws, draft.id, asked)
        };
        let changed = CampaignInput { name: "Other".to_owned(), ..input };
        campaign::change(store, ctx, links, ws, draft.id, &Actor::System, changed).await.unwrap();
        assert_eq!(start(looked.mark.clone()).await.unwrap_err().code(), "preflight_stale");
        let again = preflight::preflight(store, ctx, links, ws, draft.id).await.unwrap();
        world.test.clock.advance(16 * time::MINUTE);
        assert_eq!(start(again.mark).await.unwrap_err().code(), "preflight_stale", "it is too old");
        let fresh = preflight::preflight(store, ctx, links, ws, draft.id).await.unwrap();
        assert_eq!(start(fresh.mark).await.unwrap().state, CampaignState::Planning);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn planning_that_is_given_up_pauses_the_campaign_with_the_reason_and_a_resume_goes_on() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let draft = world.draft(world.input()).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        let ctx = world.test.ctx.clone();
        world
            .write(move |tx| {
                for job in tx.claim_jobs("test", 10, ctx.now().plus(time::MINUTE), &ctx)? {
                    assert_eq!(job.kind, PLAN_CAMPAIGN);
                    tx.fail_job(&job, Verdict::GiveUp, "The sender is gone.", &ctx)?;
                }
                Ok(())
            })
            .await;
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        let paused = world.campaign(draft.id).await;
        assert_eq!(paused.state, CampaignState::Paused, "{}", world.test.engine);
        assert!(paused.attention.as_deref().unwrap().contains("The sender is gone."), "{paused:?}");
        world.act(draft.id, CampaignAction::Resume).await.unwrap();
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        assert_eq!(world.campaign(draft.id).await.state, CampaignState::Planning, "the old failure is settled");
        world.plan(draft.id).await;
        assert_eq!(world.in_state("queued").await, 1);
        assert_ne!(LAUNCH_CAMPAIGN, PLAN_CAMPAIGN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_a_fresh_draft_and_an_export_holds_no_formula() {
    for world in worlds().await {
        world.subscriber(&phone(1), "=HYPERLINK(\"http://x\")").await;
        world.consent(&phone(1), ConsentAction::Grant).await;
        let done = world.sent(scheduled(&world, Schedule { per_minute: Some(5), ..Schedule::default() })).await;
        let copied = copy::copy(&world.test.store, &world.test.ctx, world.ws(), &Actor::System, done.id).await.unwrap();
        assert_eq!((copied.state, copied.input.name.as_str()), (CampaignState::Draft, "Copy of Spring"));
        assert_eq!(copied.input.schedule.per_minute, Some(5));
        assert!(copied.number > done.number && copied.started_at.is_none());

        let query = RecipientQuery { state: None, search: String::new(), after: 0, limit: 10 };
        let shown = campaign::recipients(&world.test.store, &world.test.ctx, world.ws(), done.id, query).await.unwrap();
        let lines = export::lines(&shown);
        assert!(export::header().starts_with("\"position\",\"contact_id\",\"name\",\"phone\""));
        assert!(lines.contains("\"'=HYPERLINK(\"\"http://x\"\")\""), "{lines}");
        assert!(lines.contains(&format!("\"'{}\"", phone(1))), "a plus sign would begin a formula");
        assert!(lines.ends_with("\r\n") && !lines.contains("\"="), "{lines}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_a_deleted_draft_is_never_given_out_again() {
    for world in worlds().await {
        let first = world.draft(world.input()).await.unwrap();
        let last = world.draft(world.input()).await.unwrap();
        campaign::delete(&world.test.store, world.ws(), last.id).await.unwrap();
        let next = world.draft(world.input()).await.unwrap();
        assert_eq!((last.number, next.number), (first.number + 1, first.number + 2), "{}", world.test.engine);
        // A code of the deleted draft that was printed leads nowhere.
        let target = CodeTarget { campaign_number: last.number, position: 0 };
        let request = LinkRequest { method: Method::Get, user_agent: None, purpose: None };
        let opened = world.redirects.open(&world.links.key().encode(target), request).await.unwrap();
        assert_eq!(opened, Opened::NotFound, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_start_is_checked_again_when_it_is_resumed() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let draft = world.draft(scheduled(&world, tomorrow(None))).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.set_registration(Registration::Rejected).await;
        world.test.clock.set(at("2026-11-24T09:00:00-05:00"));
        world.launch_due().await;
        let stopped = world.campaign(draft.id).await;
        assert_eq!(stopped.state, CampaignState::Paused, "{}", world.test.engine);
        let refused = world.act(draft.id, CampaignAction::Resume).await.unwrap_err();
        assert_eq!(refused.code(), "sender_not_active", "{}", world.test.engine);
        assert_eq!(world.campaign(draft.id).await, stopped, "{}: it stays as it is", world.test.engine);
        assert!(world.jobs().await.is_empty(), "nobody of the audience is used up");

        world.set_registration(Registration::Active).await;
        assert_eq!(world.act(draft.id, CampaignAction::Resume).await.unwrap().state, CampaignState::Planning);
        world.plan(draft.id).await;
        assert_eq!(world.rules(draft.id).await, [("allowed".to_owned(), 1)], "{}", world.test.engine);
        // Once recipients are written, a resume only goes on.
        world.act(draft.id, CampaignAction::Pause).await.unwrap();
        world.set_registration(Registration::Rejected).await;
        assert_eq!(world.act(draft.id, CampaignAction::Resume).await.unwrap().state, CampaignState::Running);
    }
}

/// As those do who were planned while it was on.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_planned_while_the_sender_is_off_waits_for_it() {
    for world in worlds().await {
        let engine = world.test.engine;
        world.subscriber(&phone(1), "Ana").await;
        let ben = world.test.contact(&phone(2), "Ben").await;
        let draft = world.draft(world.input()).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.set_registration(Registration::Pending).await;
        world.plan(draft.id).await;
        let expected = [("no_consent".to_owned(), 1), ("sender_not_active".to_owned(), 1)];
        assert_eq!(world.rules(draft.id).await, expected, "{engine}");
        let waiting = world.messages().await;
        let [waiting] = waiting.as_slice() else { panic!("{engine}: {waiting:?}") };
        assert_eq!((waiting.address.as_str(), waiting.state.as_str()), (phone(1).as_str(), "queued"), "{engine}");
        let (ws, id, now) = (world.ws(), draft.id, world.test.now());
        let funnel = world.write(move |tx| tx.funnel(ws, id)).await;
        assert_eq!((funnel.planned, funnel.excluded, funnel.queued), (2, 1, 1), "{engine}");
        let query = RecipientQuery { limit: 9, ..RecipientQuery::default() };
        let shown = world.write(move |tx| tx.recipients(ws, id, &query, now)).await;
        let ana = shown.iter().find(|recipient| recipient.contact_id != ben).unwrap();
        assert_eq!((ana.state.as_str(), ana.rule.as_deref()), ("queued", None), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_after_the_time_starts_it_or_is_refused_and_never_cancels_it() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let settings = CampaignSettings { approval: ApprovalRule::SecondPerson, ..CampaignSettings::default() };
        world.settings(settings).await;
        let (author, boss): (UserId, UserId) = (world.test.ctx.id(), world.test.ctx.id());
        let noon = world.test.now();
        for misfire in [Misfire::RunLate, Misfire::Skip, Misfire::Ask] {
            world.test.clock.set(noon);
            let draft = world.draft(scheduled(&world, Schedule { misfire, ..tomorrow(None) })).await.unwrap();
            world.ask(draft.id, CampaignAction::Submit, Some(author), None).await.unwrap();
            world.test.clock.set(at("2026-11-24T21:01:00-05:00"));
            let refused = world.ask(draft.id, CampaignAction::Approve, Some(boss), None).await.unwrap_err();
            assert_eq!(refused.field(), Some("schedule"), "{} {misfire}", world.test.engine);
            assert_eq!(world.campaign(draft.id).await.state, CampaignState::AwaitingApproval, "{misfire}");

            world.test.clock.set(at("2026-11-24T10:00:00-05:00"));
            world.ask(draft.id, CampaignAction::Approve, Some(boss), None).await.unwrap();
            world.launch_due().await;
            assert_eq!(
                world.campaign(draft.id).await.state,
                CampaignState::Planning,
                "{} {misfire}",
                world.test.engine
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_out_with_no_link_that_has_ended() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let ws = world.ws();
        let weekly = Repeat { frequency: Frequency::Weekly, interval: 1, count: Some(2), until: None };
        let body = "See https://example.com/a and https://example.com/b".to_owned();
        let series = world.draft(CampaignInput { body, ..scheduled(&world, tomorrow(Some(weekly))) }).await.unwrap();
        let (past, future) = (at("2026-11-24T08:00:00-05:00"), at("2026-12-24T00:00:00Z"));
        let settings = LinkSettings { expires_at: Some(past), ..LinkSettings::default() };
        world.write(move |tx| tx.put_link_settings(ws, series.id, &settings)).await;
        world.write(move |tx| tx.change_link(ws, series.id, 1, Some(past), None)).await;
        world.write(move |tx| tx.change_link(ws, series.id, 2, Some(future), Some(Timestamp(1)))).await;
        world.act(series.id, CampaignAction::Start).await.unwrap();
        world.test.clock.set(at("2026-11-24T09:00:00-05:00"));
        world.launch_due().await;
        let run = world.all().await.into_iter().find(|it| it.series_id == Some(series.id)).unwrap().id;
        let stored = world.write(move |tx| tx.link_settings(ws, run)).await;
        assert_eq!(stored.settings.expires_at, None, "{}", world.test.engine);
        let links = world.write(move |tx| tx.campaign_links(ws, run)).await;
        let ends: Vec<_> = links.iter().map(|link| (link.link, link.expires_at, link.stopped_at)).collect();
        assert_eq!(ends, [(1, None, None), (2, Some(future), Some(Timestamp(1)))], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_run_at_the_recipients_own_time_is_not_late_while_it_comes_in_their_zones() {
    for world in worlds().await {
        world.subscriber("+12125550101", "New York").await;
        // It is noon in New York, and eight in the evening has passed in the first zones.
        let tonight = Schedule {
            starts_at: Some("2026-11-23T20:00".parse().unwrap()),
            clock: ScheduleClock::Recipient,
            repeat: Some(Repeat { frequency: Frequency::Daily, interval: 1, count: Some(2), until: None }),
            late_hours: 1,
            misfire: Misfire::Skip,
            ..Schedule::default()
        };
        let series = world.draft(scheduled(&world, tonight)).await.unwrap();
        let waiting = world.act(series.id, CampaignAction::Start).await.unwrap();
        assert_eq!((waiting.runs, waiting.next_run_at), (0, Some(at("2026-11-23T20:00:00+14:00"))));
        world.launch_due().await;
        let found = world.campaign(series.id).await;
        assert_eq!((found.runs, found.attention), (1, None), "{}", world.test.engine);
        assert_eq!(found.next_run_at, Some(at("2026-11-24T20:00:00+14:00")));
        let run = world.all().await.into_iter().find(|it| it.series_id == Some(series.id)).unwrap();
        world.plan(run.id).await;
        let due: Vec<_> = world.messages().await.iter().map(|it| it.not_before).collect();
        assert_eq!(due, [at("2026-11-23T20:00:00-05:00")], "{}", world.test.engine);
        // Two days later both are over everywhere.
        world.test.clock.set(at("2026-11-26T00:00:00-05:00"));
        let late = world.draft(scheduled(&world, tonight)).await.unwrap();
        assert!(world.act(late.id, CampaignAction::Start).await.is_err(), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_begun_does_not_begin_again_when_the_series_is_withdrawn_and_started() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let weekly = Repeat { frequency: Frequency::Weekly, interval: 1, count: None, until: None };
        let local = Schedule { clock: ScheduleClock::Recipient, ..tomorrow(Some(weekly)) };
        let series = world.draft(scheduled(&world, local)).await.unwrap();
        world.act(series.id, CampaignAction::Start).await.unwrap();
        world.test.clock.set(at("2026-11-24T09:00:00+14:00"));
        let runs = async || {
            world.launch_due().await;
            world.all().await.into_iter().filter(|it| it.series_id == Some(series.id)).collect::<Vec<_>>()
        };
        let first = runs().await;
        assert_eq!(first.len(), 1, "{}", world.test.engine);
        world.plan(first[0].id).await;
        // The recipient's nine o'clock has not passed for long.
        world.test.clock.advance(20 * time::HOUR);
        for action in [CampaignAction::Withdraw, CampaignAction::Start] {
            world.act(series.id, action).await.unwrap();
        }
        let waiting = world.campaign(series.id).await;
        assert_eq!(
            (waiting.runs, waiting.next_run_at),
            (1, Some(at("2026-12-01T09:00:00+14:00"))),
            "{}",
            world.test.engine
        );
        assert_eq!(runs().await.len(), 1, "{}", world.test.engine);
        world.test.clock.set(at("2026-12-01T09:00:00+14:00"));
        assert_eq!(runs().await.len(), 2, "{}", world.test.engine);

        // Another time of the same day is another run, which somebody has asked for.
        world.act(series.id, CampaignAction::Withdraw).await.unwrap();
        let later = Schedule { starts_at: Some("2026-12-01T20:00".parse().unwrap()), ..local };
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let input = scheduled(&world, later);
        campaign::change(store, ctx, &world.links, ws, series.id, &Actor::System, input).await.unwrap();
        let waiting = world.act(series.id, CampaignAction::Start).await.unwrap();
        assert_eq!((waiting.runs, waiting.next_run_at), (0, Some(at("2026-12-01T20:00:00+14:00"))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_judges_by_the_time_at_which_the_campaign_begins_next() {
    use segue_model::{policy::AtQuietHours, series::CampaignRules};
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        world.subscriber(&phone(1), "Ana").await;
        let looked = async |schedule: Schedule, rules: CampaignRules| {
            let draft = world.draft(CampaignInput { rules, ..scheduled(&world, schedule) }).await.unwrap();
            let looked = preflight::preflight(store, ctx, &world.links, ws, draft.id).await.unwrap();
            let previewed = campaign::preview::preview(store, ctx, &world.links, ws, draft.id).await.unwrap();
            assert_eq!(previewed.sendable, 1, "{engine}: {:?}", previewed.excluded);
            let rules = |rules: &[preflight::PreflightRule]| {
                rules.iter().map(|rule| (rule.rule.clone(), rule.count)).collect::<Vec<_>>()
            };
            (looked.sendable, rules(&looked.held), rules(&looked.excluded))
        };
        let everybody = (1, Vec::new(), Vec::new());
        let none = CampaignRules::default;
        let discard = || CampaignRules { at_quiet_hours: Some(AtQuietHours::Discard), ..CampaignRules::default() };
        let daily = Some(Repeat { frequency: Frequency::Daily, interval: 1, count: None, until: None });
        // It is quiet now, and the campaign is for tomorrow morning.
        world.test.clock.set(at("2026-11-23T23:00:00-05:00"));
        let short = Schedule { expires_hours: Some(4), ..tomorrow(None) };
        assert_eq!(looked(short, none()).await, everybody, "{engine}");
        // The first run is long past, and the next one is tomorrow, or under way somewhere.
        world.test.clock.set(at("2026-12-03T23:00:00-05:00"));
        assert_eq!(looked(tomorrow(daily), discard()).await, everybody, "{engine}");
        world.test.clock.set(at("2026-12-03T17:00:00-05:00"));
        let local = Schedule { clock: ScheduleClock::Recipient, late_hours: 1, ..tomorrow(daily) };
        assert_eq!(looked(local, none()).await, everybody, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_turned_off_stays_off_whatever_number_its_address_gets() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let input = |body: &str| CampaignInput { body: body.to_owned(), ..world.input() };
        let draft = world.draft(input("https://a.example/1 https://a.example/2 https://a.example/3")).await.unwrap();
        let (end, off) = (Some(Timestamp(9)), Some(Timestamp(1)));
        world
            .write(move |tx| {
                tx.change_link(ws, draft.id, 0, end, off)?;
                tx.change_link(ws, draft.id, 1, end, off)
            })
            .await;
        let changed = input("https://a.example/0 https://a.example/1 https://a.example/3");
        campaign::change(store, ctx, &world.links, ws, draft.id, &Actor::System, changed).await.unwrap();
        let links = world.write(move |tx| tx.campaign_links(ws, draft.id)).await;
        let links: Vec<_> =
            links.iter().map(|it| (it.link, it.target.as_deref(), it.expires_at, it.stopped_at)).collect();
        let expected = [
            (0, None, end, off),
            (1, Some("https://a.example/0"), None, None),
            (2, Some("https://a.example/1"), end, off),
            (3, Some("https://a.example/3"), None, None),
        ];
        assert_eq!(links, expected, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_does_not_start_with_links_that_have_ended_by_then() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let nine = at("2026-11-24T09:00:00-05:00");
        let body = "See https://example.com/a".to_owned();
        let draft = world.draft(CampaignInput { body, ..scheduled(&world, tomorrow(None)) }).await.unwrap();
        let set = async |all: Option<Timestamp>, link: u8, one: Option<Timestamp>| {
            let settings = LinkSettings { expires_at: all, ..LinkSettings::default() };
            world
                .write(move |tx| {
                    tx.put_link_settings(ws, draft.id, &settings)?;
                    (0..2).try_for_each(|number| {
                        let end = one.filter(|_| number == link);
                        tx.change_link(ws, draft.id, number, end, None).map(|_| ())
                    })
                })
                .await;
        };
        for (all, link, one, words) in [
            (Some(nine), 0, None, "The links end before"),
            (None, 0, Some(nine), "The link into the chat ends before"),
            (None, 1, Some(nine), "The link to https://example.com/a ends before"),
        ] {
            set(all, link, one).await;
            let refused = world.act(draft.id, CampaignAction::Start).await.unwrap_err();
            assert_eq!(refused.field(), Some("expires_at"), "{engine}");
            assert!(refused.to_string().contains(words), "{engine}: {refused}");
            let looked = preflight::preflight(store, ctx, &world.links, ws, draft.id).await.unwrap();
            let warned = looked.warnings.iter().find(|it| it.kind == preflight::WarningKind::LinksEnded);
            assert_eq!(warned.map(|it| it.message.clone()), Some(refused.to_string()), "{engine}");
        }
        set(Some(nine.plus(1)), 1, Some(nine.plus(1))).await;
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        // A text without links has none that could have ended.
        let input = CampaignInput {
            footer: segue_model::campaign::Footer::None,
            whatsapp_channel_id: None,
            ..scheduled(&world, tomorrow(None))
        };
        let plain = world.draft(input).await.unwrap().id;
        let ended = LinkSettings { expires_at: Some(Timestamp(1)), ..LinkSettings::default() };
        world.write(move |tx| tx.put_link_settings(ws, plain, &ended)).await;
        world.act(plain, CampaignAction::Start).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_a_person_starts_when_it_is_resumed() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let daily = Repeat { frequency: Frequency::Daily, interval: 1, count: None, until: None };
        let schedule = Schedule { misfire: Misfire::Ask, expires_hours: Some(1), ..tomorrow(Some(daily)) };
        let series = world.draft(scheduled(&world, schedule)).await.unwrap();
        world.act(series.id, CampaignAction::Start).await.unwrap();
        world.test.clock.set(at("2026-11-24T10:00:00-05:00"));
        world.launch_due().await;
        let run = world.all().await.into_iter().find(|it| it.series_id == Some(series.id)).unwrap();
        assert_eq!(run.state, CampaignState::Paused, "{}", world.test.engine);
        world.test.clock.advance(3 * time::HOUR);
        let resumed = world.act(run.id, CampaignAction::Resume).await.unwrap();
        assert_eq!(resumed.started_at, Some(world.test.now()), "{}", world.test.engine);
        world.plan(run.id).await;
        assert_eq!(world.rules(run.id).await, [("allowed".to_owned(), 1)], "{}", world.test.engine);
        // Once recipients are written, it has started.
        world.test.clock.advance(1);
        world.act(run.id, CampaignAction::Pause).await.unwrap();
        let again = world.act(run.id, CampaignAction::Resume).await.unwrap();
        assert_eq!(again.started_at, resumed.started_at, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_links_are_turned_off_and_on_with_those_that_its_runs_have_sent() {
    use segue_outreach::campaign::links::{self, LinkChange, LinkSwitch};
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let weekly = Repeat { frequency: Frequency::Weekly, interval: 1, count: None, until: None };
        let input = |body: &str| CampaignInput { body: body.to_owned(), ..scheduled(&world, tomorrow(Some(weekly))) };
        let series = world.draft(input("See https://example.com/a")).await.unwrap().id;
        world.act(series, CampaignAction::Start).await.unwrap();
        world.test.clock.set(at("2026-11-24T09:00:00-05:00"));
        world.launch_due().await;
        let run = world.all().await.into_iter().find(|it| it.series_id == Some(series)).unwrap();
        world.plan(run.id).await;
        // In the next run the address has another number.
        world.act(series, CampaignAction::Withdraw).await.unwrap();
        let changed = input("New https://example.com/b and https://example.com/a");
        campaign::change(store, ctx, &world.links, ws, series, &Actor::System, changed).await.unwrap();
        let open = async |link: u8| {
            let target = CodeTarget { campaign_number: run.number, position: 1 };
            let code = world.links.key().encode_link(LinkCode { target, link });
            let request = LinkRequest { method: Method::Get, user_agent: None, purpose: None };
            world.redirects.forget(run.number);
            world.redirects.open(&code, request).await.unwrap()
        };
        for switch in [LinkSwitch::Stopped, LinkSwitch::On] {
            let changed = links::switch(store, ctx, &world.links, ws, series, switch).await.unwrap();
            assert_eq!(changed.run_numbers, [run.number], "{engine}");
            for link in [0, 1] {
                assert_eq!(open(link).await == Opened::Stopped, switch == LinkSwitch::Stopped, "{engine} {link}");
            }
        }
        for (link, of_run, other) in [(0, 0, 1), (2, 1, 0)] {
            for switch in [LinkSwitch::Stopped, LinkSwitch::On] {
                let change = LinkChange { expires_at: None, switch: Some(switch) };
                let changed = links::change_link(store, ctx, &world.links, ws, series, link, change).await.unwrap();
                assert_eq!(changed.run_numbers, [run.number], "{engine}");
                assert_eq!(open(of_run).await == Opened::Stopped, switch == LinkSwitch::Stopped, "{engine} {link}");
                assert_ne!(open(other).await, Opened::Stopped, "{engine} {link}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_held_to_what_the_reviewer_has_read() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let settings = CampaignSettings { approval: ApprovalRule::SecondPerson, ..CampaignSettings::default() };
        world.settings(settings).await;
        let (author, boss): (UserId, UserId) = (world.test.ctx.id(), world.test.ctx.id());
        let draft = world.draft(world.input()).await.unwrap().id;
        let read = world.ask(draft, CampaignAction::Submit, Some(author), None).await.unwrap().version;
        world.ask(draft, CampaignAction::Withdraw, Some(author), None).await.unwrap();
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let input = CampaignInput { body: "Another text".to_owned(), ..world.input() };
        campaign::change(store, ctx, &world.links, ws, draft, &Actor::System, input).await.unwrap();
        let now = world.ask(draft, CampaignAction::Submit, Some(author), None).await.unwrap().version;
        let review = async |action, version| {
            let actor = Actor::User { id: boss, name: "Somebody".to_owned(), role: Role::Marketer };
            let asked = Asked { action, actor, comment: Some("Look.".to_owned()), preflight: None, version };
            campaign::action::ask(store, ctx, &world.links, ws, draft, asked).await
        };
        for action in [CampaignAction::Approve, CampaignAction::Reject] {
            let refused = review(action, Some(read)).await.unwrap_err();
            assert_eq!(refused.code(), "changed_meanwhile", "{}", world.test.engine);
        }
        let approved = review(CampaignAction::Approve, Some(now)).await.unwrap();
        assert_eq!(approved.state, CampaignState::Scheduled, "{}", world.test.engine);
    }
}
