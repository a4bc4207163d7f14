use segue_model::{
    attribution::Attribution,
    campaign::{CampaignAction, CampaignState},
    code::{CodeTarget, grouped},
    time,
};
use segue_outreach::link::{LINK_LIFE, LinkRequest, Method, Opened, open};
use segue_store::campaign::CampaignView;

use crate::world::{World, phone, worlds};

const BROWSER: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
                       Chrome/130.0.0.0 Mobile Safari/537.36";

fn get(agent: &str) -> LinkRequest {
    LinkRequest { method: Method::Get, user_agent: Some(agent.to_owned()), purpose: None }
}

async fn request(world: &World, code: &str, request: LinkRequest) -> Opened {
    open(&world.test.store, &world.test.ctx, &world.links, code, &request).await.unwrap()
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
        let asked = open(&world.test.store, &world.test.ctx, &world.links, &issued, &get(BROWSER)).await;
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
                let (store, ctx, links, one) =
                    (world.test.store.clone(), world.test.ctx.clone(), world.links.clone(), one.clone());
                let request = match n % 5 {
                    0 => get("WhatsApp/2.24.20.89 A"),
                    1 => LinkRequest { method: Method::Head, ..get(BROWSER) },
                    2 => get("curl/8.5.0"),
                    _ => get(BROWSER),
                };
                tokio::spawn(async move { open(&store, &ctx, &links, &one, &request).await.unwrap() })
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
                let found = world.write(move |tx| tx.attribution_of(ws, code, from.as_ref(), now)).await;
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
        let stranger = world.write(move |tx| tx.attribution_of(other, target(1), None, late)).await;
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
            Stamp::Chat { session_id },
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
