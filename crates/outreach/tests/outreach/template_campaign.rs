//! Campaigns by WhatsApp template: who is planned with what, what the check says before, and what is refused.

use segue_model::{
    CampaignId, ContactId, MessageId, SessionId, Timestamp,
    campaign::{CampaignAction, CampaignState},
    consent::{ConsentState, Medium, Purpose},
    contact::ContactFields,
    content::{Content, TemplateButtonValue},
    policy::Rule,
    rate_card::RateCard,
    template_rules::SessionRule,
    time,
};
use segue_outreach::{
    OutreachError, campaign,
    redirect::{LinkRequest, Method, Opened},
};
use segue_store::{
    Sql,
    campaign::{CampaignButton, CampaignInput, CampaignTemplate, CampaignView},
    recipient::{RecipientQuery, RecipientState},
    template::ListedTemplate,
};
use serde_json::json;

use crate::world::{World, canadian as phone, worlds};

static PLANNED: Sql = Sql::portable(
    "PLANNED",
    "SELECT address, class, address_kind, payload FROM outbox WHERE workspace_id = $1 ORDER BY position",
);
static ADD_USER: Sql = Sql::portable(
    "ADD_USER",
    "INSERT INTO messaging_users (workspace_id, id, channel_id, contact_id, last_inbound_at, created_at, version)
        VALUES ($1, $2, $3, $4, $5, $5, 1)",
);
static ADD_IDENTIFIER: Sql = Sql::portable(
    "ADD_IDENTIFIER",
    "INSERT INTO messaging_identifiers (workspace_id, channel_id, kind, value, messaging_user_id)
        VALUES ($1, $2, $3, $4, $5)",
);
static ADD_SESSION: Sql = Sql::portable(
    "ADD_SESSION",
    "INSERT INTO sessions (workspace_id, id, channel_id, messaging_user_id, state, attribution, opt_in, agent_id,
            gathered, last_at, started_at, version)
        VALUES ($1, $2, $3, $4, $5, 'none', 'none', $6, '{}', 0, 0, 1)",
);

/// A row of the outbox as it was planned.
#[derive(Debug)]
pub(crate) struct Planned {
    pub address: String,
    class: String,
    kind: String,
    pub content: Content,
}

pub(crate) async fn planned(world: &World) -> Vec<Planned> {
    let ws = world.ws();
    world
        .write(move |tx| {
            tx.query(&PLANNED, &[&ws], |row| {
                Ok(Planned { address: row.next()?, class: row.next()?, kind: row.next()?, content: row.json()? })
            })
        })
        .await
}

/// The templates of the number: a promotion, news with a button, and one that is paused.
pub(crate) async fn templates(world: &World, promotion: (&'static str, &'static str)) {
    let (ws, channel_id, ctx) = (world.ws(), world.whatsapp.id, world.test.ctx.clone());
    let listed = |name: &str, category: &str, status: &str, url: &str| ListedTemplate {
        name: name.to_owned(),
        language: "en".to_owned(),
        category: category.to_owned(),
        status: status.to_owned(),
        components: json!([
            { "type": "BODY", "text": "Hi {{1}}, {{2}} is here." },
            { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "Tell me more" },
                { "type": "URL", "text": "Shop", "url": url }] },
        ]),
        ..ListedTemplate::default()
    };
    let all = [
        listed("spring", promotion.0, promotion.1, "https://go.example.com/l/{{1}}"),
        listed("news", "UTILITY", "APPROVED", "https://shop.example.com/{{1}}"),
        listed("code", "AUTHENTICATION", "APPROVED", "https://shop.example.com/"),
    ];
    world.write(move |tx| tx.replace_templates(ws, channel_id, &all, &ctx)).await;
}

pub(crate) fn template(world: &World, name: &str) -> CampaignTemplate {
    CampaignTemplate {
        channel_id: world.whatsapp.id,
        name: name.to_owned(),
        language: "en".to_owned(),
        values: vec!["{{ first_name | default(\"there\") }}".to_owned(), "our {{ tier }}\n offer".to_owned()],
        buttons: vec![CampaignButton {
            index: 1,
            value: String::new(),
            target: Some("https://shop.example.com/spring".to_owned()),
        }],
        sessions: SessionRule::Any,
        header_media_id: None,
        header_value: String::new(),
        by_language: false,
        header_place: None,
        cards: Vec::new(),
        offer_ends_at: None,
    }
}

pub(crate) fn by(world: &World, template: CampaignTemplate) -> CampaignInput {
    CampaignInput {
        sender_id: None,
        body: String::new(),
        footer: segue_model::campaign::Footer::None,
        whatsapp_channel_id: None,
        prefilled_text: String::new(),
        template: Some(template),
        ..world.input()
    }
}

pub(crate) async fn contact(world: &World, phone: Option<&str>, name: &str, tier: Option<&str>) -> ContactId {
    let (ws, ctx, now) = (world.ws(), world.test.ctx.clone(), world.test.now());
    let mut fields = ContactFields {
        phone: phone.map(|phone| phone.parse().unwrap()),
        first_name: Some(name.to_owned()),
        ..ContactFields::default()
    };
    if let Some(tier) = tier {
        fields.attributes.insert("tier".to_owned(), tier.to_owned());
    }
    world
        .write(move |tx| {
            let id = ctx.id();
            tx.insert_contact(ws, id, &fields, now)?;
            Ok(id)
        })
        .await
}

pub(crate) async fn agree(world: &World, address: &str, state: ConsentState) {
    world.test.set_consent(Medium::WhatsApp, address, Purpose::Marketing, state).await;
}

/// A customer of the number, who wrote at `wrote`, with a session in this state.
pub(crate) async fn customer(
    world: &World,
    contact: ContactId,
    (kind, value): (&'static str, &str),
    wrote: Timestamp,
    session: Option<(&'static str, bool)>,
) {
    let (ws, channel, ctx, value) = (world.ws(), world.whatsapp.id, world.test.ctx.clone(), value.to_owned());
    world
        .write(move |tx| {
            let (user, id): (segue_model::MessagingUserId, SessionId) = (ctx.id(), ctx.id());
            tx.execute(&ADD_USER, &[&ws, &user, &channel, &contact, &wrote])?;
            tx.execute(&ADD_IDENTIFIER, &[&ws, &channel, &kind, &value, &user])?;
            if let Some((state, has_agent)) = session {
                let agent = has_agent.then(|| ctx.id::<segue_model::UserId>());
                tx.execute(&ADD_SESSION, &[&ws, &id, &channel, &user, &state, &agent])?;
            }
            Ok(())
        })
        .await;
}

pub(crate) async fn rules(world: &World, id: CampaignId) -> Vec<(String, i64)> {
    let funnel = campaign::funnel(&world.test.store, world.ws(), id).await.unwrap();
    let mut rules: Vec<_> = funnel.excluded_by_rule.into_iter().map(|rule| (rule.rule, rule.count)).collect();
    rules.sort_unstable();
    rules
}

pub(crate) async fn check(world: &World, id: CampaignId) -> campaign::preflight::Preflight {
    campaign::preflight::preflight(&world.test.store, &world.test.ctx, &world.links, world.ws(), id).await.unwrap()
}

/// Where a tap on a recipient's own link leads.
async fn leads_to(world: &World, code: &str) -> String {
    let request = LinkRequest { method: Method::Get, user_agent: Some("Mozilla/5.0".to_owned()), purpose: None };
    match world.redirects.open(code, request).await.unwrap() {
        Opened::Redirect(address) => address,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn start(world: &World, input: CampaignInput) -> CampaignView {
    let draft = world.draft(input).await.unwrap();
    world.act(draft.id, CampaignAction::Start).await.unwrap();
    world.plan(draft.id).await;
    campaign::get(&world.test.store, world.ws(), draft.id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_agreed_on_whatsapp_get_it_once_with_their_values_and_their_link() {
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        let now = world.test.now();
        for (number, name, tier, state) in [
            (1, "Ana", Some("gold"), ConsentState::Granted),
            (2, "No tier, none of it is empty", None, ConsentState::Granted),
            (3, "Said no", Some("gold"), ConsentState::Revoked),
        ] {
            contact(&world, Some(&phone(number)), name, tier).await;
            agree(&world, &phone(number), state).await;
        }
        // Agreed to texts, which says nothing of WhatsApp.
        world.subscriber(&phone(4), "Texts only").await;
        // Hides the number.
        let hidden = contact(&world, None, "Bo", Some("silver")).await;
        customer(&world, hidden, ("bsuid", "US.1"), now.plus(-3 * time::DAY), None).await;
        agree(&world, "US.1", ConsentState::Granted).await;
        contact(&world, None, "No address", Some("gold")).await;
        contact(&world, Some("+819012345678"), "Night in Tokyo", Some("gold")).await;
        agree(&world, "+819012345678", ConsentState::Granted).await;

        let draft = world.draft(by(&world, template(&world, "spring"))).await.unwrap();
        assert_eq!((draft.input.sender_id, draft.hold.clone()), (None, None));
        let seen = check(&world, draft.id).await;
        assert_eq!((seen.audience, seen.sendable), (7, 4), "{}: {seen:?}", world.test.engine);
        let expected = [("no_address", 1), ("no_consent", 1), ("opted_out", 1)].map(|(rule, n)| (rule.to_owned(), n));
        let mut left_out: Vec<_> = seen.excluded.iter().map(|it| (it.rule.clone(), it.count)).collect();
        left_out.sort_unstable();
        assert_eq!(left_out, expected);
        assert_eq!(seen.held[0].rule, "quiet_hours");
        let people = campaign::preflight::PeopleQuery { rule: "opted_out".to_owned(), after: None, limit: 9 };
        let (people, _) =
            campaign::preflight::people(&world.test.store, &world.test.ctx, &world.links, world.ws(), draft.id, people)
                .await
                .unwrap();
        assert_eq!(people.iter().map(|person| person.name.as_deref()).collect::<Vec<_>>(), [Some("Said no")]);

        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        assert_eq!(rules(&world, draft.id).await, expected, "the plan does what the check said");
        let rows = planned(&world).await;
        assert_eq!(rows.len(), 4);
        assert!(rows.iter().all(|row| row.class == "marketing"));
        let of = |address: &str| rows.iter().find(|row| row.address == address).unwrap();
        assert_eq!(of("US.1").kind, "bsuid");
        let Content::Template { name, parameters, buttons, text, .. } = &of(&phone(1)).content else { panic!() };
        assert_eq!(
            (name.as_str(), parameters.as_slice()),
            ("spring", ["Ana".to_owned(), "our gold offer".to_owned()].as_slice())
        );
        assert_eq!(text, "Hi Ana, our gold offer is here.");
        let [TemplateButtonValue { index: 1, text: code }] = buttons.as_slice() else { panic!("{buttons:?}") };
        assert_eq!(leads_to(&world, code).await, "https://shop.example.com/spring");
        let Content::Template { parameters, .. } = &of(&phone(2)).content else { panic!() };
        assert_eq!(parameters[1], "our offer", "what is missing leaves no gap");
        world.plan(draft.id).await;
        assert_eq!(planned(&world).await.len(), 4, "planned again, nobody twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_a_conversation_is_left_alone_as_the_campaign_asks() {
    for (number, world) in worlds().await.into_iter().enumerate() {
        templates(&world, ("MARKETING", "APPROVED")).await;
        let now = world.test.now();
        for (n, session) in
            [(1, None), (2, Some(("active", false))), (3, Some(("active", true))), (4, Some(("waiting", false)))]
        {
            let id = contact(&world, Some(&phone(n)), "Ana", Some("gold")).await;
            agree(&world, &phone(n), ConsentState::Granted).await;
            customer(&world, id, ("wa_id", &phone(n)[1..]), now.plus(-time::HOUR), session).await;
        }
        for (rule, sendable) in [(SessionRule::Any, 4), (SessionRule::NoAgent, 2), (SessionRule::NoOpenSession, 1)] {
            let input = by(&world, CampaignTemplate { sessions: rule, ..template(&world, "spring") });
            let draft = world.draft(input).await.unwrap();
            let seen = check(&world, draft.id).await;
            assert_eq!(seen.sendable, sendable, "{number} {rule}");
            assert!(seen.excluded.iter().all(|it| it.rule == Rule::SessionOpen.as_str()), "{:?}", seen.excluded);
            assert_eq!(seen.limit.unwrap().wanted, 0, "they wrote within a day: nobody is written to first");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_the_united_states_are_left_out_of_marketing_with_the_reason() {
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        for address in [phone(1), crate::world::phone(1)] {
            contact(&world, Some(&address), "Ana", Some("gold")).await;
            agree(&world, &address, ConsentState::Granted).await;
        }
        let draft = world.draft(by(&world, template(&world, "spring"))).await.unwrap();
        let seen = check(&world, draft.id).await;
        let left_out: Vec<_> = seen.excluded.iter().map(|it| (it.rule.as_str(), it.label.as_str(), it.count)).collect();
        let rule = Rule::CountryNotTaken;
        assert_eq!((seen.sendable, left_out), (1, vec![(rule.as_str(), rule.label(), 1)]), "{}", world.test.engine);
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        assert_eq!(rules(&world, draft.id).await, [(rule.as_str().to_owned(), 1)], "{}", world.test.engine);
        let planned: Vec<String> = planned(&world).await.into_iter().map(|row| row.address).collect();
        assert_eq!(planned, [phone(1)], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_enough_marketing_waits_a_day_outside_of_the_service_window() {
    static SENT: Sql =
        Sql::portable("SENT", "SELECT id FROM outbox WHERE workspace_id = $1 AND (address = $2 OR address = $3)");
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        let (ws, now) = (world.ws(), world.test.now());
        for number in [1, 2, 3] {
            let id = contact(&world, Some(&phone(number)), "Ana", Some("gold")).await;
            agree(&world, &phone(number), ConsentState::Granted).await;
            if number == 2 {
                customer(&world, id, ("phone", &phone(number)), now.plus(-time::HOUR), None).await;
            }
        }
        start(&world, by(&world, template(&world, "spring"))).await;
        // WhatsApp holds it back for two of them, of whom one can be answered.
        world
            .write(move |tx| {
                for id in tx.query(&SENT, &[&ws, &phone(1), &phone(2)], |row| row.next::<MessageId>())? {
                    tx.rest_marketing(ws, id, now.plus(time::DAY))?;
                }
                Ok(())
            })
            .await;
        let draft = world.draft(by(&world, template(&world, "spring"))).await.unwrap();
        let seen = check(&world, draft.id).await;
        let held: Vec<_> = seen.held.iter().map(|it| (it.rule.as_str(), it.count)).collect();
        assert_eq!(held, [("enough_marketing", 1)], "{}", world.test.engine);
        world.test.clock.advance(time::DAY + time::MINUTE);
        let seen = check(&world, draft.id).await;
        assert!(seen.held.is_empty(), "{}: {:?}", world.test.engine, seen.held);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_shows_the_limit_and_the_cost_by_market_and_category() {
    for world in worlds().await {
        templates(&world, ("UTILITY", "APPROVED")).await;
        let (ws, now, ctx) = (world.ws(), world.test.now(), world.test.ctx.clone());
        let segue_store::channel::ChannelConfig::WhatsApp(config) = &world.whatsapp.config else { panic!() };
        let portfolio = config.portfolio().to_owned();
        for (number, address) in [phone(1), phone(2), "+491711234567".to_owned()].iter().enumerate() {
            let id = contact(&world, Some(address), "Ana", Some("gold")).await;
            agree(&world, address, ConsentState::Granted).await;
            if number == 0 {
                customer(&world, id, ("phone", address), now.plus(-time::HOUR), None).await;
            }
        }
        let of_day = |day: &str, german: &str| {
            let text = format!(
                "market,category,price\nGermany,marketing,{german}\nGermany,utility,0.05\nNorth America,marketing,0.025\n"
            );
            RateCard::read_csv("Ours", day, "EUR", &text).unwrap()
        };
        let (current, later) = (of_day("2026-10-01", "0.11310"), of_day("2027-01-01", "9"));
        world
            .write(move |tx| {
                for card in [&current, &later] {
                    tx.put_rate_card(ws, card, ("test", ctx.now()))?;
                }
                tx.set_messaging_limit(ws, &portfolio, Some(2), (ctx.now(), ctx.now()))?;
                tx.lock_messaging_limit(ws, &portfolio)?;
                tx.count_initiated_chat(ws, (&portfolio, "+12125559999"), ctx.id(), ctx.now())
            })
            .await;
        let draft = world.draft(by(&world, template(&world, "spring"))).await.unwrap();
        let seen = check(&world, draft.id).await;
        let limit = seen.limit.clone().unwrap();
        assert_eq!((limit.most, limit.used, limit.wanted, limit.waiting), (Some(2), 1, 2, 1), "{}", world.test.engine);
        assert!(seen.warnings.iter().any(|it| it.kind == campaign::preflight::WarningKind::OverLimit));
        let market = |seen: &campaign::preflight::Preflight, name: &str| {
            seen.cost.markets.iter().find(|it| it.market == name).cloned().unwrap()
        };
        let germany = market(&seen, "Germany");
        assert_eq!((germany.category.as_str(), germany.thousandths), ("utility", 5_000));
        assert_eq!(market(&seen, "North America").price_thousandths, None, "the list has no price for utility there");
        assert_eq!((seen.cost.currency.as_str(), seen.cost.total), ("EUR", 5));
        assert_eq!(seen.cost.unpriced, ["North America"]);

        // Moved to another category: the forecast follows, and a start with the old one is refused.
        let channel_id = world.whatsapp.id;
        let moved = move |tx: &mut segue_store::Tx<'_>| {
            tx.set_template_category(ws, channel_id, ("spring", Some("en")), "MARKETING", (now, now))
        };
        assert!(world.write(moved).await);
        let asked = campaign::action::Asked {
            action: CampaignAction::Start,
            actor: segue_model::actor::Actor::System,
            comment: None,
            preflight: Some(seen.mark.clone()),
            version: None,
        };
        let old = campaign::action::ask(&world.test.store, &world.test.ctx, &world.links, ws, draft.id, asked).await;
        assert!(matches!(old, Err(OutreachError::PreflightStale(_))), "{old:?}");
        let seen = check(&world, draft.id).await;
        let germany = market(&seen, "Germany");
        assert_eq!((germany.category.as_str(), germany.thousandths), ("marketing", 11_310));
        assert_eq!(market(&seen, "North America").thousandths, 5_000);
        assert_eq!(seen.cost.total, seen.cost.markets.iter().map(|market| market.total).sum::<i64>());
        assert!(seen.cost.price_list.unwrap().contains("2026-10-01"));
    }
}

static ACCEPT_ALL: Sql = Sql::portable(
    "ACCEPT_ALL",
    "UPDATE outbox SET provider_id = 'wamid.' || CAST(position AS TEXT) WHERE workspace_id = $1 AND campaign_id = $2",
);
static REFER: Sql = Sql::portable(
    "REFER",
    "UPDATE sessions SET referred_at = $2, free_entry_until = $3 WHERE workspace_id = $1 AND referred_at IS NULL",
);

#[tokio::test(flavor = "multi_thread")]
async fn the_check_walks_the_tiers_from_the_months_count_and_the_charge_goes_by_its_place() {
    for world in worlds().await {
        templates(&world, ("UTILITY", "APPROVED")).await;
        let (ws, now, ctx, engine) = (world.ws(), world.test.now(), world.test.ctx.clone(), world.test.engine);
        let (channel_id, zone) = (world.whatsapp.id, segue_model::rate_card::zone_of("UTC"));
        let segue_store::channel::ChannelConfig::WhatsApp(config) = &world.whatsapp.config else { panic!() };
        let portfolio = config.portfolio().to_owned();
        let german = |number: u32| format!("+4917112345{number:02}");
        for number in 1..=6 {
            let id = contact(&world, Some(&german(number)), "Ana", Some("gold")).await;
            agree(&world, &german(number), ConsentState::Granted).await;
            // One came by an advertisement and was answered.
            if number == 6 {
                customer(&world, id, ("phone", &german(6)), now.plus(-2 * time::DAY), Some(("active", false))).await;
            }
        }
        let until = now.plus(time::HOUR);
        world.write(move |tx| tx.execute(&REFER, &[&ws, &now.plus(-2 * time::DAY), &until])).await;
        let table =
            "market,category,from,price\nGermany,utility,1,0.05\nGermany,utility,4,0.04\nGermany,utility,7,0.03\n";
        let card = RateCard::read_csv("Ours", "2026-10-01", "EUR", table).unwrap();
        let charge = |free: bool| segue_model::charge::ToldCharge {
            charge: segue_model::charge::Charge {
                model: Some("PMP".to_owned()),
                kind: Some(if free { "free_entry_point" } else { "regular" }.to_owned()),
                category: Some("utility".to_owned()),
                billable: None,
            },
            rank: 1,
            at: now,
        };
        let volume = segue_model::charge::Volume::of(&charge(false), "DE", &zone);
        let (told, counted, of) = (charge(false), volume.clone(), portfolio.clone());
        world
            .write(move |tx| {
                tx.put_rate_card(ws, &card, ("test", ctx.now()))?;
                // Two were charged before in this month.
                for wamid in ["before.1", "before.2", "before.1"] {
                    tx.note_charge(ws, (channel_id, &of), wamid, (&told, counted.as_ref()))?;
                }
                Ok(())
            })
            .await;
        let draft = world.draft(by(&world, template(&world, "spring"))).await.unwrap();
        let seen = check(&world, draft.id).await;
        let [market] = seen.cost.markets.as_slice() else { panic!("{:?}", seen.cost.markets) };
        let shares = |market: &campaign::template_preflight::MarketCost| {
            market.tiers.iter().map(|share| (share.from, share.price_thousandths, share.messages)).collect::<Vec<_>>()
        };
        assert_eq!((market.messages, market.free, market.so_far), (6, 1, Some(2)), "{engine}");
        assert_eq!(
            shares(market),
            [(1, 5_000, 1), (4, 4_000, 3), (7, 3_000, 1)],
            "{engine}: the third, 4 to 6, the seventh"
        );
        assert_eq!(market.thousandths, 5_000 + 3 * 4_000 + 3_000);
        assert_eq!(seen.cost.total, 20);
        assert_eq!(market.free_reasons[0].reason, segue_model::rate_card::FreeReason::FreeEntry, "{engine}");
        assert!(market.free_reasons[0].words.contains("advertisement"));
        assert_eq!(market.next_tier, None, "the last one is reached");

        // Sent, and charged in another order than planned, with repetitions.
        let started = start(&world, by(&world, template(&world, "spring"))).await;
        let id = started.id;
        world.write(move |tx| tx.execute(&ACCEPT_ALL, &[&ws, &id])).await;
        let (told, free, of) = (charge(false), charge(true), portfolio.clone());
        world
            .write(move |tx| {
                for position in [5, 4, 3, 2, 1, 4, 5] {
                    let wamid = format!("wamid.{position}");
                    tx.note_charge(ws, (channel_id, &of), &wamid, (&told, volume.as_ref()))?;
                }
                tx.note_charge(ws, (channel_id, &of), "wamid.6", (&free, None))
            })
            .await;
        let charged = campaign::charges::charges(&world.test.store, ws, id).await.unwrap();
        let [market] = charged.markets.as_slice() else { panic!("{:?}", charged.markets) };
        assert_eq!((charged.messages, charged.total, charged.unpriced, market.free), (6, 20, 0, 1), "{engine}");
        assert_eq!(shares(market), [(1, 5_000, 1), (4, 4_000, 3), (7, 3_000, 1)], "{engine}");
        assert!(market.free_reasons[0].words.contains("advertisement"));
        let month = campaign::volumes::volumes(&world.test.store, ws, now).await.unwrap();
        let [row] = month.volumes.as_slice() else { panic!("{:?}", month.volumes) };
        assert_eq!((row.messages, row.price_thousandths, row.portfolio.as_str()), (7, Some(3_000), portfolio.as_str()));
        assert_eq!((month.markets_as_of.as_str(), row.numbers.len()), ("2026-10-01", 1), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_refused_in_words_before_the_start() {
    for world in worlds().await {
        templates(&world, ("MARKETING", "PAUSED")).await;
        contact(&world, Some(&phone(1)), "Ana", Some("gold")).await;
        agree(&world, &phone(1), ConsentState::Granted).await;
        let refused = async |change: &dyn Fn(&mut CampaignTemplate)| {
            let mut wanted = template(&world, "spring");
            change(&mut wanted);
            match world.draft(by(&world, wanted)).await {
                Err(OutreachError::Invalid { message, .. }) => message,
                Err(other) => other.to_string(),
                Ok(_) => panic!("it was taken"),
            }
        };
        assert!(refused(&|it| it.name = "other".to_owned()).await.contains("has no template other"));
        assert!(refused(&|it| it.channel_id = world.sms.id).await.contains("no such WhatsApp number"));
        assert!(refused(&|it| it.values.truncate(1)).await.contains("takes 2 values; there are 1"));
        assert!(refused(&|it| it.values[0] = "  ".to_owned()).await.contains("a value for each placeholder"));
        assert!(refused(&|it| it.values[0] = "{{ nonsense }}".to_owned()).await.contains("nonsense"));
        assert!(refused(&|it| it.buttons.clear()).await.contains("button 2 ends in"));
        assert!(refused(&|it| it.buttons[0].index = 0).await.contains("Button 1 of the template takes no value"));
        assert!(refused(&|it| it.name = "code".to_owned()).await.contains("One-time codes"));
        for (target, why) in [
            ("http://shop.example.com", "begins with https://"),
            ("https://shop.example.com/a b", "a blank or a line break"),
            ("https://shop.example.com/a\nb", "a blank or a line break"),
            ("https:///spring", "names no host"),
            ("https://localhost/", "names no host"),
            ("https://schön.example.com/", "address line of a browser"),
        ] {
            let said = refused(&|it| it.buttons[0].target = Some(target.to_owned())).await;
            assert!(said.contains(why), "{target}: {said}");
        }
        // A line break behind it is only taken off.
        let mut wanted = template(&world, "spring");
        wanted.buttons[0].target = Some(" https://shop.example.com/spring\n".to_owned());
        let (ws, id) = (world.ws(), world.draft(by(&world, wanted)).await.unwrap().id);
        let stored = world.write(move |tx| tx.campaign_links(ws, id)).await;
        assert_eq!(stored[0].target.as_deref(), Some("https://shop.example.com/spring"), "{}", world.test.engine);
        let other_host = |it: &mut CampaignTemplate| it.name = "news".to_owned();
        assert!(refused(&other_host).await.contains("has to be https://go.example.com/l/{{1}}"));

        let draft = world.draft(by(&world, template(&world, "spring"))).await.unwrap();
        let seen = check(&world, draft.id).await;
        assert!(seen.warnings.iter().any(|it| it.kind == campaign::preflight::WarningKind::TemplateNotApproved));
        let Err(OutreachError::Invalid { message, .. }) = world.act(draft.id, CampaignAction::Start).await else {
            panic!("it was started")
        };
        assert!(message.contains("PAUSED"), "{message}");
        // Approved, but marketing is stopped: no start, until somebody lets it go on.
        let (ws, channel_id, now) = (world.ws(), world.whatsapp.id, world.test.now());
        world
            .write(move |tx| tx.set_template_status(ws, channel_id, ("spring", None), ("APPROVED", None), (None, now)))
            .await;
        world.write(move |tx| tx.put_brake(ws, channel_id, ("", "The number is RED."), now)).await;
        assert!(world.act(draft.id, CampaignAction::Start).await.is_err());
        world.write(move |tx| tx.release_brake(ws, channel_id, "", now)).await;
        world.act(draft.id, CampaignAction::Start).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_held_and_goes_on_with_its_template_and_its_quality() {
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        contact(&world, Some(&phone(1)), "Ana", Some("gold")).await;
        agree(&world, &phone(1), ConsentState::Granted).await;
        let (store, ws, channel_id, now) = (&world.test.store, world.ws(), world.whatsapp.id, world.test.now());
        let campaign = start(&world, by(&world, template(&world, "spring"))).await;
        assert_eq!((campaign.state, campaign.hold.clone()), (CampaignState::Running, None));
        let held = async || campaign::get(store, ws, campaign.id).await.unwrap().hold.map(|hold| hold.rule);
        let set = async |status: &'static str| {
            world
                .write(move |tx| {
                    tx.set_template_status(ws, channel_id, ("spring", Some("en")), (status, None), (None, now))
                })
                .await
        };
        set("PAUSED").await;
        assert_eq!(held().await.as_deref(), Some("template_paused"), "{}", world.test.engine);
        let query = RecipientQuery { state: Some(RecipientState::Held), search: String::new(), after: 0, limit: 9 };
        let shown = campaign::recipients(store, &world.test.ctx, ws, campaign.id, query).await.unwrap();
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].reason.as_deref(), Some("WhatsApp has paused the template"));
        assert_eq!(shown[0].text.as_deref(), Some("Hi Ana, our gold offer is here."));
        world.write(move |tx| tx.put_brake(ws, channel_id, ("spring", "It is RED."), now)).await;
        set("APPROVED").await;
        assert_eq!(held().await.as_deref(), Some("quality_brake"), "one reason less, the other stays");
        world.write(move |tx| tx.release_brake(ws, channel_id, "spring", now)).await;
        assert_eq!(held().await, None);
        set("DISABLED").await;
        assert_eq!(held().await.as_deref(), Some("template_paused"));
        world.act(campaign.id, CampaignAction::Cancel).await.unwrap();
        assert_eq!(held().await, None, "what has ended is not held");
    }
}

static BY_EMAIL: Sql = Sql::portable(
    "BY_EMAIL",
    "UPDATE messaging_users SET linked_by = 'email' WHERE workspace_id = $1 AND contact_id = $2",
);

#[tokio::test(flavor = "multi_thread")]
async fn one_line_under_two_writings_gets_it_once_whether_planned_at_once_or_chunk_by_chunk() {
    let numbers =
        [("+5511999990000", "+551199990000"), ("+5215512345678", "+525512345678"), ("+5491112345678", "+541112345678")];
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        for (one, other) in numbers {
            for number in [one, other] {
                contact(&world, Some(number), "Ana", Some("gold")).await;
                agree(&world, number, ConsentState::Granted).await;
            }
        }
        contact(&world, Some(&phone(1)), "Ben", Some("gold")).await;
        agree(&world, &phone(1), ConsentState::Granted).await;
        let draft = world.draft(by(&world, template(&world, "spring"))).await.unwrap();
        let seen = check(&world, draft.id).await;
        assert_eq!((seen.audience, seen.sendable), (7, 4), "{}", world.test.engine);
        assert_eq!((seen.excluded[0].rule.as_str(), seen.excluded[0].count), ("duplicate_phone", 3));
        let query = campaign::preflight::PeopleQuery { rule: "duplicate_phone".to_owned(), after: None, limit: 2 };
        let people = async |after| {
            let query = campaign::preflight::PeopleQuery { after, ..query.clone() };
            let (store, ctx) = (&world.test.store, &world.test.ctx);
            campaign::preflight::people(store, ctx, &world.links, world.ws(), draft.id, query).await.unwrap()
        };
        let (first, cursor) = people(None).await;
        let (second, _) = people(cursor).await;
        assert_eq!((first.len(), second.len()), (2, 1), "{}: page by page the same", world.test.engine);
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        assert_eq!(planned(&world).await.len(), 4, "{}", world.test.engine);
        assert_eq!(rules(&world, draft.id).await, [("duplicate_phone".to_owned(), 3)]);
        // What an earlier chunk has planned counts as well.
        let (ws, id) = (world.ws(), draft.id);
        let known =
            async |address: &'static str| world.write(move |tx| tx.has_message_of_campaign(ws, id, address)).await;
        for (one, other) in numbers {
            assert_ne!(known(one).await, known(other).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_linked_by_a_typed_e_mail_is_not_written_to() {
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        let now = world.test.now();
        let ana = contact(&world, Some(&phone(1)), "Ana", Some("gold")).await;
        customer(&world, ana, ("phone", &phone(2)), now.plus(-time::HOUR), None).await;
        for number in [1, 2] {
            agree(&world, &phone(number), ConsentState::Granted).await;
        }
        let ws = world.ws();
        world.write(move |tx| tx.execute(&BY_EMAIL, &[&ws, &ana])).await;
        start(&world, by(&world, template(&world, "spring"))).await;
        let addresses: Vec<String> = planned(&world).await.into_iter().map(|row| row.address).collect();
        assert_eq!(addresses, [phone(1)], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_that_campaigns_cannot_fill_are_refused() {
    for world in worlds().await {
        let (ws, channel_id, ctx) = (world.ws(), world.whatsapp.id, world.test.ctx.clone());
        let listed = |name: &str, extra: serde_json::Value| ListedTemplate {
            name: name.to_owned(),
            language: "en".to_owned(),
            category: "MARKETING".to_owned(),
            status: "APPROVED".to_owned(),
            components: json!([{ "type": "BODY", "text": "Hi {{1}}, {{2}} is here." }, extra]),
            ..ListedTemplate::default()
        };
        let all = [
            listed("cards", json!({ "type": "CAROUSEL", "cards": [] })),
            listed(
                "products",
                json!({ "type": "CAROUSEL", "cards": [{ "components": [
                { "type": "HEADER", "format": "PRODUCT" }] }] }),
            ),
        ];
        world.write(move |tx| tx.replace_templates(ws, channel_id, &all, &ctx)).await;
        for name in ["cards", "products"] {
            let mut wanted = template(&world, name);
            wanted.buttons.clear();
            let Err(OutreachError::Invalid { message, .. }) = world.draft(by(&world, wanted)).await else {
                panic!("{} {name} was taken", world.test.engine)
            };
            assert!(message.contains("Campaigns cannot fill in"), "{name}: {message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_total_is_the_sum_of_what_is_shown_for_the_markets() {
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        for number in [phone(1), "+4915112345678".to_owned(), "+5511999990000".to_owned(), "+447400123456".to_owned()] {
            contact(&world, Some(&number), "Ana", Some("gold")).await;
            agree(&world, &number, ConsentState::Granted).await;
        }
        let draft = world.draft(by(&world, template(&world, "spring"))).await.unwrap();
        let cost = check(&world, draft.id).await.cost;
        let shown: i64 = cost.markets.iter().map(|market| market.total).sum();
        assert_eq!(cost.total, shown, "{}: {:?}", world.test.engine, cost.markets);
        assert!(cost.markets.iter().any(|market| market.thousandths % 1_000 != 0), "a market that is rounded");
        for market in &cost.markets {
            assert_eq!(market.total, (market.thousandths + 500) / 1_000);
        }
    }
}

static SEND_ALL: Sql = Sql::portable(
    "SEND_ALL",
    "UPDATE outbox SET provider_id = 'wamid.' || CAST(position AS TEXT) WHERE workspace_id = $1 AND campaign_id = $2",
);
static TELL_CHARGE: Sql = Sql::portable(
    "TELL_CHARGE",
    "INSERT INTO message_charges (workspace_id, channel_id, provider_id, rank, at, model, kind, category)
        VALUES ($1, $2, $3, 1, $4, 'PMP', 'regular', 'marketing')",
);

#[tokio::test(flavor = "multi_thread")]
async fn each_charge_is_priced_by_the_list_of_its_day_and_another_currency_is_left_out_of_the_total() {
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        let (ws, now, ctx, channel_id) = (world.ws(), world.test.now(), world.test.ctx.clone(), world.whatsapp.id);
        for number in 1..=3 {
            let phone = format!("+4917112345{number:02}");
            contact(&world, Some(&phone), "Ana", Some("gold")).await;
            agree(&world, &phone, ConsentState::Granted).await;
        }
        let sent = world.sent(by(&world, template(&world, "spring"))).await.id;
        let list = |day: &str, currency: &str, price: &str| {
            let table = format!("market,category,price\nGermany,marketing,{price}\n");
            RateCard::read_csv("Ours", day, currency, &table).unwrap()
        };
        let lists =
            [list("2026-10-01", "EUR", "0.05"), list("2026-11-24", "EUR", "0.07"), list("2026-11-25", "USD", "0.1")];
        world
            .write(move |tx| {
                tx.execute(&SEND_ALL, &[&ws, &sent])?;
                lists.iter().try_for_each(|list| tx.put_rate_card(ws, list, ("test", ctx.now())))
            })
            .await;
        let tell = async |position: i64, days: i64| {
            let (id, at) = (format!("wamid.{position}"), now.plus(days * time::DAY));
            world.write(move |tx| tx.execute(&TELL_CHARGE, &[&ws, &channel_id, &id, &at])).await;
        };
        let charges = async || campaign::charges::charges(&world.test.store, ws, sent).await;
        tell(1, 0).await;
        tell(2, 1).await;
        let told = charges().await.unwrap();
        let prices: Vec<_> = told.markets.iter().map(|it| (it.messages, it.price_thousandths)).collect();
        assert_eq!(prices, [(1, Some(7_000)), (1, Some(5_000))], "{}", world.test.engine);
        assert_eq!((told.total, told.currency.as_str(), told.messages), (12, "EUR", 2), "{}", world.test.engine);
        assert_eq!(told.price_list, "Ours, from 2026-10-01; Ours, from 2026-11-24");
        tell(3, 2).await;
        let told = charges().await.unwrap();
        assert_eq!((told.total, told.currency.as_str(), told.messages), (12, "EUR", 3), "{}", world.test.engine);
        let prices: Vec<_> = told.markets.iter().map(|it| (it.messages, it.price_thousandths)).collect();
        assert_eq!((prices[2], told.unpriced), ((1, None), 1), "{}", world.test.engine);
        let left_out = "; Ours, from 2026-11-25 (in USD, left out of the total)";
        assert!(told.price_list.ends_with(left_out), "{}", told.price_list);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_of_a_recurring_template_asks_about_the_run_that_comes_next() {
    use segue_model::schedule::{Frequency, Repeat, Schedule, ScheduleClock};
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        contact(&world, Some(&phone(1)), "Ana", Some("gold")).await;
        agree(&world, &phone(1), ConsentState::Granted).await;
        let repeat = Some(Repeat { frequency: Frequency::Weekly, interval: 1, count: None, until: None });
        let starts_at = Some("2026-11-16T09:00".parse().unwrap());
        let schedule = Schedule { starts_at, repeat, clock: ScheduleClock::Recipient, ..Schedule::default() };
        let input = CampaignInput { schedule, ..by(&world, template(&world, "spring")) };
        let draft = world.draft(input).await.unwrap();
        // The first run was a week ago, and the next one is under way.
        for days in [0, 2] {
            world.test.clock.advance(days * time::DAY);
            let seen = check(&world, draft.id).await;
            assert_eq!(seen.sendable, 1, "{} {days}: {:?}", world.test.engine, seen.excluded);
        }
    }
}
