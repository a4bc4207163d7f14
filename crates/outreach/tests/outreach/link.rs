use segue_model::{
    attribution::Attribution,
    campaign::{CampaignAction, CampaignState},
    code::{CodeTarget, POSTER, grouped},
    consent::Medium,
    time,
};
use segue_outreach::redirect::{FRESH, LINK_LIFE, LinkRequest, Method, Opened, Tick};
use segue_store::{
    Sql,
    campaign::CampaignView,
    click::Device,
    link::{Landing, LinkSettings},
    recipient::Pointers,
};
use tokio_util::sync::CancellationToken;

use crate::world::{World, phone, worlds};

const BROWSER: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
                       Chrome/130.0.0.0 Mobile Safari/537.36";

const DESKTOP: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                       Chrome/130.0.0.0 Safari/537.36";

fn get(agent: &str) -> LinkRequest {
    LinkRequest { method: Method::Get, user_agent: Some(agent.to_owned()), purpose: None }
}

async fn request(world: &World, code: &str, request: LinkRequest) -> Opened {
    world.redirects.open(code, request).await.unwrap()
}

fn code(world: &World, campaign: &CampaignView, position: u32) -> String {
    world.links.key().encode(CodeTarget { campaign_number: campaign.number, position })
}

async fn figures(world: &World, campaign: &CampaignView) -> (i64, i64, i64) {
    let funnel = segue_outreach::campaign::funnel(&world.test.store, world.ws(), campaign.id).await.unwrap();
    (funnel.taps_raw, funnel.tapped_filtered, funnel.tapped)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_to_the_chat_with_the_recipients_reference() {
    for world in worlds().await {
        world.crowd(2).await;
        let campaign = world.sent(world.input()).await;
        let code = code(&world, &campaign, 2);
        let reference = grouped(&code).to_uppercase();
        let expected =
            format!("https://wa.me/15550783881?text=Hi%21%20I%20saw%20your%20offer%20%28ref%20{reference}%29");
        for written in [code.clone(), code.to_uppercase(), grouped(&code)] {
            assert_eq!(request(&world, &written, get(BROWSER)).await, Opened::Redirect(expected.clone()));
        }
        // What the customer then sends leads back to him.
        let text = format!("Hi! I saw your offer (ref {reference})");
        let (target, said) = world.links.key().find_in_text(&text).unwrap();
        assert_eq!((target.position, said.as_str()), (2, "Hi! I saw your offer"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_of_the_qr_code_count_as_such_and_tests_nowhere() {
    for world in worlds().await {
        world.crowd(2).await;
        let campaign = world.sent(world.input()).await;
        let qr = code(&world, &campaign, POSTER);
        let Opened::Redirect(chat) = request(&world, &qr, get(BROWSER)).await else { panic!("no chat") };
        assert!(chat.contains(&grouped(&qr).to_uppercase()), "what the customer sends names the QR code: {chat}");
        for position in [0, 1] {
            request(&world, &code(&world, &campaign, position), get(BROWSER)).await;
        }
        let view = segue_outreach::campaign::links::view(&world.test.store, &world.links, world.ws(), campaign.id);
        let link = view.await.unwrap().links.remove(0);
        assert_eq!((link.raw, link.filtered, link.scanned), (2, 2, 1));
        assert!(link.qr_link.ends_with(&qr), "{}", link.qr_link);
        assert_eq!(figures(&world, &campaign).await, (1, 1, 1), "the funnel has the recipient's tap alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_expired_and_canceled() {
    for world in worlds().await {
        world.crowd(2).await;
        let campaign = world.sent(world.input()).await;
        let good = code(&world, &campaign, 1);
        let mut wrong = good.clone();
        wrong.replace_range(3..4, if &good[3..4] == "0" { "1" } else { "0" });
        let stranger = world.links.key().encode(CodeTarget { campaign_number: campaign.number + 1, position: 1 });
        for unknown in [wrong, String::new(), "x".to_owned(), code(&world, &campaign, 3), stranger] {
            assert_eq!(request(&world, &unknown, get(BROWSER)).await, Opened::NotFound, "{unknown}");
        }
        assert_eq!(figures(&world, &campaign).await, (0, 0, 0));

        world.test.clock.advance(LINK_LIFE * 2);
        assert!(matches!(request(&world, &good, get(BROWSER)).await, Opened::Redirect(_)), "it has not ended");
        let canceled = world.act(campaign.id, CampaignAction::Cancel).await.unwrap();
        assert_eq!(canceled.state, CampaignState::Canceled);
        world.test.clock.advance(LINK_LIFE);
        assert!(matches!(request(&world, &good, get(BROWSER)).await, Opened::Redirect(_)), "canceled, still good");
        world.test.clock.advance(1);
        assert_eq!(request(&world, &good, get(BROWSER)).await, Opened::Expired);
        assert_eq!(figures(&world, &campaign).await, (2, 2, 1), "an expired link counts nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_never_issued_is_told_without_the_database() {
    for world in worlds().await {
        world.test.store.close();
        assert_eq!(request(&world, "0000000000000000", get(BROWSER)).await, Opened::NotFound);
        let issued = world.links.key().encode(CodeTarget { campaign_number: 1, position: 1 });
        let asked = world.redirects.open(&issued, get(BROWSER)).await;
        assert_eq!(asked.unwrap_err().code(), "store", "the other one does ask it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_counted_raw_but_the_recipient_tapped_once() {
    for world in worlds().await {
        world.crowd(3).await;
        let campaign = world.sent(world.input()).await;
        let one = code(&world, &campaign, 1);
        let tasks: Vec<_> = (0..150)
            .map(|n| {
                let (redirects, one) = (world.redirects.clone(), one.clone());
                let request = match n % 5 {
                    0 => get("WhatsApp/2.24.20.89 A"),
                    1 => LinkRequest { method: Method::Head, ..get(BROWSER) },
                    2 => get("curl/8.5.0"),
                    _ => get(BROWSER),
                };
                tokio::spawn(async move { redirects.open(&one, request).await.unwrap() })
            })
            .collect();
        for task in tasks {
            assert!(matches!(task.await.unwrap(), Opened::Redirect(_)), "everybody is sent on");
        }
        // Robots alone are no tap.
        request(&world, &code(&world, &campaign, 2), get("facebookexternalhit/1.1")).await;
        assert_eq!(figures(&world, &campaign).await, (151, 60, 1), "{}", world.test.engine);
        // The link of a test send works and counts nowhere.
        assert!(matches!(request(&world, &code(&world, &campaign, 0), get(BROWSER)).await, Opened::Redirect(_)));
        assert_eq!(figures(&world, &campaign).await, (151, 60, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_are_attributed_by_code_number_and_recent_taps() {
    for world in worlds().await {
        world.crowd(3).await;
        let campaign = world.sent(world.input()).await;
        let ws = world.ws();
        let campaign_number = campaign.number;
        let target = move |position| Some(CodeTarget { campaign_number, position });
        let ask = |code, from: Option<u32>, now| {
            let from = from.map(|n| phone(n).parse().unwrap());
            let world = &world;
            async move {
                let found = world
                    .write(move |tx| {
                        tx.attribution_of(ws, Pointers { code, phone: from.as_ref(), ..Pointers::default() }, now)
                    })
                    .await;
                (found.attribution, found.recipient.map(|recipient| recipient.position))
            }
        };
        let now = world.test.now();
        assert_eq!(ask(target(1), Some(0), now).await, (Attribution::Certain, Some(1)));
        assert_eq!(ask(target(1), Some(1), now).await, (Attribution::Claimed, Some(1)));
        assert_eq!(ask(target(1), None, now).await, (Attribution::Claimed, Some(1)));
        assert_eq!(ask(target(9), Some(0), now).await, (Attribution::None, None), "nobody has this position");
        assert_eq!(ask(None, Some(0), now).await, (Attribution::None, None), "nothing was tapped");
        request(&world, &code(&world, &campaign, 1), get("Twitterbot/1.0")).await;
        assert_eq!(ask(None, Some(0), now).await, (Attribution::None, None), "a robot's tap is none");
        request(&world, &code(&world, &campaign, 1), get(BROWSER)).await;
        assert_eq!(ask(None, Some(0), now).await, (Attribution::Inferred, Some(1)));
        assert_eq!(ask(None, Some(1), now).await, (Attribution::None, None));
        assert_eq!(ask(None, None, now).await, (Attribution::None, None));
        let late = now.plus(5 * time::DAY);
        assert_eq!(ask(None, Some(0), late).await, (Attribution::None, None), "too long ago");
        // A later tap counts although the first one is long past.
        world.test.clock.set(late);
        request(&world, &code(&world, &campaign, 1), get(BROWSER)).await;
        assert_eq!(ask(None, Some(0), late).await, (Attribution::Inferred, Some(1)));

        let other = world.test.ctx.id();
        let stranger = world
            .write(move |tx| tx.attribution_of(other, Pointers { code: target(1), ..Pointers::default() }, late))
            .await;
        assert_eq!(stranger.attribution, Attribution::None, "another workspace's code is no code");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_stamp_of_each_kind_stands() {
    use segue_store::recipient::Stamp;
    for world in worlds().await {
        world.crowd(2).await;
        let campaign = world.sent(world.input()).await;
        let (ws, id, now, session_id) = (world.ws(), campaign.id, world.test.now(), world.test.ctx.id());
        let stamps = [
            Stamp::FirstTap,
            Stamp::Chat { session_id, tier: Attribution::Certain },
            Stamp::BotFinished,
            Stamp::Agent,
            Stamp::Case,
            Stamp::Lead,
            Stamp::Won,
        ];
        for (round, first) in [(0, true), (1_000, false)] {
            for stamp in stamps {
                let stamped = world.write(move |tx| tx.stamp_recipient(ws, id, 1, stamp, now.plus(round))).await;
                assert_eq!(stamped, first, "{stamp:?}");
            }
        }
        assert!(!world.write(move |tx| tx.stamp_recipient(ws, id, 77, Stamp::Won, now)).await, "nobody");
        let funnel = segue_outreach::campaign::funnel(&world.test.store, ws, id).await.unwrap();
        let counted =
            [funnel.tapped, funnel.chats, funnel.bot_finished, funnel.agent, funnel.cases, funnel.leads, funnel.won];
        assert_eq!(counted, [1; 7]);
        let (store, ctx) = (&world.test.store, &world.test.ctx);
        let query = segue_store::recipient::RecipientQuery { limit: 10, ..Default::default() };
        let rows = segue_outreach::campaign::recipients(store, ctx, ws, id, query).await.unwrap();
        assert_eq!((rows[0].first_tap_at, rows[0].session_id), (Some(now), Some(session_id)));
        assert_eq!((rows[1].first_tap_at, rows[1].session_id), (None, None));
    }
}

static SET_SUBMITTED: Sql =
    Sql::portable("SET_SUBMITTED", "UPDATE outbox SET submitted_at = $3 WHERE workspace_id = $1 AND campaign_id = $2");

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_stopped_leads_nowhere_from_that_moment_on_until_it_is_allowed_again() {
    for world in worlds().await {
        world.crowd(1).await;
        let campaign = world.sent(world.input()).await;
        let (ws, id, now, one) = (world.ws(), campaign.id, world.test.now(), code(&world, &campaign, 1));
        assert!(matches!(request(&world, &one, get(BROWSER)).await, Opened::Redirect(_)));
        // Of what was kept in memory nothing is used once it is forgotten, though it is fresh.
        for (is_all, stopped) in [(true, Some(now)), (true, None), (false, Some(now)), (false, None)] {
            world
                .write(move |tx| match is_all {
                    true => tx.stop_links(ws, id, stopped),
                    false => tx.change_link(ws, id, 0, None, stopped).map(|_| ()),
                })
                .await;
            world.redirects.forget(campaign.number);
            let opened = request(&world, &one, get(BROWSER)).await;
            assert_eq!(opened == Opened::Stopped, stopped.is_some(), "{is_all} {opened:?}");
        }
        assert_eq!(figures(&world, &campaign).await, (3, 3, 1), "a stopped link counts nothing");
        // Another node learns of it by itself, soon.
        world.write(move |tx| tx.stop_links(ws, id, Some(now))).await;
        world.test.clock.advance(FRESH);
        assert_eq!(request(&world, &one, get(BROWSER)).await, Opened::Stopped);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_when_it_is_told_to() {
    for world in worlds().await {
        world.crowd(1).await;
        let campaign = world.sent(world.input()).await;
        let (ws, id, one) = (world.ws(), campaign.id, code(&world, &campaign, 1));
        let end = world.test.now().plus(time::HOUR);
        let settings = LinkSettings { expires_at: Some(end), ..LinkSettings::default() };
        world.write(move |tx| tx.put_link_settings(ws, id, &settings)).await;
        world.test.clock.set(end);
        assert!(matches!(request(&world, &one, get(BROWSER)).await, Opened::Redirect(_)));
        world.test.clock.advance(1);
        assert_eq!(request(&world, &one, get(BROWSER)).await, Opened::Expired);
        let longer = LinkSettings { expires_at: Some(end.plus(time::DAY)), ..LinkSettings::default() };
        world.write(move |tx| tx.put_link_settings(ws, id, &longer)).await;
        world.redirects.forget(campaign.number);
        assert!(matches!(request(&world, &one, get(BROWSER)).await, Opened::Redirect(_)));
        world.write(move |tx| tx.change_link(ws, id, 0, Some(end), None)).await;
        world.redirects.forget(campaign.number);
        assert_eq!(request(&world, &one, get(BROWSER)).await, Opened::Expired, "one link alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_looked_up_needs_no_database() {
    for world in worlds().await {
        world.crowd(1).await;
        let campaign = world.sent(world.input()).await;
        let test_link = code(&world, &campaign, 0);
        request(&world, &test_link, get(BROWSER)).await;
        world.test.store.close();
        assert!(matches!(request(&world, &test_link, get(BROWSER)).await, Opened::Redirect(_)));
        world.test.clock.advance(FRESH);
        assert!(world.redirects.open(&test_link, get(BROWSER)).await.is_err(), "it is looked up again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_gather_and_are_stored_within_a_second_and_at_the_end() {
    for world in worlds().await {
        world.crowd(3).await;
        let campaign = world.sent(world.input()).await;
        let shutdown = CancellationToken::new();
        let (redirects, token) = (world.redirects.clone(), shutdown.clone());
        let run = tokio::spawn(async move { redirects.clicks().run(token).await });
        tokio::task::yield_now().await;
        assert!(segue_outreach::clicks::GATHER <= std::time::Duration::from_millis(500));
        let started = tokio::time::Instant::now();
        for position in [1, 2, 1] {
            let answer = request(&world, &code(&world, &campaign, position), get(BROWSER)).await;
            assert!(matches!(answer, Opened::Redirect(_)));
        }
        while figures(&world, &campaign).await != (3, 3, 2) {
            // Long, because a busy machine is slow; what is promised is how long clicks gather.
            assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", figures(&world, &campaign).await);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        request(&world, &code(&world, &campaign, 3), get(BROWSER)).await;
        shutdown.cancel();
        run.await.unwrap();
        assert_eq!(figures(&world, &campaign).await, (4, 4, 3), "nothing is left behind");
        request(&world, &code(&world, &campaign, 3), get(BROWSER)).await;
        assert_eq!(figures(&world, &campaign).await, (5, 5, 3), "who comes later is stored at once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_before_anybody_can_have_read_the_text_counts_only_when_a_chat_follows() {
    use segue_store::recipient::Stamp;
    for world in worlds().await {
        world.crowd(2).await;
        let campaign = world.sent(world.input()).await;
        let (ws, id, now) = (world.ws(), campaign.id, world.test.now());
        world.write(move |tx| tx.execute(&SET_SUBMITTED, &[&ws, &id, &now])).await;
        world.test.clock.advance(segue_store::click::EARLY - 1);
        request(&world, &code(&world, &campaign, 1), get(BROWSER)).await;
        assert_eq!(figures(&world, &campaign).await, (1, 0, 0), "{}", world.test.engine);
        world.test.clock.advance(1);
        request(&world, &code(&world, &campaign, 2), get(BROWSER)).await;
        assert_eq!(figures(&world, &campaign).await, (2, 1, 1));
        let session_id = world.test.ctx.id();
        world
            .write(move |tx| tx.stamp_recipient(ws, id, 1, Stamp::Chat { session_id, tier: Attribution::Certain }, now))
            .await;
        assert_eq!(figures(&world, &campaign).await, (2, 1, 2), "the chat proves it");
        let devices = world.write(move |tx| tx.clicks_by_device(ws, id)).await;
        assert_eq!((devices[0].device.as_str(), devices[0].count), ("android", 1));
        let query = segue_store::recipient::RecipientQuery { limit: 10, ..Default::default() };
        let rows =
            segue_outreach::campaign::recipients(&world.test.store, &world.test.ctx, ws, id, query).await.unwrap();
        for row in &rows {
            let tap = (row.first_tap_device.map(Device::as_str), row.first_tap_link);
            assert_eq!(tap, (Some("android"), Some(0)), "of the early tap, too");
        }
        let lines = segue_outreach::campaign::export::lines(&rows);
        assert_eq!(lines.matches("\"android\",\"0\"\r\n").count(), 2, "{lines}");
        request(&world, &code(&world, &campaign, 2), get(DESKTOP)).await;
        let query = segue_store::recipient::RecipientQuery { limit: 10, ..Default::default() };
        let rows =
            segue_outreach::campaign::recipients(&world.test.store, &world.test.ctx, ws, id, query).await.unwrap();
        assert_eq!(rows[1].first_tap_device, Some(Device::Android), "a later tap changes nothing");
        let over_time = world.write(move |tx| tx.clicks_over_time(ws, id, time::HOUR, 10)).await;
        assert_eq!((over_time[0].raw, over_time[0].filtered, over_time[0].confirmed), (3, 2, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transparent_footer_carries_the_recipients_reference() {
    use segue_model::campaign::Footer;
    for world in worlds().await {
        world.crowd(2).await;
        let campaign = world.sent(segue_store::campaign::CampaignInput { footer: Footer::WaMe, ..world.input() }).await;
        for (position, message) in (1..).zip(world.messages().await) {
            let (body, link) = message.text.split_once('\n').unwrap();
            assert_eq!(body, "Hi Ana, chat with us:");
            let reference = grouped(&code(&world, &campaign, position)).to_uppercase();
            assert_eq!(
                link,
                format!("https://wa.me/15550783881?text=Hi%21%20I%20saw%20your%20offer%20%28ref%20{reference}%29")
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_address_of_a_text_becomes_a_link_of_its_own_and_leads_to_what_was_stored() {
    use segue_store::campaign::CampaignInput;
    for world in worlds().await {
        world.crowd(2).await;
        let body =
            "Shoes: https://shop.example/shoes?a=1, hats: https://shop.example/hats. https://x.example/{{ locale }}";
        let input = CampaignInput { body: body.to_owned(), ..world.input() };
        let campaign = world.sent(input).await;
        let link = |position, link| {
            let target = CodeTarget { campaign_number: campaign.number, position };
            world.links.short(segue_model::code::LinkCode { target, link })
        };
        let message = &world.messages().await[1];
        let expected = format!("Shoes: {}, hats: {}. https://x.example/\n{}", link(2, 1), link(2, 2), link(2, 0));
        assert_eq!(message.text, expected);
        let code = |number: u8| link(2, number).rsplit('/').next().unwrap().to_owned();
        for (number, target) in [(1, "https://shop.example/shoes?a=1"), (2, "https://shop.example/hats")] {
            assert_eq!(request(&world, &code(number), get(BROWSER)).await, Opened::Redirect(target.to_owned()));
        }
        assert_eq!(request(&world, &code(3), get(BROWSER)).await, Opened::NotFound, "nothing is stored for it");
        let (ws, id) = (world.ws(), campaign.id);
        let counts = world.write(move |tx| tx.clicks_by_link(ws, id)).await;
        assert_eq!((counts[&1].raw, counts[&2].filtered, counts.get(&0)), (1, 1, None));
        // A tap on another link says nothing about a chat.
        let now = world.test.now();
        let number = phone(1).parse().unwrap();
        let found = world
            .write(move |tx| tx.attribution_of(ws, Pointers { phone: Some(&number), ..Pointers::default() }, now))
            .await;
        assert_eq!(found.attribution, Attribution::None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_keep_their_host_name_whatever_becomes_the_default_and_it_stays_for_as_long_as_they_work() {
    use segue_outreach::{
        campaign::links::{self, view},
        domains,
    };
    for world in worlds().await {
        world.crowd(1).await;
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let domain = async |host: &str| {
            let added = domains::add(store, ctx, ws, host).await.unwrap();
            assert!(domains::verify(store, ctx, &added.check_token, host).await.unwrap());
            added.id
        };
        let base = async |campaign: &CampaignView| {
            view(store, &world.links, ws, campaign.id).await.unwrap().link_base.replace("https://", "")
        };
        let (first, second) = (domain("a.example").await, domain("b.example").await);
        let old = world.sent(world.input()).await;
        let own = base(&old).await;
        let early = world.draft(world.input()).await.unwrap();
        domains::make_default(store, ctx, ws, first).await.unwrap();
        // A draft from before leaves its host name by a choice, and goes by the default from then on.
        assert_eq!(base(&early).await, own, "{engine}");
        for (choice, stands_on) in [(Some(second), "b.example"), (None, "a.example")] {
            let choose = move |before: &LinkSettings| {
                Ok::<_, segue_outreach::OutreachError>(LinkSettings { domain_id: choice, ..before.clone() })
            };
            let actor = segue_model::actor::Actor::System;
            links::change(store, &world.links, ws, early.id, &actor, choose).await.unwrap();
            assert_eq!(base(&early).await, stands_on, "{engine}");
        }
        assert!(world.write(move |tx| tx.delete_draft(ws, early.id)).await, "{engine}");
        let draft = world.draft(world.input()).await.unwrap();
        let sent = world.sent(world.input()).await;
        assert_eq!(
            [base(&old).await, base(&draft).await, base(&sent).await],
            [&own, "a.example", "a.example"],
            "{engine}"
        );
        domains::make_default(store, ctx, ws, second).await.unwrap();
        assert_eq!(
            [base(&old).await, base(&draft).await, base(&sent).await],
            [&own, "a.example", "a.example"],
            "{engine}"
        );
        let new = world.draft(world.input()).await.unwrap();
        assert_eq!(base(&new).await, "b.example", "{engine}");

        // One that campaigns stand on is named with what uses it; a draft that chose none takes the next one.
        let refused = domains::remove(store, ctx, ws, first).await.unwrap_err();
        assert_eq!(refused.code(), "domain_in_use", "{engine}");
        assert!(refused.to_string().contains(&format!("'{}'", sent.input.name)), "{engine}: {refused}");
        assert!(refused.to_string().contains("90 days after"), "{engine}: {refused}");
        domains::remove(store, ctx, ws, second).await.unwrap();
        assert_eq!(base(&new).await, own, "{engine}");
        for id in [draft.id, new.id] {
            assert!(world.write(move |tx| tx.delete_draft(ws, id)).await, "{engine}");
        }
        // What was sent works on.
        assert_eq!(base(&sent).await, "a.example", "{engine}");
        world.act(sent.id, CampaignAction::Cancel).await.unwrap();
        world.test.clock.advance(LINK_LIFE);
        assert_eq!(domains::remove(store, ctx, ws, first).await.unwrap_err().code(), "domain_in_use", "{engine}");
        assert!(
            matches!(request(&world, &code(&world, &sent, 1), get(BROWSER)).await, Opened::Redirect(_)),
            "{engine}"
        );
        world.test.clock.advance(1);
        domains::remove(store, ctx, ws, first).await.unwrap();
        assert_eq!(request(&world, &code(&world, &sent, 1), get(BROWSER)).await, Opened::Expired, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_addresses_of_every_variant_become_links_and_a_tap_counts_for_its_variant() {
    use segue_model::{campaign::Footer, code::LinkCode, variant::Variant};
    use segue_outreach::campaign::{links, preflight, variants};
    use segue_store::campaign::CampaignInput;
    let variant = |name: &str, body: &str| Variant {
        name: name.to_owned(),
        weight: 1,
        body: body.to_owned(),
        texts: vec![segue_model::language::LocaleText {
            locale: "de".to_owned(),
            body: format!("Hallo https://shop.example/de {body}"),
        }],
    };
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        world.crowd(100).await;
        let variants =
            vec![variant("A", "Buy https://shop.example/a now"), variant("B", "See https://shop.example/b here")];
        let body = "Left over https://shop.example/old".to_owned();
        let input = CampaignInput { body, footer: Footer::None, whatsapp_channel_id: None, variants, ..world.input() };
        let draft = world.draft(input.clone()).await.unwrap();
        let looked = preflight::preflight(store, ctx, &world.links, ws, draft.id).await.unwrap();
        let samples: Vec<_> = looked.variants.iter().filter_map(|variant| variant.sample.as_deref()).collect();
        assert!(samples.iter().all(|text| text.contains("go.example.com")), "{engine} {samples:?}");
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        let all = links::view(store, &world.links, ws, draft.id).await.unwrap().links;
        let targets: Vec<_> = all.iter().map(|link| (link.link, link.target.as_deref().unwrap_or_default())).collect();
        let expected = [
            (1, "https://shop.example/old"),
            (2, "https://shop.example/a"),
            (3, "https://shop.example/de"),
            (4, "https://shop.example/b"),
        ];
        assert_eq!(targets, expected, "{engine}");
        let of_b = LinkCode { target: CodeTarget { campaign_number: draft.number, position: 0 }, link: 4 };
        let messages = world.messages().await;
        assert_eq!(messages.len(), 100);
        let mut tapped = None;
        for (position, message) in (1..).zip(&messages) {
            assert!(!message.text.contains("shop.example"), "{engine} {}", message.text);
            let code = LinkCode { target: CodeTarget { position, ..of_b.target }, ..of_b };
            if message.text == format!("See {} here", world.links.short(code)) {
                tapped = tapped.or(Some(world.links.short(code)));
            }
        }
        let code = tapped.unwrap().rsplit('/').next().unwrap().to_owned();
        let opened = request(&world, &code, get(BROWSER)).await;
        assert_eq!(opened, Opened::Redirect("https://shop.example/b".to_owned()), "{engine}");
        let report = variants::report(store, ws, draft.id).await.unwrap();
        let taps: Vec<_> = report.variants.iter().map(|it| (it.name.as_str(), it.tapped)).collect();
        assert_eq!(taps, [("A", 0), ("B", 1)], "{engine}");

        // More than a code can tell apart is told; with addresses as they are written it is none of its business.
        let many = |from: usize| (from..from + 8).map(|n| format!("https://shop.example/{n} ")).collect::<String>();
        let variants = vec![
            Variant { texts: Vec::new(), ..variant("A", &many(0)) },
            Variant { texts: Vec::new(), ..variant("B", &many(8)) },
        ];
        let refused = world.draft(CampaignInput { variants, ..input }).await.unwrap_err();
        assert_eq!(refused.field(), Some("variants"), "{engine}");
        assert!(refused.to_string().contains("more than 15 different addresses"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_that_is_ticked_again_says_nothing_new() {
    for world in worlds().await {
        let (ws, engine) = (world.ws(), &world.test.engine);
        world.crowd(1).await;
        let campaign = world.sent(world.input()).await;
        let code = code(&world, &campaign, 1);
        let (id, number) = (campaign.id, campaign.number);
        let wording = async |words: &str| {
            let settings =
                LinkSettings { landing: Landing::Always, consent_wording: words.to_owned(), ..LinkSettings::default() };
            world.write(move |tx| tx.put_link_settings(ws, id, &settings)).await;
            world.redirects.forget(number);
        };
        let entries = async || {
            let all = world.write(move |tx| tx.consent_events(ws, &phone(0), None, 100)).await;
            all.iter().filter(|entry| entry.medium == Medium::WhatsApp).count()
        };
        let before = entries().await;
        wording("Yes, write to me.").await;
        for _ in 0..2 {
            world.test.clock.advance(1_000);
            world.redirects.enter(&code, Tick::Ticked).await.unwrap();
        }
        assert_eq!(entries().await, before + 1, "{engine}");
        wording("Yes, write to me on WhatsApp.").await;
        world.test.clock.advance(1_000);
        world.redirects.enter(&code, Tick::Ticked).await.unwrap();
        assert_eq!(entries().await, before + 2, "{engine}: other words are another consent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_page_open_gets_into_the_chat_though_it_was_turned_off() {
    for world in worlds().await {
        let (ws, engine) = (world.ws(), &world.test.engine);
        world.crowd(1).await;
        let input =
            segue_store::campaign::CampaignInput { body: "See https://a.example/x".to_owned(), ..world.input() };
        let campaign = world.sent(input).await;
        let (id, number) = (campaign.id, campaign.number);
        let code = code(&world, &campaign, 1);
        for landing in [Landing::Always, Landing::None] {
            let settings = LinkSettings { landing, ..LinkSettings::default() };
            world.write(move |tx| tx.put_link_settings(ws, id, &settings)).await;
            world.redirects.forget(number);
            let entered = world.redirects.enter(&code, Tick::Empty).await.unwrap();
            let Opened::Redirect(chat) = entered else { panic!("{engine} {landing}: {entered:?}") };
            assert!(chat.starts_with("https://wa.me/15550783881?text="), "{engine} {chat}");
        }
        let address =
            segue_model::code::LinkCode { target: CodeTarget { campaign_number: number, position: 1 }, link: 1 };
        let address = world.links.key().encode_link(address);
        assert_eq!(world.redirects.enter(&address, Tick::Empty).await.unwrap(), Opened::NotFound, "{engine}");
        assert_eq!(figures(&world, &campaign).await, (0, 0, 0), "{engine}");
    }
}
