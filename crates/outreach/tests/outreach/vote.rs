//! Votes by text.

use segue_model::{
    KeywordId, Timestamp,
    programme::KeywordAction,
    time,
    vote::{Vote, VoteOption},
};
use segue_outreach::{
    OutreachError,
    keywords::Handled,
    votes::{self, VoteState},
    words::{self, KeywordInput},
};

use crate::{
    keyword::{text, text_of},
    world::{World, phone, worlds},
};

fn vote(changeable: bool, closes_at: Option<Timestamp>) -> Vote {
    let option = |word: &str, label: &str| VoteOption { word: word.to_owned(), label: label.to_owned() };
    Vote {
        text: "{brand}: red or blue?".to_owned(),
        options: vec![option("RED", "Red wine"), option("BLUE", "=Blue")],
        changeable,
        closes_at,
        thanks: "Thanks for {option}.".to_owned(),
        already: "You chose {option}.".to_owned(),
        closed: "It is over.".to_owned(),
    }
}

async fn word(world: &World, word: &str, action: KeywordAction) -> Result<KeywordId, OutreachError> {
    let input =
        KeywordInput { sender_id: world.sender.id, word: word.to_owned(), action, valid_from: None, valid_until: None };
    words::create(&world.test.store, &world.test.ctx, world.ws(), input).await.map(|word| word.id)
}

async fn last_text(world: &World) -> String {
    world.messages().await.pop().map(|message| message.text).unwrap_or_default()
}

/// Votes by option, in the order of the vote.
async fn counts(world: &World, id: KeywordId) -> Vec<(String, i64)> {
    let tally = votes::tally(&world.test.store, world.test.now(), world.ws(), id).await.unwrap();
    assert_eq!(tally.total, tally.options.iter().map(|option| option.votes).sum::<i64>());
    tally.options.into_iter().map(|option| (option.word, option.votes)).collect()
}

fn stands(red: i64, blue: i64) -> Vec<(String, i64)> {
    vec![("RED".to_owned(), red), ("BLUE".to_owned(), blue)]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_number_has_one_vote_and_the_first_counts() {
    for world in worlds().await {
        let id = word(&world, "VOTE", KeywordAction::Vote(vote(false, None))).await.unwrap();
        assert_eq!(text(&world, &phone(1), "vote").await, Handled::Word);
        assert_eq!(last_text(&world).await, "Our team: red or blue?");
        assert_eq!(text(&world, &phone(1), "2").await, Handled::Vote);
        assert_eq!(last_text(&world).await, "Thanks for =Blue.");
        assert_eq!(text(&world, &phone(1), "red").await, Handled::NoKeyword, "the question is answered");
        assert_eq!(text(&world, &phone(1), "Vote red!").await, Handled::Vote);
        assert_eq!(last_text(&world).await, "You chose =Blue.");
        assert_eq!(text(&world, &phone(2), "vote RED").await, Handled::Vote, "word and option in one text");
        assert_eq!(last_text(&world).await, "Thanks for Red wine.");
        assert_eq!(counts(&world, id).await, stands(1, 1), "{}", world.test.engine);
        let (lines, next) = votes::export(&world.test.store, world.ws(), id, String::new(), 100).await.unwrap();
        assert_eq!(next, None);
        let lines: Vec<_> = lines.lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("\"'=Blue\""), "no cell is a formula: {lines:?}");
        let (first, next) = votes::export(&world.test.store, world.ws(), id, String::new(), 1).await.unwrap();
        let (second, _) = votes::export(&world.test.store, world.ws(), id, next.unwrap(), 1).await.unwrap();
        assert_eq!(format!("{first}{second}"), lines.iter().map(|line| format!("{line}\r\n")).collect::<String>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_can_be_changed_where_it_may_until_it_closes() {
    for world in worlds().await {
        let closes = world.test.now().plus(time::HOUR);
        let id = word(&world, "VOTE", KeywordAction::Vote(vote(true, Some(closes)))).await.unwrap();
        text(&world, &phone(1), "vote").await;
        assert_eq!(text(&world, &phone(1), "red").await, Handled::Vote);
        assert_eq!(text(&world, &phone(1), "blue").await, Handled::Vote, "it may simply answer again");
        assert_eq!(counts(&world, id).await, stands(0, 1), "{}", world.test.engine);
        world.test.clock.set(closes);
        assert_eq!(text(&world, &phone(1), "red").await, Handled::Word);
        assert_eq!(last_text(&world).await, "It is over.", "{}", world.test.engine);
        assert_eq!(text(&world, &phone(2), "vote red").await, Handled::Word);
        assert_eq!(text(&world, &phone(3), "vote").await, Handled::Word);
        assert_eq!(last_text(&world).await, "It is over.");
        assert_eq!(counts(&world, id).await, stands(0, 1), "{}: nothing counts after the end", world.test.engine);
        let tally = votes::tally(&world.test.store, world.test.now(), world.ws(), id).await.unwrap();
        assert_eq!(tally.state, VoteState::Closed);
        // An option that is gone keeps its votes in sight.
        let mut fewer = vote(true, Some(closes));
        fewer.options[1] = VoteOption { word: "GREEN".to_owned(), label: "Green".to_owned() };
        let input = KeywordInput {
            sender_id: world.sender.id,
            word: "VOTE".to_owned(),
            action: KeywordAction::Vote(fewer),
            valid_from: None,
            valid_until: None,
        };
        words::change(&world.test.store, &world.test.ctx, world.ws(), id, input).await.unwrap();
        let tally = votes::tally(&world.test.store, world.test.now(), world.ws(), id).await.unwrap();
        let gone = tally.options.last().unwrap();
        assert_eq!((gone.word.as_str(), gone.votes, gone.offered), ("blue", 1, false), "{}", world.test.engine);
        words::delete(&world.test.store, world.ws(), id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_option_is_asked_again_twice_and_a_no_is_still_a_no() {
    for world in worlds().await {
        let id = word(&world, "VOTE", KeywordAction::Vote(vote(false, None))).await.unwrap();
        text(&world, &phone(1), "vote").await;
        let before = world.messages().await.len();
        let mut said = Vec::new();
        for _ in 0..4 {
            said.push(text(&world, &phone(1), "purple").await);
        }
        assert_eq!(said, [Handled::Captured, Handled::Captured, Handled::NoKeyword, Handled::NoKeyword]);
        assert_eq!(world.messages().await.len(), before + 2, "{}: it does not go on for ever", world.test.engine);
        text(&world, &phone(2), "vote").await;
        assert_eq!(text(&world, &phone(2), "stop texting me").await, Handled::Revoked);
        assert_eq!(counts(&world, id).await, stands(0, 0), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_mean_something_already_are_refused() {
    for world in worlds().await {
        let with = |one: &str, two: &str| {
            let option = |word: &str| VoteOption { word: word.to_owned(), label: "X".to_owned() };
            KeywordAction::Vote(Vote { options: vec![option(one), option(two)], ..vote(false, None) })
        };
        let reply = |text: &str| KeywordAction::Reply {
            text: text.to_owned(),
            questions: Vec::new(),
            closing: None,
            next_keyword: None,
        };
        word(&world, "GREEN", reply("Hello")).await.unwrap();
        for (one, two, code) in [
            ("RED", "STOP", "keyword_taken"),
            ("RED", "Yes", "keyword_taken"),
            ("RED", "green", "keyword_taken"),
            ("RED", "red!", "invalid"),
            ("RED", "!", "invalid"),
        ] {
            let refused = word(&world, "VOTE", with(one, two)).await.unwrap_err();
            match code {
                "invalid" => assert_eq!(refused.field(), Some("action.options"), "{two}"),
                code => assert_eq!(refused.code(), code, "{two}"),
            }
        }
        word(&world, "VOTE", with("RED", "BLUE")).await.unwrap();
        assert_eq!(word(&world, "blue", reply("Hello")).await.unwrap_err().code(), "keyword_taken");
        let only = KeywordAction::Vote(Vote { options: vote(false, None).options[..1].to_vec(), ..vote(false, None) });
        assert_eq!(word(&world, "ONE", only).await.unwrap_err().field(), Some("action.options"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_that_is_worked_on_late_changes_none_that_came_after_it() {
    for world in worlds().await {
        let id = word(&world, "VOTE", KeywordAction::Vote(vote(true, None))).await.unwrap();
        let early = world.test.now();
        world.test.clock.advance(time::HOUR);
        text(&world, &phone(1), "vote red").await;
        assert_eq!(text_of(&world, early, &phone(1), "vote blue").await, Handled::Vote);
        assert_eq!(counts(&world, id).await, stands(1, 0), "{}", world.test.engine);
        assert_eq!(last_text(&world).await, "You chose Red wine.", "{}", world.test.engine);
        world.test.clock.advance(1);
        text(&world, &phone(1), "vote blue").await;
        let between = world.test.now().plus(-1);
        text_of(&world, between, &phone(1), "vote red").await;
        assert_eq!(counts(&world, id).await, stands(0, 1), "{}: changed by the later one alone", world.test.engine);
    }
}
