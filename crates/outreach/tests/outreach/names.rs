//! Names as senders and senders with a plain alphabet: what their texts say, and what does not leave.

use segue_model::{
    campaign::Footer,
    language::LocaleText,
    opt_out_line::{OptOutLine, OptOutLineWhen},
    sender::{SenderAlphabet, SenderKind},
};
use segue_outreach::{
    campaign::{preflight, preview},
    direct::{self, DirectClass, DirectInput, SenderChoice, Target, Text},
};
use segue_store::campaign::CampaignInput;

use crate::world::{World, worlds};

const MUNICH: &str = "+498912345678";

async fn line_of_names(world: &World) {
    let ws = world.ws();
    world
        .write(move |tx| {
            let mut workspace = tx.workspace(ws)?.expect("it exists");
            workspace.settings.campaigns.opt_out_line = OptOutLine {
                when: OptOutLineWhen::Never,
                unanswerable: "End: acme.example/stop".to_owned(),
                unanswerable_texts: vec![LocaleText {
                    locale: "de".to_owned(),
                    body: "Ende: acme.example/stopp".to_owned(),
                }],
                ..OptOutLine::default()
            };
            tx.update_workspace(&workspace)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_from_a_name_says_where_one_can_end_it_and_no_text_from_a_number() {
    for world in worlds().await {
        world.subscriber(MUNICH, "Ben").await;
        line_of_names(&world).await;
        let name = world.test.sender_of_kind(world.sms.id, SenderKind::Alphanumeric, "ACME").await;
        let with_line = CampaignInput { body: "Sale today".to_owned(), ..world.input() };
        for (sender, says) in [(name.id, true), (world.sender.id, false)] {
            world.sent(CampaignInput { sender_id: Some(sender), ..with_line.clone() }).await;
            let text = world.messages().await.pop().unwrap().text;
            assert_eq!(text.contains("\nEnd: acme.example/stop\n"), says, "{}: {text}", world.test.engine);
            let shown = preview::TextInput {
                body: "Sale today".to_owned(),
                footer: Footer::None,
                prefilled_text: String::new(),
                whatsapp_channel_id: None,
                sender_id: Some(sender),
                pool_id: None,
                shorten: None,
                texts: Vec::new(),
                contact_id: None,
                person: None,
            };
            let shown = preview::preview_text(&world.test.store, &world.links, world.ws(), shown).await.unwrap();
            assert_eq!(shown.opt_out_line.is_some(), says, "{}: {}", world.test.engine, shown.text);
        }
        let german = CampaignInput {
            sender_id: Some(name.id),
            texts: vec![LocaleText { locale: "de".to_owned(), body: "Angebot".to_owned() }],
            ..with_line.clone()
        };
        let draft = world.draft(german).await.unwrap();
        let (store, ctx) = (&world.test.store, &world.test.ctx);
        let looked = preflight::preflight(store, ctx, &world.links, world.ws(), draft.id).await.unwrap();
        assert_eq!(looked.sendable, 1, "{}", world.test.engine);
        // A text that has the line already gets no second one.
        let body = "Sale. End: acme.example/stop".to_owned();
        world.sent(CampaignInput { sender_id: Some(name.id), body, ..world.input() }).await;
        let text = world.messages().await.pop().unwrap().text;
        assert_eq!(text.matches("End:").count(), 1, "{}: {text}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_with_a_plain_alphabet_replaces_or_leaves_out_as_it_is_set() {
    for world in worlds().await {
        world.subscriber(MUNICH, "Ben").await;
        let (ws, sender) = (world.ws(), world.sender.id);
        let set = async |alphabet: SenderAlphabet| {
            assert!(world.write(move |tx| tx.set_sender_alphabet(ws, sender, alphabet)).await);
        };
        let campaign = |body: &str| CampaignInput { body: body.to_owned(), ..world.input() };
        let quoted = "It\u{2019}s \u{201c}spring\u{201d}";
        for (alphabet, body, left) in [
            (SenderAlphabet::Any, quoted, Some("It\u{2019}s")),
            (SenderAlphabet::GsmReplace, quoted, Some("It's \"spring\"")),
            (SenderAlphabet::GsmReplace, "Wiosna \u{17c}\u{f3}\u{142}ta", None),
            (SenderAlphabet::GsmRefuse, quoted, None),
            (SenderAlphabet::GsmRefuse, "It's spring", Some("It's spring")),
        ] {
            set(alphabet).await;
            let draft = world.draft(campaign(body)).await.unwrap();
            let (store, ctx) = (&world.test.store, &world.test.ctx);
            let looked = preflight::preflight(store, ctx, &world.links, ws, draft.id).await.unwrap();
            let before = world.messages().await.len();
            world.sent(campaign(body)).await;
            let sent: Vec<_> = world.messages().await.into_iter().skip(before).collect();
            match left {
                Some(start) => {
                    assert_eq!(looked.sendable, 1, "{} {alphabet} {body}", world.test.engine);
                    assert!(sent[0].text.starts_with(start), "{} {alphabet}: {}", world.test.engine, sent[0].text);
                }
                None => {
                    assert!(sent.is_empty(), "{} {alphabet} {body}", world.test.engine);
                    let reasons: Vec<_> = looked.excluded.iter().map(|rule| (rule.rule.as_str(), rule.count)).collect();
                    assert_eq!(reasons, [("not_plain", 1)], "{} {alphabet} {body}", world.test.engine);
                }
            }
            let message = DirectInput {
                media: Vec::new(),
                media_named: Vec::new(),
                sender: SenderChoice::Id(sender),
                to: Target::Phone(MUNICH.to_owned()),
                text: Text::Verbatim(body.to_owned()),
                fields: Default::default(),
                class: DirectClass::Service,
                expires_at: None,
                client_reference: None,
                callback: None,
            };
            let sent = direct::send(&world.test.store, &world.test.ctx, ws, "test", None, message).await;
            match left {
                Some(_) => assert!(sent.is_ok(), "{} {alphabet} {body}", world.test.engine),
                None => assert_eq!(sent.unwrap_err().field(), Some("text"), "{} {alphabet}", world.test.engine),
            }
        }
    }
}
