//! Programmes: how people get in and out, words, and chains of questions.

use segue_model::{
    KeywordId, ProgrammeId, Timestamp,
    actor::Actor,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, OptOutScope, Purpose},
    keyword::Keyword,
    programme::{
        Covers, DateFormat, EndReason, KeywordAction, ProgrammeOptIn, ProgrammeSettings, Question, SubscriptionState,
    },
    series::CampaignRules,
    time,
};
use segue_outreach::{
    OutreachError,
    keywords::Handled,
    programmes::{self, Fate, ProgrammeInput},
    subscriptions::{self, SubscribeInput},
    suppressions::{self, SuppressionInput},
    words::{self, KeywordInput},
};
use segue_store::{
    Sql,
    campaign::CampaignInput,
    channel::Channel,
    consent::ConsentContext,
    programme::{KeywordView, ProgrammeView},
    recipient::RecipientQuery,
    subscription::SubscriptionView,
};

use crate::{
    keyword::{consents, receive_on, settings, taken, text, text_of},
    world::{World, phone, worlds},
};

fn input(world: &World, name: &str, opt_in: ProgrammeOptIn, covers: Covers) -> ProgrammeInput {
    ProgrammeInput {
        sender_id: world.sender.id,
        name: name.to_owned(),
        opt_in,
        covers,
        list_id: None,
        settings: ProgrammeSettings::default(),
        version: None,
    }
}

async fn programme(world: &World, input: ProgrammeInput) -> ProgrammeView {
    programmes::create(&world.test.store, &world.test.ctx, world.ws(), input).await.unwrap()
}

async fn word(world: &World, word: &str, action: KeywordAction) -> Result<KeywordView, OutreachError> {
    let input =
        KeywordInput { sender_id: world.sender.id, word: word.to_owned(), action, valid_from: None, valid_until: None };
    words::create(&world.test.store, &world.test.ctx, world.ws(), input).await
}

/// A programme that the word NEWS joins.
async fn news(world: &World, opt_in: ProgrammeOptIn, covers: Covers) -> ProgrammeView {
    let programme = programme(world, input(world, "News", opt_in, covers)).await;
    word(world, "NEWS", KeywordAction::Join { programme_id: programme.id }).await.unwrap();
    programme
}

async fn subscription(world: &World, id: ProgrammeId, number: u32) -> SubscriptionView {
    let ws = world.ws();
    world.write(move |tx| tx.subscription_of(ws, id, &phone(number))).await.unwrap()
}

async fn last_text(world: &World) -> String {
    world.messages().await.pop().map(|message| message.text).unwrap_or_default()
}

async fn actions(world: &World, number: u32) -> Vec<(ConsentAction, String)> {
    let ws = world.ws();
    let events = world.write(move |tx| tx.consent_events(ws, &phone(number), None, 100)).await;
    events.into_iter().rev().map(|event| (event.action, event.scope.to_string())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_joins_a_programme_with_single_opt_in() {
    for world in worlds().await {
        let programme = news(&world, ProgrammeOptIn::Single, Covers::AllMarketing).await;
        assert_eq!(text(&world, &phone(1), " news! ").await, Handled::OptIn);
        let joined = subscription(&world, programme.id, 1).await;
        assert_eq!((joined.state, joined.method), (SubscriptionState::Active, ConsentMethod::Keyword));
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::Granted, "{}", world.test.engine);
        assert!(last_text(&world).await.starts_with("Our team: you joined News."));
        assert_eq!(
            actions(&world, 1).await,
            [(ConsentAction::Grant, "all".to_owned()), (ConsentAction::Grant, programme.id.to_string())]
        );
        text(&world, &phone(1), "NEWS").await;
        assert!(last_text(&world).await.contains("already"));
        let shown = programmes::get(&world.test.store, world.ws(), programme.id).await.unwrap();
        assert_eq!((shown.active, shown.pending), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_and_said_no_elsewhere_joins_anew_by_the_word() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let programme = news(&world, ProgrammeOptIn::Single, Covers::AllMarketing).await;
        text(&world, &phone(1), "NEWS").await;
        world.test.clock.advance(1);
        // By hand, or as a carrier tells: the subscription knows nothing of it.
        world.consent(&phone(1), ConsentAction::Revoke).await;
        world.test.clock.advance(1);
        assert_eq!(subscription(&world, programme.id, 1).await.state, SubscriptionState::Active, "{engine}");
        assert_eq!(text(&world, &phone(1), "NEWS").await, Handled::OptIn, "{engine}");
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::Granted, "{engine}");
        assert!(last_text(&world).await.starts_with("Our team: you joined News."), "{engine}");
        text(&world, &phone(1), "NEWS").await;
        assert!(last_text(&world).await.contains("already"), "{engine}: in and agreed");
        // A program cannot: only the person takes the no back.
        world.test.clock.advance(1);
        world.consent(&phone(1), ConsentAction::Revoke).await;
        let refused = subscribe(&world, programme.id, 1, Some("Yes, send me offers")).await.unwrap_err();
        assert_eq!(refused.code(), "opted_out_by_person", "{engine}");

        // Who has to confirm is asked, and has not joined before the answer.
        let club = self::programme(&world, input(&world, "Club", ProgrammeOptIn::Double, Covers::AllMarketing)).await;
        word(&world, "CLUB", KeywordAction::Join { programme_id: club.id }).await.unwrap();
        for said in ["CLUB", "YES"] {
            text(&world, &phone(2), said).await;
        }
        world.test.clock.advance(time::DAY);
        world.consent(&phone(2), ConsentAction::Revoke).await;
        world.test.clock.advance(1);
        text(&world, &phone(2), "CLUB").await;
        assert_eq!(subscription(&world, club.id, 2).await.state, SubscriptionState::Pending, "{engine}");
        assert_eq!(consents(&world, &phone(2)).await[0], ConsentState::Revoked, "{engine}");
        text(&world, &phone(2), "YES").await;
        assert_eq!(subscription(&world, club.id, 2).await.state, SubscriptionState::Active, "{engine}");
        assert_eq!(consents(&world, &phone(2)).await[0], ConsentState::Granted, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_owner_of_a_number_that_was_given_up_joins_by_the_word() {
    for world in worlds().await {
        let (engine, store, ctx, ws) = (&world.test.engine, &world.test.store, &world.test.ctx, world.ws());
        let listed = async |number: u32| {
            let phone = phone(number);
            world.write(move |tx| tx.is_suppressed(ws, &phone)).await
        };
        let mut number = 0;
        for opt_in in [ProgrammeOptIn::Single, ProgrammeOptIn::Double] {
            for covers in [Covers::AllMarketing, Covers::Programme] {
                number += 1;
                let (name, said) = (format!("{opt_in} {covers}"), format!("WORD{number}"));
                let joined = programme(&world, input(&world, &name, opt_in, covers)).await;
                word(&world, &said, KeywordAction::Join { programme_id: joined.id }).await.unwrap();
                world.given_up(&[(phone(number), None)]).await;
                assert!(listed(number).await, "{engine} {name}");
                world.test.clock.advance(1);
                let refused = subscribe(&world, joined.id, number, Some("Yes")).await.unwrap_err();
                assert_eq!(refused.code(), "suppressed", "{engine} {name}: it may be about the former owner");
                assert_eq!(text(&world, &phone(number), &said).await, Handled::OptIn, "{engine} {name}");
                if opt_in == ProgrammeOptIn::Double {
                    assert!(listed(number).await, "{engine} {name}: not before the answer");
                    assert_eq!(text(&world, &phone(number), "YES").await, Handled::OptIn, "{engine} {name}");
                }
                let subscription = subscription(&world, joined.id, number).await;
                assert_eq!(subscription.state, SubscriptionState::Active, "{engine} {name}");
                assert!(!listed(number).await, "{engine} {name}: its owner has said yes");
            }
        }
        // What people put on the list stays there.
        let input = SuppressionInput { numbers: vec![phone(9)], reason: "Complaint".to_owned(), source: None };
        suppressions::add(store, ctx, ws, &Actor::System, input).await.unwrap();
        assert_eq!(text(&world, &phone(9), "WORD1").await, Handled::Word, "{engine}");
        assert!(listed(9).await, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_programme_that_covers_itself_gives_no_other_consent() {
    for world in worlds().await {
        news(&world, ProgrammeOptIn::Single, Covers::Programme).await;
        text(&world, &phone(1), "NEWS").await;
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_opt_in_waits_for_an_accepted_answer() {
    for world in worlds().await {
        let programme = news(&world, ProgrammeOptIn::Double, Covers::AllMarketing).await;
        text(&world, &phone(1), "NEWS").await;
        assert!(last_text(&world).await.contains("reply YES to join News"));
        assert_eq!(subscription(&world, programme.id, 1).await.state, SubscriptionState::Pending);
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::None);
        assert_eq!(text(&world, &phone(1), "How often?").await, Handled::NoKeyword);
        assert_eq!(text(&world, &phone(1), "yes.").await, Handled::OptIn);
        assert_eq!(subscription(&world, programme.id, 1).await.state, SubscriptionState::Active);
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::Granted);
        assert!(last_text(&world).await.contains("you joined News"));

        text(&world, &phone(2), "NEWS").await;
        assert_eq!(text(&world, &phone(2), "No").await, Handled::OptIn);
        let denied = subscription(&world, programme.id, 2).await;
        assert_eq!((denied.state, denied.end_reason), (SubscriptionState::Ended, Some(EndReason::Denied)));
        assert_eq!(actions(&world, 2).await.last().unwrap().0, ConsentAction::Deny);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_in_that_nobody_answers_ends_after_72_hours() {
    for world in worlds().await {
        let programme = news(&world, ProgrammeOptIn::Double, Covers::AllMarketing).await;
        text(&world, &phone(1), "NEWS").await;
        let sweep = async || segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        world.test.clock.advance(72 * time::HOUR - 1);
        sweep().await;
        assert_eq!(subscription(&world, programme.id, 1).await.state, SubscriptionState::Pending);
        world.test.clock.advance(1);
        // Too late, whether it has been swept or not: this is a plain START now.
        assert_eq!(text(&world, &phone(1), "Y").await, Handled::NoKeyword);
        sweep().await;
        let ended = subscription(&world, programme.id, 1).await;
        assert_eq!((ended.state, ended.end_reason), (SubscriptionState::Ended, Some(EndReason::Expired)));
        assert_eq!(actions(&world, 1).await.last().unwrap().0, ConsentAction::Expire);
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::None);
    }
}

static EXPIRES: Sql =
    Sql::portable("EXPIRES", "SELECT expires_at FROM outbox WHERE workspace_id = $1 AND state = 'queued' ORDER BY id");

#[tokio::test(flavor = "multi_thread")]
async fn what_a_programme_has_not_yet_asked_or_told_ends_with_a_no_with_its_time_and_with_the_contact() {
    for world in worlds().await {
        let (engine, ws) = (&world.test.engine, world.ws());
        let programme = news(&world, ProgrammeOptIn::Double, Covers::Programme).await;
        let club = self::programme(&world, input(&world, "Club", ProgrammeOptIn::Single, Covers::Programme)).await;
        word(&world, "CLUB", KeywordAction::Join { programme_id: club.id }).await.unwrap();
        let waiting = async |number: u32| {
            let messages = world.messages().await;
            let own = messages.iter().filter(|message| message.address == phone(number) && message.state == "queued");
            own.map(|message| message.text.clone()).collect::<Vec<_>>()
        };
        text(&world, &phone(1), "NEWS").await;
        assert!(waiting(1).await[0].contains("reply YES"), "{engine}");
        let ends: Vec<Option<Timestamp>> = world.write(move |tx| tx.query(&EXPIRES, &[&ws], |row| row.next())).await;
        assert_eq!(ends, [subscription(&world, programme.id, 1).await.expires_at], "{engine}: worth nothing later");
        text(&world, &phone(1), "CLUB").await;
        assert_eq!(waiting(1).await.len(), 2, "{engine}");
        world.test.clock.advance(1);
        text(&world, &phone(1), "STOP").await;
        let left = waiting(1).await;
        assert!(matches!(&left[..], [confirmation] if !confirmation.contains("YES")), "{engine}: {left:?}");

        // A no to one programme is none to the other.
        for said in ["CLUB", "NEWS", "NO"] {
            text(&world, &phone(2), said).await;
        }
        let left = waiting(2).await;
        assert!(matches!(&left[..], [club] if club.contains("joined Club")), "{engine}: {left:?}");

        text(&world, &phone(3), "CLUB").await;
        let address = phone(3);
        let contact =
            world.write(move |tx| tx.subscription_of(ws, club.id, &address)).await.unwrap().contact_id.unwrap();
        segue_outreach::contacts::delete(&world.test.store, &world.test.ctx, ws, contact).await.unwrap();
        assert!(waiting(3).await.is_empty(), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_opt_in_is_pending_at_a_time_and_asking_again_is_limited() {
    for world in worlds().await {
        let programme = news(&world, ProgrammeOptIn::Double, Covers::Programme).await;
        for _ in 0..5 {
            text(&world, &phone(1), "NEWS").await;
        }
        assert_eq!(world.messages().await.len(), 1, "asked once");
        world.test.clock.advance(10 * time::MINUTE);
        text(&world, &phone(1), "NEWS").await;
        world.test.clock.advance(10 * time::MINUTE);
        text(&world, &phone(1), "NEWS").await;
        world.test.clock.advance(60 * time::MINUTE);
        text(&world, &phone(1), "NEWS").await;
        assert_eq!(world.messages().await.len(), 3, "three times a day");
        let asked = subscribe(&world, programme.id, 1, None).await.unwrap_err();
        assert_eq!(asked.code(), "opt_in_asked_recently");
        let OutreachError::AskedRecently { until, seconds } = asked else { panic!("{asked}") };
        world.test.clock.advance(i64::from(seconds) * 1_000);
        assert!(until <= world.test.now(), "{}", world.test.engine);
        let ws = world.ws();
        let all = world.write(move |tx| tx.subscriptions_of_address(ws, &phone(1))).await;
        assert_eq!(all.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_age_gate_lets_in_who_is_old_enough() {
    for world in worlds().await {
        let mut gated = input(&world, "Wine", ProgrammeOptIn::AgeGated, Covers::AllMarketing);
        gated.settings.date_formats = vec![DateFormat::DayMonthYear];
        gated.settings.minimum_age = 21;
        let programme = programme(&world, gated).await;
        word(&world, "WINE", KeywordAction::Join { programme_id: programme.id }).await.unwrap();
        text(&world, &phone(1), "wine").await;
        assert!(last_text(&world).await.contains("21 or older"));
        assert_eq!(text(&world, &phone(1), "why do you ask?").await, Handled::OptIn);
        assert!(last_text(&world).await.contains("please reply with your birth date"));
        text(&world, &phone(1), "31.12.1980").await;
        assert_eq!(subscription(&world, programme.id, 1).await.state, SubscriptionState::Active);
        let ws = world.ws();
        let ledger = world.write(move |tx| tx.consent_events(ws, &phone(1), None, 10)).await;
        assert_eq!(ledger[0].wording.as_deref(), Some("Gave a birth date of age 21 or older"));

        text(&world, &phone(2), "wine").await;
        text(&world, &phone(2), "31.12.2015").await;
        assert_eq!(subscription(&world, programme.id, 2).await.end_reason, Some(EndReason::TooYoung));
        assert!(last_text(&world).await.contains("you cannot join Wine"));
        assert_eq!(consents(&world, &phone(2)).await[0], ConsentState::None);

        text(&world, &phone(3), "wine").await;
        for answer in ["hm", "what", "no idea"] {
            text(&world, &phone(3), answer).await;
        }
        assert_eq!(subscription(&world, programme.id, 3).await.end_reason, Some(EndReason::Unclear));
    }
}

async fn subscribe(
    world: &World,
    id: ProgrammeId,
    number: u32,
    wording: Option<&str>,
) -> Result<SubscriptionView, OutreachError> {
    let input = SubscribeInput {
        phone: phone(number),
        wording: wording.map(str::to_owned),
        proof: None,
        method: None,
        context: ConsentContext { ip: Some("192.0.2.1".to_owned()), ..ConsentContext::default() },
    };
    subscriptions::subscribe(&world.test.store, &world.test.ctx, world.ws(), &Actor::System, id, input).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_asks_by_text_and_the_answer_is_the_persons_own_act() {
    for world in worlds().await {
        let programme = news(&world, ProgrammeOptIn::Double, Covers::AllMarketing).await;
        // Somebody who said STOP is asked once, and comes back by their own answer.
        text(&world, &phone(1), "STOP").await;
        world.test.clock.advance(1);
        let pending = subscribe(&world, programme.id, 1, None).await.unwrap();
        assert_eq!((pending.state, pending.method), (SubscriptionState::Pending, ConsentMethod::WebForm));
        assert!(last_text(&world).await.contains("reply YES"));
        world.test.clock.advance(time::HOUR);
        assert_eq!(subscribe(&world, programme.id, 1, None).await.unwrap_err().code(), "opt_in_asked_recently");
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::Revoked);
        text(&world, &phone(1), "YES").await;
        assert_eq!(consents(&world, &phone(1)).await, [ConsentState::Granted, ConsentState::Revoked]);

        let single =
            self::programme(&world, input(&world, "Offers", ProgrammeOptIn::Single, Covers::AllMarketing)).await;
        assert_eq!(subscribe(&world, single.id, 2, None).await.unwrap_err().code(), "consent_evidence_required");
        let active = subscribe(&world, single.id, 2, Some("Yes, send me offers")).await.unwrap();
        assert_eq!(active.state, SubscriptionState::Active);
        world.test.clock.advance(1);
        text(&world, &phone(2), "STOP").await;
        world.test.clock.advance(1);
        let refused = subscribe(&world, single.id, 2, Some("Yes, send me offers")).await.unwrap_err();
        assert_eq!(refused.code(), "opted_out_by_person");
        assert_eq!(subscription(&world, single.id, 2).await.state, SubscriptionState::Ended, "nothing of it is kept");
        let id = programme.id;
        programmes::set_ended(&world.test.store, &world.test.ctx, world.ws(), id, Fate::End).await.unwrap();
        assert_eq!(subscribe(&world, id, 3, None).await.unwrap_err().code(), "programme_ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_subscriptions_as_far_as_it_reaches() {
    for world in worlds().await {
        let programme = news(&world, ProgrammeOptIn::Single, Covers::Programme).await;
        for number in 1..4 {
            world.subscriber(&phone(number), "Ana").await;
            text(&world, &phone(number), "NEWS").await;
        }
        world.test.clock.advance(1);
        assert_eq!(text(&world, &phone(1), "STOP").await, Handled::Answered(Keyword::Stop));
        assert_eq!(subscription(&world, programme.id, 1).await.end_reason, Some(EndReason::Stopped));
        assert_eq!(consents(&world, &phone(1)).await, [ConsentState::Revoked; 2]);

        settings(&world, |settings| settings.opt_out_scope = OptOutScope::Programme).await;
        assert_eq!(text(&world, &phone(2), "stop news").await, Handled::Answered(Keyword::Stop));
        assert_eq!(subscription(&world, programme.id, 2).await.state, SubscriptionState::Ended);
        assert_eq!(consents(&world, &phone(2)).await[0], ConsentState::Granted, "only the programme");
        world.test.clock.advance(1);
        text(&world, &phone(2), "STOP").await;
        assert_eq!(consents(&world, &phone(2)).await[0], ConsentState::Revoked, "no programme is left to leave");

        word(&world, "NONEWS", KeywordAction::Leave { programme_id: programme.id }).await.unwrap();
        text(&world, &phone(3), "nonews").await;
        assert_eq!(subscription(&world, programme.id, 3).await.state, SubscriptionState::Ended);
        assert_eq!(consents(&world, &phone(3)).await[0], ConsentState::Granted);
    }
}

/// The world's sender on a second account.
async fn second_account(world: &World) -> Channel {
    let second = world.test.sms_channel("second").await;
    world.test.sender(second.id, &world.sender.address).await;
    second
}

/// A text to the world's sender that comes in on this account.
async fn said_on(world: &World, account: &Channel, number: u32, said: &str) -> Handled {
    world.test.clock.advance(1);
    receive_on(world, account.clone(), world.test.ctx.id(), (&phone(number), said)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_to_one_account_of_a_number_ends_what_the_others_began() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let second = second_account(&world).await;
        let joined = news(&world, ProgrammeOptIn::Single, Covers::Programme).await;
        let asked = programme(&world, input(&world, "Club", ProgrammeOptIn::Double, Covers::Programme)).await;
        word(&world, "CLUB", KeywordAction::Join { programme_id: asked.id }).await.unwrap();
        let question = Question { text: "Which city?".to_owned(), attribute: "city".to_owned() };
        let chain = KeywordAction::Reply {
            text: "Hello".to_owned(),
            questions: vec![question],
            closing: None,
            next_keyword: None,
        };
        word(&world, "CITY", chain).await.unwrap();
        // Another number of the workspace, whose programme nobody has said anything about.
        let apart = world.test.sender(world.sms.id, "+15550000009").await;
        let apart =
            ProgrammeInput { sender_id: apart.id, ..input(&world, "Apart", ProgrammeOptIn::Single, Covers::Programme) };
        let apart = programme(&world, apart).await;
        for (number, scope, said) in [
            (1, OptOutScope::Sender, "STOP"),
            (2, OptOutScope::Programme, "STOP"),
            (3, OptOutScope::Sender, "Please take me off your list"),
        ] {
            world.subscriber(&phone(number), "Ana").await;
            settings(&world, move |settings| settings.opt_out_scope = scope).await;
            for begun in ["NEWS", "CLUB", "CITY"] {
                text(&world, &phone(number), begun).await;
            }
            subscribe(&world, apart.id, number, Some("Yes")).await.unwrap();
            said_on(&world, &second, number, said).await;
            for programme in [&joined, &asked] {
                let ended = subscription(&world, programme.id, number).await;
                let expected = (SubscriptionState::Ended, Some(EndReason::Stopped));
                assert_eq!((ended.state, ended.end_reason), expected, "{engine} {scope} {}", programme.name);
            }
            let kept = subscription(&world, apart.id, number).await;
            assert_eq!(kept.state, SubscriptionState::Active, "{engine} {scope}: another number");
            assert_eq!(consents(&world, &phone(number)).await[0], ConsentState::Granted, "{engine} {scope}");
            // The question does not wait for an answer any more.
            assert_eq!(text(&world, &phone(number), "Berlin").await, Handled::NoKeyword, "{engine} {scope}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_in_is_answered_on_any_account_of_its_number_and_takes_back_a_no_to_any() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let second = second_account(&world).await;
        let asked = news(&world, ProgrammeOptIn::Double, Covers::AllMarketing).await;
        world.subscriber(&phone(1), "Ana").await;
        settings(&world, |settings| settings.opt_out_scope = OptOutScope::Sender).await;
        said_on(&world, &second, 1, "STOP").await;
        world.test.clock.advance(1);
        text(&world, &phone(1), "NEWS").await;
        assert_eq!(said_on(&world, &second, 1, "YES").await, Handled::OptIn, "{engine}");
        assert_eq!(subscription(&world, asked.id, 1).await.state, SubscriptionState::Active, "{engine}");
        let (ws, own) = (world.ws(), world.sender.address.clone());
        let from = move |tx: &mut segue_store::Tx<'_>| {
            tx.consent_state_from(ws, Medium::Sms, &phone(1), Purpose::Marketing, &own).map(|it| it.state)
        };
        assert_eq!(world.write(from.clone()).await, ConsentState::Granted, "{engine}: what was joined can be sent");
        // The no was said to the second account, and the programme is joined on the first.
        said_on(&world, &second, 1, "STOP").await;
        world.test.clock.advance(time::DAY);
        text(&world, &phone(1), "NEWS").await;
        assert_eq!(text(&world, &phone(1), "YES").await, Handled::OptIn, "{engine}");
        assert_eq!(world.write(from).await, ConsentState::Granted, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_to_one_number_is_taken_back_by_the_person_and_by_no_form() {
    for world in worlds().await {
        let (ws, engine) = (world.ws(), &world.test.engine);
        // The number of the programme shares a pool with the one that hears the no.
        let other = world.test.sender(world.sms.id, "+15550000001").await;
        let (both, pool_id, now) = ([world.sender.id, other.id], world.test.ctx.id(), world.test.now());
        world
            .write(move |tx| {
                tx.insert_sender_pool(ws, pool_id, "Spring", now)?;
                tx.set_pool_members(ws, pool_id, &both)
            })
            .await;
        let single = news(&world, ProgrammeOptIn::Single, Covers::AllMarketing).await;
        let double = programme(&world, input(&world, "Club", ProgrammeOptIn::Double, Covers::AllMarketing)).await;
        settings(&world, |settings| settings.opt_out_scope = OptOutScope::Sender).await;
        subscribe(&world, single.id, 1, Some("Yes")).await.unwrap();
        world.test.clock.advance(1);
        crate::keyword::text_to(&world, "15550000001", &phone(1), "STOP").await;
        world.test.clock.advance(1);
        let before = world.messages().await.len();
        for _ in 0..2 {
            let refused = subscribe(&world, single.id, 1, Some("Yes")).await.unwrap_err();
            assert_eq!(refused.code(), "opted_out_by_person", "{engine}");
        }
        assert_eq!(world.messages().await.len(), before, "{engine}: nothing is sent");
        // Who has to confirm is asked once.
        subscribe(&world, double.id, 1, None).await.unwrap();
        world.test.clock.advance(time::HOUR);
        assert_eq!(
            subscribe(&world, double.id, 1, None).await.unwrap_err().code(),
            "opt_in_asked_recently",
            "{engine}"
        );
        assert_eq!(world.messages().await.len(), before + 1, "{engine}");
        let states = async || {
            let of = move |tx: &mut segue_store::Tx<'_>, from: &str| {
                tx.consent_state_from(ws, Medium::Sms, &phone(1), Purpose::Marketing, from).map(|it| it.state)
            };
            world.write(move |tx| Ok([of(tx, "+15550000000")?, of(tx, "+15550000001")?])).await
        };
        assert_eq!(states().await, [ConsentState::Revoked; 2], "{engine}");
        text(&world, &phone(1), "NEWS").await;
        assert!(last_text(&world).await.starts_with("Our team: you joined News."), "{engine}");
        assert_eq!(states().await, [ConsentState::Granted; 2], "{engine}: what was joined can be sent");
        text(&world, &phone(1), "NEWS").await;
        assert!(last_text(&world).await.contains("already"), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_that_is_worked_on_late_leaves_no_programme_that_was_joined_since() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let programme = news(&world, ProgrammeOptIn::Single, Covers::AllMarketing).await;
        settings(&world, |settings| settings.opt_out_scope = OptOutScope::Channel).await;
        world.subscriber(&phone(1), "Ana").await;
        world.test.clock.advance(1_000);
        let said_at = world.test.now();
        world.test.clock.advance(1_000);
        text(&world, &phone(1), "NEWS").await;
        world.sent(world.input()).await;
        text_of(&world, said_at, &phone(1), "STOP").await;
        assert_eq!(subscription(&world, programme.id, 1).await.state, SubscriptionState::Active, "{engine}");
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::Granted, "{engine}");
        assert_eq!(world.in_state("canceled").await, 0, "{engine}: the person has agreed since");
        text(&world, &phone(1), "STOP").await;
        assert_eq!(subscription(&world, programme.id, 1).await.state, SubscriptionState::Ended, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_a_programme_gets_nothing_more_of_its_campaigns() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let list = segue_outreach::contacts::create_list(store, ctx, ws, "Wine").await.unwrap().id;
        let wanted =
            ProgrammeInput { list_id: Some(list), ..input(&world, "News", ProgrammeOptIn::Single, Covers::Programme) };
        let programme = programme(&world, wanted).await;
        word(&world, "NEWS", KeywordAction::Join { programme_id: programme.id }).await.unwrap();
        word(&world, "NONEWS", KeywordAction::Leave { programme_id: programme.id }).await.unwrap();
        for number in 1..5 {
            world.subscriber(&phone(number), "Ana").await;
        }
        for number in 1..4 {
            text(&world, &phone(number), "NEWS").await;
        }
        let rules = |id| CampaignRules { programme_id: id, ..CampaignRules::default() };
        let of_it = CampaignInput { rules: rules(Some(programme.id)), ..world.input() };
        let campaign = world.sent(of_it.clone()).await;
        let other = world.sent(world.input()).await;
        let waiting = async |id| {
            let query = RecipientQuery { limit: 9, ..RecipientQuery::default() };
            let now = world.test.now();
            let recipients = world.write(move |tx| tx.recipients(ws, id, &query, now)).await;
            recipients.into_iter().map(|it| it.rule.unwrap_or_default()).collect::<Vec<_>>()
        };
        let members = async || {
            let lists = segue_outreach::contacts::lists(store, ws).await.unwrap();
            lists.iter().find(|it| it.id == list).unwrap().member_count
        };
        assert_eq!(members().await, 3);
        world.test.clock.advance(1);
        text(&world, &phone(1), "nonews").await;
        let second = subscription(&world, programme.id, 2).await;
        subscriptions::end(store, ctx, ws, &Actor::System, second.id).await.unwrap();
        // Who never joined has heard of it from a list, and says no all the same.
        text(&world, &phone(4), "nonews").await;
        text(&world, &phone(4), "nonews").await;
        assert_eq!(
            actions(&world, 4).await.into_iter().filter(|(_, scope)| scope != "all").collect::<Vec<_>>(),
            [(ConsentAction::Revoke, programme.id.to_string())],
            "{}: once",
            world.test.engine
        );

        assert_eq!(waiting(campaign.id).await.iter().filter(|rule| *rule == "opted_out").count(), 3);
        assert_eq!(waiting(other.id).await.iter().filter(|rule| *rule == "opted_out").count(), 0, "only its own");
        assert_eq!(members().await, 1, "{}", world.test.engine);
        let funnel = segue_outreach::campaign::funnel(store, ws, campaign.id).await.unwrap();
        world.recount().await;
        let counted = segue_outreach::campaign::funnel(store, ws, campaign.id).await.unwrap();
        assert_eq!(funnel, counted, "{}: the figures follow", world.test.engine);
        // The next one is not planned for them; whoever joins again gets it.
        world.test.clock.advance(1);
        text(&world, &phone(1), "NEWS").await;
        let next = world.sent(of_it).await;
        assert_eq!(waiting(next.id).await.iter().filter(|rule| *rule == "opted_out").count(), 2);
        for number in 1..5 {
            assert_eq!(consents(&world, &phone(number)).await[0], ConsentState::Granted, "only the programme");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_of_a_programme_reaches_who_agreed_to_that_programme_alone() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let joined = news(&world, ProgrammeOptIn::Single, Covers::Programme).await;
        let wide = programme(&world, input(&world, "Wide", ProgrammeOptIn::Single, Covers::AllMarketing)).await;
        word(&world, "WIDE", KeywordAction::Join { programme_id: wide.id }).await.unwrap();
        for number in 1..7 {
            world.test.contact(&phone(number), "Ana").await;
        }
        for number in 1..5 {
            text(&world, &phone(number), "NEWS").await;
        }
        text(&world, &phone(6), "WIDE").await;
        world.test.clock.advance(1);
        // No to everything, a maybe that nobody has looked at, a number that changed hands, somebody who never joined and
        // agreed to everything, and a programme that speaks for everything, which has been taken back.
        world.consent(&phone(2), ConsentAction::Revoke).await;
        assert_eq!(text(&world, &phone(3), "Sorry, not interested").await, Handled::Review, "{engine}");
        world.given_up(&[(phone(4), None)]).await;
        world.test.clock.advance(1);
        assert_eq!(subscription(&world, joined.id, 4).await.end_reason, Some(EndReason::Reassigned), "{engine}");
        text(&world, &phone(4), "WIDE").await;
        world.consent(&phone(4), ConsentAction::Correct).await;
        world.consent(&phone(6), ConsentAction::Correct).await;
        world.consent(&phone(5), ConsentAction::Grant).await;

        let reached = async |programme_id| {
            let rules = CampaignRules { programme_id, ..CampaignRules::default() };
            let before = world.messages().await.len();
            world.sent(CampaignInput { rules, ..world.input() }).await;
            let sent = world.messages().await.split_off(before);
            sent.into_iter().map(|message| message.address).collect::<Vec<_>>()
        };
        assert_eq!(reached(Some(joined.id)).await, [phone(1), phone(5)], "{engine}");
        assert_eq!(reached(Some(wide.id)).await, [phone(5)], "{engine}");
        assert_eq!(reached(None).await, [phone(5)], "{engine}: what is sent in no name asks for more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_programme_gave_for_all_marketing_ends_with_it_however_it_ends() {
    for world in worlds().await {
        let programme = news(&world, ProgrammeOptIn::Single, Covers::AllMarketing).await;
        word(&world, "NONEWS", KeywordAction::Leave { programme_id: programme.id }).await.unwrap();
        for number in 1..3 {
            text(&world, &phone(number), "NEWS").await;
            assert_eq!(consents(&world, &phone(number)).await[0], ConsentState::Granted);
        }
        world.test.clock.advance(1);
        text(&world, &phone(1), "nonews").await;
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let second = subscription(&world, programme.id, 2).await;
        let ended = subscriptions::end(store, ctx, ws, &Actor::System, second.id).await.unwrap();
        assert_eq!(ended.end_reason, Some(EndReason::Removed));
        for number in 1..3 {
            assert_eq!(consents(&world, &phone(number)).await[0], ConsentState::Revoked, "{}", world.test.engine);
            let last: Vec<_> = actions(&world, number).await.into_iter().skip(2).collect();
            let no = |scope: String| (ConsentAction::Revoke, scope);
            assert_eq!(last, [no(programme.id.to_string()), no("all".to_owned())], "{}", world.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_has_answered_reaches_as_far_as_if_we_had() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let programme = news(&world, ProgrammeOptIn::Double, Covers::Programme).await;
        text(&world, &phone(1), "NEWS").await;
        assert_eq!(taken(&world, Keyword::Start, &phone(1), "YES").await, Handled::OptIn, "{engine}");
        assert_eq!(subscription(&world, programme.id, 1).await.state, SubscriptionState::Active, "{engine}");
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::None, "{engine}: to the programme alone");
        assert_eq!(world.messages().await.len(), 2, "{engine}: the question and the welcome");

        settings(&world, |settings| settings.opt_out_scope = OptOutScope::Programme).await;
        world.consent(&phone(1), ConsentAction::Grant).await;
        world.test.clock.advance(1);
        assert_eq!(taken(&world, Keyword::Stop, &phone(1), "Stop").await, Handled::Silent(Keyword::Stop), "{engine}");
        let left = subscription(&world, programme.id, 1).await;
        assert_eq!((left.state, left.end_reason), (SubscriptionState::Ended, Some(EndReason::Stopped)), "{engine}");
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::Granted, "{engine}: the setting says so");

        // An opt-in that waits for its answer ends, too, and START takes back a no to the sender.
        settings(&world, |settings| settings.opt_out_scope = OptOutScope::Sender).await;
        text(&world, &phone(2), "NEWS").await;
        world.test.clock.advance(1);
        taken(&world, Keyword::Stop, &phone(2), "STOP").await;
        assert_eq!(subscription(&world, programme.id, 2).await.state, SubscriptionState::Ended, "{engine}");
        world.test.clock.advance(1);
        assert_eq!(
            taken(&world, Keyword::Start, &phone(2), "Start").await,
            Handled::Silent(Keyword::Start),
            "{engine}"
        );
        let (ws, own) = (world.ws(), world.sender.address.clone());
        let from = move |tx: &mut segue_store::Tx<'_>| {
            tx.consent_state_from(ws, Medium::Sms, &phone(2), Purpose::Marketing, &own).map(|it| it.state)
        };
        assert_eq!(world.write(from).await, ConsentState::Granted, "{engine}");
        assert_eq!(taken(&world, Keyword::Help, &phone(2), "info").await, Handled::Silent(Keyword::Help), "{engine}");
        // Whatever the provider takes a STOP for.
        taken(&world, Keyword::Start, &phone(2), "STOP").await;
        assert_eq!(world.messages().await.len(), 3, "{engine}: nothing but one more question");
        let kept = world.write(move |tx| tx.texts_from(ws, &phone(2), None, 9)).await;
        let kept: Vec<_> = kept.iter().rev().map(|text| (text.text.as_str(), text.outcome.as_str())).collect();
        let expected = [("NEWS", "opt_in"), ("STOP", "stop"), ("Start", "start"), ("info", "help"), ("STOP", "stop")];
        assert_eq!(kept, expected, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_mean_something_already_are_refused() {
    for world in worlds().await {
        let reply = || KeywordAction::Reply {
            text: "Open 9 to 5.".to_owned(),
            questions: Vec::new(),
            closing: None,
            next_keyword: None,
        };
        word(&world, "HOURS", reply()).await.unwrap();
        for (taken, why) in
            [("stop", "STOP"), ("Aide", "HELP"), ("alta", "START"), ("h o u r s", "HOURS"), ("spam", "opt-out")]
        {
            let refused = word(&world, taken, reply()).await.unwrap_err();
            assert_eq!((refused.code(), refused.field()), ("keyword_taken", Some("word")), "{taken}");
            assert!(refused.to_string().contains(why), "{refused}");
        }
        assert_eq!(word(&world, "!!", reply()).await.unwrap_err().code(), "invalid_field");
        settings(&world, |settings| settings.keyword_quota = 2).await;
        word(&world, "MENU", reply()).await.unwrap();
        assert!(word(&world, "MORE", reply()).await.unwrap_err().to_string().contains("quota"));
        assert_eq!(text(&world, &phone(1), "Menu?").await, Handled::Word);
        assert_eq!(last_text(&world).await, "Open 9 to 5.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_counts_while_it_is_valid_and_two_can_follow_each_other() {
    for world in worlds().await {
        let now = world.test.now();
        let make = async |text: &str, from: i64, until: i64| {
            let action = KeywordAction::Reply {
                text: text.to_owned(),
                questions: Vec::new(),
                closing: None,
                next_keyword: None,
            };
            let input = KeywordInput {
                sender_id: world.sender.id,
                word: "WIN".to_owned(),
                action,
                valid_from: Some(now.plus(from)),
                valid_until: Some(now.plus(until)),
            };
            words::create(&world.test.store, &world.test.ctx, world.ws(), input).await
        };
        make("first", 1_000, 2_000).await.unwrap();
        assert_eq!(make("between", 1_500, 3_000).await.unwrap_err().code(), "keyword_taken");
        make("second", 2_000, 3_000).await.unwrap();
        let mut said = Vec::new();
        for _ in 0..4 {
            said.push(text(&world, &phone(1), "win").await);
            world.test.clock.advance(1_000);
        }
        assert_eq!(said, [Handled::NoKeyword, Handled::Word, Handled::Word, Handled::NoKeyword]);
        let sent: Vec<_> = world.messages().await.into_iter().map(|message| message.text).collect();
        assert_eq!(sent, ["first", "second"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_questions_fills_the_contact() {
    for world in worlds().await {
        let question =
            |text: &str, attribute: &str| Question { text: text.to_owned(), attribute: attribute.to_owned() };
        let last = KeywordAction::Reply {
            text: "Bye, {brand}".to_owned(),
            questions: Vec::new(),
            closing: None,
            next_keyword: None,
        };
        word(&world, "BYE", last).await.unwrap();
        let chain = KeywordAction::Reply {
            text: "Welcome!".to_owned(),
            questions: vec![question("Your e-mail?", "email"), question("Your shoe size?", "Shoe size")],
            closing: Some("Thank you.".to_owned()),
            next_keyword: Some("bye".to_owned()),
        };
        let id: KeywordId = word(&world, "QUIZ", chain).await.unwrap().id;
        assert_eq!(text(&world, &phone(1), "quiz").await, Handled::Word);
        assert_eq!(last_text(&world).await, "Welcome!\nYour e-mail?");
        assert_eq!(text(&world, &phone(1), "no e-mail").await, Handled::Captured);
        assert_eq!(last_text(&world).await, "Your e-mail?", "asked again");
        text(&world, &phone(1), "ana@example.com").await;
        assert_eq!(last_text(&world).await, "Your shoe size?");
        assert_eq!(text(&world, &phone(1), "42").await, Handled::Captured);
        let sent: Vec<_> = world.messages().await.into_iter().map(|message| message.text).collect();
        assert_eq!(sent[sent.len() - 2..], ["Thank you.", "Bye, Our team"], "{}", world.test.engine);
        let (ws, ana) = (world.ws(), phone(1).parse().unwrap());
        let contact = world.write(move |tx| tx.contact_by_phone(ws, &ana)).await.unwrap();
        assert_eq!(
            (contact.email.as_deref(), contact.attributes["shoe_size"].as_str()),
            (Some("ana@example.com"), "42")
        );
        assert_eq!(text(&world, &phone(1), "43").await, Handled::NoKeyword, "the chain is over");

        // A no in the middle of a chain is a no, and the chain is over.
        text(&world, &phone(2), "quiz").await;
        assert_eq!(text(&world, &phone(2), "stop texting me").await, Handled::Revoked);
        text(&world, &phone(3), "quiz").await;
        text(&world, &phone(3), "STOP").await;
        assert_eq!(text(&world, &phone(3), "me@example.com").await, Handled::NoKeyword);
        // Nor does it outlive its word, or the day.
        text(&world, &phone(4), "quiz").await;
        world.test.clock.advance(time::DAY);
        assert_eq!(text(&world, &phone(4), "me@example.com").await, Handled::NoKeyword);
        text(&world, &phone(4), "quiz").await;
        words::delete(&world.test.store, ws, id).await.unwrap();
        assert_eq!(text(&world, &phone(4), "me@example.com").await, Handled::NoKeyword);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_worked_on_late_confirms_and_joins_nothing_that_came_after_it() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let double = news(&world, ProgrammeOptIn::Double, Covers::AllMarketing).await;
        let early = world.test.now();
        world.test.clock.advance(time::HOUR);
        text(&world, &phone(1), "NEWS").await;
        // A yes from before the question, which somebody replays.
        assert_ne!(text_of(&world, early, &phone(1), "YES").await, Handled::OptIn, "{engine}");
        assert_eq!(subscription(&world, double.id, 1).await.state, SubscriptionState::Pending, "{engine}");
        assert_eq!(text(&world, &phone(1), "YES").await, Handled::OptIn, "{engine}");

        // Words of people who have said STOP since.
        for (number, (opt_in, covers)) in [
            (ProgrammeOptIn::Single, Covers::AllMarketing),
            (ProgrammeOptIn::Single, Covers::Programme),
            (ProgrammeOptIn::Double, Covers::AllMarketing),
        ]
        .into_iter()
        .enumerate()
        {
            let (number, name) = (10 + number as u32, format!("CLUB{number}"));
            let club = programme(&world, input(&world, &name, opt_in, covers)).await;
            word(&world, &name, KeywordAction::Join { programme_id: club.id }).await.unwrap();
            let came = world.test.now();
            world.test.clock.advance(time::HOUR);
            text(&world, &phone(number), "STOP").await;
            let before = world.messages().await.len();
            text_of(&world, came, &phone(number), &name).await;
            assert_eq!(world.messages().await.len(), before, "{engine} {name}: neither asked nor welcomed");
            let ws = world.ws();
            let known = world.write(move |tx| tx.subscription_of(ws, club.id, &phone(number))).await;
            assert!(known.is_none(), "{engine} {name}: {known:?}");
            // The word that comes later counts.
            world.test.clock.advance(1);
            assert_eq!(text(&world, &phone(number), &name).await, Handled::OptIn, "{engine} {name}");
            assert_eq!(world.messages().await.len(), before + 1, "{engine} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_fit_is_asked_for_twice_again_and_then_let_be() {
    for world in worlds().await {
        let (engine, store, ctx, ws) = (&world.test.engine, &world.test.store, &world.test.ctx, world.ws());
        let size = serde_json::json!({ "label": "Shoe size", "kind": "number" });
        segue_outreach::attributes::define(store, ctx, ws, serde_json::from_value(size).unwrap()).await.unwrap();
        for (number, (name, attribute, good, kept)) in
            [("MAIL", "email", "ana@example.com", "ana@example.com"), ("SIZE", "shoe_size", " 42 ", "42")]
                .into_iter()
                .enumerate()
        {
            let questions = vec![Question { text: format!("Your {name}?"), attribute: attribute.to_owned() }];
            let chain = KeywordAction::Reply { text: String::new(), questions, closing: None, next_keyword: None };
            word(&world, name, chain).await.unwrap();
            let early = world.test.now();
            world.test.clock.advance(time::HOUR);
            let (one, other) = (phone(2 * number as u32), phone(2 * number as u32 + 1));
            for from in [&one, &other] {
                text(&world, from, name).await;
                assert_eq!(
                    text_of(&world, early, from, good).await,
                    Handled::NoKeyword,
                    "{engine}: before it was asked"
                );
                for _ in 0..2 {
                    assert_eq!(text(&world, from, "large").await, Handled::Captured, "{engine} {name}");
                    assert_eq!(last_text(&world).await, format!("Your {name}?"), "{engine}");
                }
            }
            // The one says it in the end, the other does not.
            assert_eq!(text(&world, &one, good).await, Handled::Captured, "{engine} {name}");
            let address = one.parse().unwrap();
            let contact = world.write(move |tx| tx.contact_by_phone(ws, &address)).await.unwrap();
            let value = contact.email.or_else(|| contact.attributes.get("shoe_size").cloned());
            assert_eq!(value.as_deref(), Some(kept), "{engine}");
            let sent = world.messages().await.len();
            assert_eq!(text(&world, &other, "large").await, Handled::NoKeyword, "{engine} {name}");
            assert_eq!(text(&world, &other, good).await, Handled::NoKeyword, "{engine} {name}: it is over");
            assert_eq!(world.messages().await.len(), sent, "{engine} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joined_a_programme_gets_its_campaign_at_that_number_and_at_no_further_one() {
    use segue_outreach::contact_addresses::{self, AddressInput};
    use segue_store::contact_address::AddressKind;
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let programme = news(&world, ProgrammeOptIn::Single, Covers::Programme).await;
        word(&world, "NONEWS", KeywordAction::Leave { programme_id: programme.id }).await.unwrap();
        // Each has an own number and a further one that has opted in to everything.
        for (own, name) in [(1, "Ana"), (3, "Ben"), (5, "Cem"), (7, "Dia")] {
            let id = world.test.contact(&phone(own), name).await;
            let further = vec![AddressInput { kind: AddressKind::Phone, address: phone(own + 1) }];
            contact_addresses::set(store, ctx, ws, id, further).await.unwrap();
            world.consent(&phone(own + 1), ConsentAction::Grant).await;
        }
        text(&world, &phone(1), "NEWS").await;
        text(&world, &phone(3), "NEWS").await;
        text(&world, &phone(4), "NONEWS").await;
        text(&world, &phone(5), "NONEWS").await;
        let before = world.messages().await.len();
        let rules = CampaignRules { programme_id: Some(programme.id), ..CampaignRules::default() };
        let draft = world.draft(CampaignInput { rules, ..world.input() }).await.unwrap();
        let looked =
            segue_outreach::campaign::preflight::preflight(store, ctx, &world.links, ws, draft.id).await.unwrap();
        assert_eq!(looked.sendable, 3, "{}", world.test.engine);
        world.act(draft.id, segue_model::campaign::CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        let texted: Vec<String> = world.messages().await.into_iter().skip(before).map(|it| it.address).collect();
        assert_eq!(texted, [phone(1), phone(3), phone(8)], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_is_all_that_a_yes_agrees_to() {
    for world in worlds().await {
        let (engine, store, ctx, ws) = (&world.test.engine, &world.test.store, &world.test.ctx, world.ws());
        // What becomes of the programme between the question and the answer.
        let cases = [
            ("GATED", Some((ProgrammeOptIn::AgeGated, Covers::Programme))),
            ("ENDED", None),
            ("WIDER", Some((ProgrammeOptIn::Double, Covers::AllMarketing))),
        ];
        for (number, (name, becomes)) in cases.into_iter().enumerate() {
            let number = number as u32;
            let club = programme(&world, input(&world, name, ProgrammeOptIn::Double, Covers::Programme)).await;
            word(&world, name, KeywordAction::Join { programme_id: club.id }).await.unwrap();
            text(&world, &phone(number), name).await;
            text(&world, &phone(100 + number), name).await;
            assert_eq!(text(&world, &phone(100 + number), "YES").await, Handled::OptIn, "{engine} {name}");
            // What leaves it as it is ends nothing.
            let same = input(&world, name, ProgrammeOptIn::Double, Covers::Programme);
            programmes::change(store, ctx, ws, club.id, same).await.unwrap();
            assert_eq!(subscription(&world, club.id, number).await.state, SubscriptionState::Pending, "{engine}");
            let now = match becomes {
                Some((opt_in, covers)) => {
                    programmes::change(store, ctx, ws, club.id, input(&world, name, opt_in, covers)).await
                }
                None => programmes::set_ended(store, ctx, ws, club.id, Fate::End).await,
            };
            let now = now.unwrap();
            assert_eq!((now.active, now.pending), (1, 0), "{engine} {name}: who is in stays in");
            let asked: Vec<_> = world.messages().await.into_iter().filter(|it| it.address == phone(number)).collect();
            assert_eq!(asked[0].state, "canceled", "{engine} {name}: the question has not left");
            world.test.clock.advance(1_000);
            assert_eq!(text(&world, &phone(number), "YES").await, Handled::OptIn, "{engine} {name}");
            let ended = subscription(&world, club.id, number).await;
            let expected = (SubscriptionState::Ended, Some(EndReason::Removed));
            assert_eq!((ended.state, ended.end_reason), expected, "{engine} {name}");
            assert_eq!(consents(&world, &phone(number)).await[0], ConsentState::None, "{engine} {name}");
            let said: Vec<_> = actions(&world, number).await.into_iter().map(|(action, _)| action).collect();
            assert_eq!(said, [ConsentAction::Request, ConsentAction::Expire], "{engine} {name}");
            let told = world.messages().await.into_iter().filter(|it| it.address == phone(number)).count();
            assert_eq!(told, 1, "{engine} {name}: no welcome");
        }
        // Whoever asks again is asked what it asks now.
        world.test.clock.advance(time::HOUR);
        text(&world, &phone(0), "GATED").await;
        assert!(last_text(&world).await.contains("birth date"), "{engine}");
        // It asks for another word, or by another number: what was asked before is answered by nothing either.
        let other = world.test.sender(world.sms.id, "+15550109999").await;
        let mut reworded = input(&world, "Reworded", ProgrammeOptIn::Double, Covers::Programme);
        let moved = ProgrammeInput { name: "Moved".to_owned(), ..reworded.clone() };
        let (first, second) = (programme(&world, reworded.clone()).await, programme(&world, moved.clone()).await);
        reworded.settings.accepted_words = vec!["JOIN".to_owned()];
        for (number, club, becomes) in
            [(60, first.id, reworded), (61, second.id, ProgrammeInput { sender_id: other.id, ..moved })]
        {
            subscribe(&world, club, number, None).await.unwrap();
            programmes::change(store, ctx, ws, club, becomes).await.unwrap();
            world.test.clock.advance(1_000);
            assert_eq!(text(&world, &phone(number), "YES").await, Handled::OptIn, "{engine}");
            assert_eq!(consents(&world, &phone(number)).await[0], ConsentState::None, "{engine}");
        }
        // A question that asks for another word is not answered by YES, and everything less so.
        subscribe(&world, first.id, 62, None).await.unwrap();
        world.test.clock.advance(1_000);
        assert_eq!(text(&world, &phone(62), "YES").await, Handled::OptIn, "{engine}");
        assert_eq!(consents(&world, &phone(62)).await[0], ConsentState::None, "{engine}");
        // After a no nothing is asked any more.
        for said in ["STOP", "YES"] {
            world.test.clock.advance(1_000);
            let handled = text(&world, &phone(60), said).await;
            assert!(matches!(handled, Handled::Answered(_)), "{engine} {said}: {handled:?}");
        }
        // When nothing was asked, the same word opens everything again.
        assert_eq!(text(&world, &phone(50), "YES").await, Handled::Answered(Keyword::Start), "{engine}");
        world.test.clock.advance(4 * time::DAY);
        assert_eq!(text(&world, &phone(1), "YES").await, Handled::Answered(Keyword::Start), "{engine}: much later");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_a_no_is_looked_at_whatever_was_asked() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let wine = programme(&world, input(&world, "Wine", ProgrammeOptIn::AgeGated, Covers::AllMarketing)).await;
        word(&world, "WINE", KeywordAction::Join { programme_id: wine.id }).await.unwrap();
        let question = Question { text: "Your name?".to_owned(), attribute: "first_name".to_owned() };
        let chain =
            KeywordAction::Reply { text: String::new(), questions: vec![question], closing: None, next_keyword: None };
        word(&world, "QUIZ", chain).await.unwrap();
        for (number, begun, answer) in [(1, "WINE", "12/31/1980"), (2, "QUIZ", "Bea")] {
            world.subscriber(&phone(number), "Ana").await;
            world.test.clock.advance(1_000);
            text(&world, &phone(number), begun).await;
            let sent = world.messages().await.len();
            let said = text(&world, &phone(number), "Sorry, not interested").await;
            assert_eq!(said, Handled::Review, "{engine} {begun}");
            assert_eq!(consents(&world, &phone(number)).await[0], ConsentState::InReview, "{engine} {begun}");
            assert_eq!(world.messages().await.len(), sent, "{engine} {begun}: nothing is asked again");
            // The question goes on waiting.
            let answered = text(&world, &phone(number), answer).await;
            assert!(matches!(answered, Handled::OptIn | Handled::Captured), "{engine} {begun}: {answered:?}");
        }
        let (ws, bea) = (world.ws(), phone(2).parse().unwrap());
        let contact = world.write(move |tx| tx.contact_by_phone(ws, &bea)).await.unwrap();
        assert_eq!(contact.first_name.as_deref(), Some("Bea"), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_and_the_word_of_a_programme_leaves_that_one_alone() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let news = news(&world, ProgrammeOptIn::Single, Covers::Programme).await;
        let deals = programme(&world, input(&world, "Deals", ProgrammeOptIn::Single, Covers::AllMarketing)).await;
        word(&world, "DEALS", KeywordAction::Join { programme_id: deals.id }).await.unwrap();
        settings(&world, |settings| settings.opt_out_scope = OptOutScope::Programme).await;
        for said in ["NEWS", "DEALS"] {
            text(&world, &phone(1), said).await;
        }
        world.test.clock.advance(1_000);
        assert_eq!(text(&world, &phone(1), "stop news").await, Handled::Answered(Keyword::Stop), "{engine}");
        assert_eq!(subscription(&world, news.id, 1).await.end_reason, Some(EndReason::Stopped), "{engine}");
        assert_eq!(subscription(&world, deals.id, 1).await.state, SubscriptionState::Active, "{engine}");
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::Granted, "{engine}: what the other one gave");
        assert_eq!(text(&world, &phone(1), "stop news").await, Handled::Repeated(Keyword::Stop), "{engine}: once more");
        assert_eq!(subscription(&world, deals.id, 1).await.state, SubscriptionState::Active, "{engine}");
        world.test.clock.advance(1_000);
        text(&world, &phone(1), "STOP DEALS").await;
        assert_eq!(subscription(&world, deals.id, 1).await.state, SubscriptionState::Ended, "{engine}");
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::Revoked, "{engine}");
        // Whoever is not in it means all that it can mean.
        text(&world, &phone(2), "DEALS").await;
        world.test.clock.advance(1_000);
        assert_eq!(text(&world, &phone(2), "stop news").await, Handled::Answered(Keyword::Stop), "{engine}");
        assert_eq!(subscription(&world, deals.id, 2).await.state, SubscriptionState::Ended, "{engine}");
        // Nor does it reach that far only where the setting says otherwise.
        settings(&world, |settings| settings.opt_out_scope = OptOutScope::All).await;
        for said in ["NEWS", "DEALS"] {
            text(&world, &phone(3), said).await;
        }
        world.test.clock.advance(1_000);
        text(&world, &phone(3), "stop news").await;
        assert_eq!(subscription(&world, deals.id, 3).await.state, SubscriptionState::Ended, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_is_told_so_as_rarely_as_asked() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let single = news(&world, ProgrammeOptIn::Single, Covers::Programme).await;
        subscribe(&world, single.id, 1, Some("Yes")).await.unwrap();
        for _ in 0..5 {
            let again = subscribe(&world, single.id, 1, Some("Yes")).await.unwrap();
            assert_eq!(again.state, SubscriptionState::Active, "{engine}");
        }
        assert_eq!(world.messages().await.len(), 2, "{engine}: the welcome, and one more text");
        for _ in 0..9 {
            world.test.clock.advance(10 * time::MINUTE);
            subscribe(&world, single.id, 1, Some("Yes")).await.unwrap();
        }
        assert_eq!(world.messages().await.len(), 4, "{engine}: three times a day");
        assert_eq!(subscription(&world, single.id, 1).await.state, SubscriptionState::Active, "{engine}");
        // Whoever texts the word is told so each time.
        for more in 1..3 {
            text(&world, &phone(1), "NEWS").await;
            assert_eq!(world.messages().await.len(), 4 + more, "{engine}");
        }
    }
}
