//! What texts are made of: the opt-out line, snippets with their versions, other languages; and what is said about them.

use segue_model::{
    SnippetId,
    actor::Actor,
    campaign::{CampaignAction, Footer},
    consent::ConsentAction,
    contact::ContactFields,
    language::LocaleText,
    opt_out_line::{OptOutLine, OptOutLineWhen},
    text_lint::TextRule,
    variant::Variant,
};
use segue_outreach::{
    OutreachError,
    campaign::{
        preflight::{self, WarningKind},
        preview::{self, SmsEncoding, TestPerson, TextInput, TextPreview},
    },
    snippets::{self, SnippetChange, SnippetInput, SnippetUses},
};
use segue_store::{
    campaign::CampaignInput,
    channel::{Registration, Sender, SenderKind},
    snippet::SnippetView,
};

use crate::world::{World, phone, worlds};

fn text(locale: &str, body: &str) -> LocaleText {
    LocaleText { locale: locale.to_owned(), body: body.to_owned() }
}

fn every() -> OptOutLine {
    OptOutLine { when: OptOutLineWhen::Every, ..OptOutLine::default() }
}

impl World {
    async fn set_opt_out_line(&self, line: OptOutLine) {
        let ws = self.ws();
        self.write(move |tx| {
            let mut workspace = tx.workspace(ws)?.unwrap();
            workspace.settings.campaigns.opt_out_line = line.clone();
            tx.update_workspace(&workspace)
        })
        .await;
    }

    fn plain(&self, body: &str) -> CampaignInput {
        CampaignInput { body: body.to_owned(), footer: Footer::None, ..self.input() }
    }

    async fn speaker(&self, number: u32, locale: &str) {
        let (ws, ctx, locale) = (self.ws(), self.test.ctx.clone(), locale.to_owned());
        self.write(move |tx| {
            let fields = ContactFields {
                phone: Some(phone(number).parse().unwrap()),
                locale: (!locale.is_empty()).then(|| locale.clone()),
                ..ContactFields::default()
            };
            tx.upsert_contact(ws, ctx.id(), &fields, ctx.now())?;
            Ok(())
        })
        .await;
        self.consent(&phone(number), ConsentAction::Grant).await;
    }

    async fn snippet(&self, name: &str, body: &str) -> SnippetView {
        self.try_snippet(name, body).await.unwrap()
    }

    async fn try_snippet(&self, name: &str, body: &str) -> Result<SnippetView, OutreachError> {
        let input = SnippetInput { name: name.to_owned(), body: body.to_owned() };
        snippets::create(&self.test.store, &self.test.ctx, self.ws(), &Actor::System, input).await
    }

    async fn change_snippet(&self, snippet: &SnippetView, body: &str) -> Result<SnippetView, OutreachError> {
        let change = SnippetChange { body: body.to_owned(), version: snippet.version };
        snippets::change(&self.test.store, &self.test.ctx, self.ws(), &Actor::System, snippet.id, change).await
    }

    async fn uses(&self, id: SnippetId) -> SnippetUses {
        snippets::uses(&self.test.store, self.ws(), id).await.unwrap()
    }

    async fn texts_of(&self, prefix: &str) -> Vec<String> {
        let messages = self.messages().await;
        messages.into_iter().map(|message| message.text).filter(|text| text.starts_with(prefix)).collect()
    }

    async fn look(&self, input: TextInput) -> Result<TextPreview, OutreachError> {
        preview::preview_text(&self.test.store, &self.links, self.ws(), input).await
    }
}

fn written(body: &str) -> TextInput {
    serde_json::from_value(serde_json::json!({ "body": body, "footer": "none" })).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_opt_out_line_is_added_where_a_text_lacks_one_and_counts_in_the_segments() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        world.set_opt_out_line(every()).await;
        world.sent(world.plain("Sale today")).await;
        world.sent(world.plain("Text STOP to end")).await;
        world.sent(CampaignInput { body: "Chat".to_owned(), ..world.input() }).await;
        let texts: Vec<String> = world.messages().await.into_iter().map(|message| message.text).collect();
        assert_eq!(texts[..2], ["Sale today\nReply STOP to opt out", "Text STOP to end"], "{}", world.test.engine);
        assert!(texts[2].starts_with("Chat\nReply STOP to opt out\nhttps://"), "the link stays last: {}", texts[2]);
        let long = world.look(written(&"a".repeat(150))).await.unwrap();
        assert_eq!((long.segments, long.opt_out_line.as_deref()), (2, Some("Reply STOP to opt out")));
        world.set_opt_out_line(OptOutLine::default()).await;
        assert_eq!(world.look(written(&"a".repeat(150))).await.unwrap().segments, 1, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_message_of_a_person_gets_the_line_and_again_when_that_never_left() {
    for world in worlds().await {
        let first = OptOutLine { when: OptOutLineWhen::First, ..OptOutLine::default() };
        world.set_opt_out_line(first).await;
        world.subscriber(&phone(1), "Ana").await;
        world.sent(world.plain("One")).await;
        world.subscriber(&phone(2), "Ben").await;
        world.sent(world.plain("Two")).await;
        let line = "\nReply STOP to opt out";
        assert_eq!(world.texts_of("One").await, [format!("One{line}")], "{}", world.test.engine);
        let mut second = world.texts_of("Two").await;
        second.sort();
        assert_eq!(second, ["Two".to_owned(), format!("Two{line}")], "{}: Ana has been told", world.test.engine);
        world.set_message_state(&phone(1), "failed").await;
        world.sent(world.plain("Three")).await;
        let told = world.texts_of("Three").await.iter().filter(|text| text.ends_with(line)).count();
        assert_eq!(told, 1, "{}: what failed told Ana nothing, and Ben has been told", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_as_sender_gets_no_line_that_nobody_could_answer() {
    for world in worlds().await {
        world.set_opt_out_line(every()).await;
        // A number of a country where names may send.
        world.subscriber("+447400123456", "Ana").await;
        let sender = Sender {
            id: world.test.ctx.id(),
            channel_id: world.sms.id,
            address: "ACME".to_owned(),
            kind: SenderKind::Alphanumeric,
            registration: Registration::Active,
            created_at: world.test.now(),
        };
        let (ws, copy) = (world.ws(), sender.clone());
        world.write(move |tx| tx.upsert_sender(ws, &copy).map(|_| ())).await;
        world.sent(CampaignInput { sender_id: Some(sender.id), ..world.plain("Sale") }).await;
        assert_eq!(world.texts_of("Sale").await, ["Sale"], "{}", world.test.engine);
        let looked = world.look(TextInput { sender_id: Some(sender.id), ..written("Sale, reply STOP") }).await.unwrap();
        assert!(looked.findings.iter().any(|finding| finding.rule == TextRule::OptOutImpossible));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_started_campaign_keeps_its_snippets_and_line_whatever_changes() {
    for world in worlds().await {
        world.set_opt_out_line(every()).await;
        world.subscriber(&phone(1), "Ana").await;
        let legal = world.snippet("legal", "Terms of May. {{ first_name }}").await;
        let outer = world.snippet("outer", "See: {% include 'legal' %}").await;
        let body = "News. {% include \"outer\" %}";
        let draft = world.draft(world.plain(body)).await.unwrap();
        let waiting = world.draft(world.plain(body)).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        let second = world.change_snippet(&legal, "Terms of June.").await.unwrap();
        assert_eq!(second.version, 2);
        let lost = world.change_snippet(&legal, "Terms of July.").await;
        assert!(matches!(lost, Err(OutreachError::ChangedMeanwhile)), "the newest version was not looked at");
        world.set_opt_out_line(OptOutLine::default()).await;
        world.plan(draft.id).await;
        let sent = world.texts_of("News").await;
        assert_eq!(sent, ["News. See: Terms of May. Ana\nReply STOP to opt out"], "{}", world.test.engine);

        let uses = world.uses(legal.id).await;
        assert_eq!(uses.snippets, ["outer"]);
        assert_eq!(uses.campaigns.iter().map(|c| c.version).collect::<Vec<_>>(), [Some(1)], "the one that started");
        let versions: Vec<_> =
            world.uses(outer.id).await.campaigns.iter().map(|c| (c.campaign_id, c.version)).collect();
        assert_eq!(versions, [(waiting.id, None), (draft.id, Some(1))], "{}", world.test.engine);

        world.act(waiting.id, CampaignAction::Start).await.unwrap();
        world.plan(waiting.id).await;
        assert_eq!(world.texts_of("News").await[1], "News. See: Terms of June.", "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snippet_that_is_used_stays_and_one_that_is_not_goes_and_comes_back() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let legal = world.snippet("legal", "Terms").await;
        assert!(matches!(world.try_snippet("legal", "x").await, Err(OutreachError::SnippetTaken)));
        let draft = world.draft(world.plain("A {% include 'legal' %}")).await.unwrap();
        let refused = snippets::remove(store, ctx, ws, legal.id).await.unwrap_err().to_string();
        assert!(refused.contains("the campaign 'Spring'"), "{refused}");
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        assert!(snippets::remove(store, ctx, ws, legal.id).await.is_err(), "it is being sent");
        world.act(draft.id, CampaignAction::Cancel).await.unwrap();
        snippets::remove(store, ctx, ws, legal.id).await.unwrap();
        let missing = world.draft(world.plain("A {% include 'legal' %}")).await.unwrap_err().to_string();
        assert!(missing.contains("no snippet named"), "{missing}");
        let back = world.snippet("legal", "New terms").await;
        assert_eq!((back.id, back.version), (legal.id, 2), "{}: its versions go on", world.test.engine);
        assert_eq!(snippets::versions(store, ws, legal.id).await.unwrap().len(), 2);

        for (name, body, why) in [
            ("Bad name", "x", "small letters"),
            ("empty", " ", "Write the text"),
            ("self", "{% include 'self' %}", "include itself"),
            ("broken", "{{ first_name", "line 1"),
        ] {
            let refused = world.try_snippet(name, body).await.unwrap_err().to_string();
            assert!(refused.contains(why), "{name}: {refused}");
        }
        let inner = world.snippet("inner", "x").await;
        world.snippet("around", "{% include 'inner' %}").await;
        let circle = world.change_snippet(&inner, "{% include 'around' %}").await.unwrap_err().to_string();
        assert!(circle.contains("include itself"), "{circle}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_contact_gets_the_text_of_the_own_language_and_links_and_line_with_it() {
    for world in worlds().await {
        world.set_opt_out_line(every()).await;
        for (number, locale) in [(1, "de-AT"), (2, "pt"), (3, ""), (4, "pt-BR")] {
            world.speaker(number, locale).await;
        }
        let texts = vec![text("de", "Hallo https://shop.example.com/de"), text("pt-BR", "Oi {{ first_name }}")];
        let input = CampaignInput { texts, ..world.plain("Hi https://shop.example.com/en") };
        let sent = world.sent(input.clone()).await;
        let texts = world.messages().await;
        let of = |number| texts.iter().find(|m| m.address == phone(number)).unwrap().text.clone();
        assert!(of(1).starts_with("Hallo https://go.example.com/l/"), "{}", of(1));
        assert!(of(1).ends_with("\nZum Abmelden STOP antworten"), "{}", of(1));
        assert!(of(2).starts_with("Hi https://go.example.com/l/") && of(2).ends_with("Reply STOP to opt out"));
        assert!(of(3).starts_with("Hi "), "{}", of(3));
        assert_eq!(of(4), "Oi \nResponda STOP para sair", "{}", world.test.engine);
        assert_eq!(sent.input.texts, input.texts, "they are stored and shown");

        for (texts, why) in [
            (vec![text("german", "x")], "no language"),
            (vec![text("de", "x"), text("DE", "y")], "two texts"),
            (vec![text("de", " ")], "characters"),
            (vec![text("de", "{{ shoe_size }}")], "shoe_size"),
            (vec![text("de", &"a".repeat(2_000))], "segments"),
        ] {
            let refused = world.draft(CampaignInput { texts, ..world.plain("Hi") }).await.unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_counts_and_checks_each_text_and_ends_with_a_changed_snippet() {
    for world in worlds().await {
        for (number, locale) in [(1, "de"), (2, "en"), (3, "de")] {
            world.speaker(number, locale).await;
        }
        let legal = world.snippet("legal", "Reply STOP to end, HELP for help").await;
        let variant =
            |name: &str, body: &str, texts| Variant { name: name.to_owned(), weight: 50, body: body.to_owned(), texts };
        let input = CampaignInput {
            texts: vec![text("de", "Bier bit.ly/x")],
            ..world.plain("Test workspace: hi. {% include 'legal' %}")
        };
        let draft = world.draft(input.clone()).await.unwrap();
        let (store, ctx) = (&world.test.store, &world.test.ctx);
        let looked = preflight::preflight(store, ctx, &world.links, world.ws(), draft.id).await.unwrap();
        let counts: Vec<_> = looked.texts.iter().map(|text| (text.locale.as_deref(), text.messages)).collect();
        assert_eq!(counts, [(None, 1), (Some("de"), 2)], "{}", world.test.engine);
        let found = |place: usize| looked.texts[place].findings.iter().map(|f| f.rule).collect::<Vec<_>>();
        assert!(found(1).contains(&TextRule::SharedShortener) && found(1).contains(&TextRule::OptOutMissing));
        assert!(!found(0).contains(&TextRule::OptOutMissing), "{:?}", found(0));
        assert!(looked.warnings.iter().any(|warning| warning.kind == WarningKind::TextsDisliked));

        world.change_snippet(&legal, "STOP ends").await.unwrap();
        let again = preflight::preflight(store, ctx, &world.links, world.ws(), draft.id).await.unwrap();
        assert_ne!(looked.mark.split_once('-').unwrap().1, again.mark.split_once('-').unwrap().1);

        let variants =
            vec![variant("A", "One STOP", vec![text("de", "Eins STOP")]), variant("B", "Two STOP", Vec::new())];
        let draft = world.draft(CampaignInput { variants, ..input }).await.unwrap();
        let looked = preflight::preflight(store, ctx, &world.links, world.ws(), draft.id).await.unwrap();
        let names: Vec<_> = looked.texts.iter().map(|t| (t.variant.as_str(), t.locale.as_deref())).collect();
        assert_eq!(names, [("A", None), ("A", Some("de")), ("B", None)], "{}", world.test.engine);
        assert_eq!(looked.texts.iter().map(|t| t.messages).sum::<i64>(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_looked_at_as_a_contact_or_as_somebody_who_does_not_exist() {
    for world in worlds().await {
        let ana = world.subscriber(&phone(1), "Ana").await;
        let texts = vec![text("de", "Hallo {{ first_name }}")];
        let input = TextInput { texts, ..written("Hi {{ first_name }}") };
        let of_ana = world.look(TextInput { contact_id: Some(ana), ..input.clone() }).await.unwrap();
        assert_eq!((of_ana.text.as_str(), of_ana.locale), ("Hi Ana", None), "{}", world.test.engine);
        let person = TestPerson {
            locale: Some("de-CH".to_owned()),
            fields: [("first_name".to_owned(), "Zoë".to_owned())].into(),
        };
        let made_up = world.look(TextInput { person: Some(person), ..input.clone() }).await.unwrap();
        assert_eq!((made_up.text.as_str(), made_up.locale.as_deref()), ("Hallo Zoë", Some("de")));
        assert_eq!(made_up.encoding, SmsEncoding::Ucs2, "counted as it is for this person");
        assert_eq!(made_up.texts[0].text, "Hallo ");
        assert_eq!(made_up.fields, ["first_name"]);
        let stranger = TextInput { contact_id: Some(world.test.ctx.id()), ..input };
        assert!(world.look(stranger).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_characters_are_proposed_only_when_the_whole_text_gets_cheaper() {
    for world in worlds().await {
        let body = format!("It’s on – it’s “yours”… {}", "a".repeat(100));
        let looked = world.look(written(&body)).await.unwrap();
        let smart = looked.smart.unwrap();
        assert!(smart.body.starts_with("It's on - it's \"yours\"... aaa"), "{}", smart.body);
        assert_eq!((smart.segments_before, smart.segments_after), (2, 1));
        let first = &smart.replacements[0];
        assert_eq!((first.from.as_str(), first.to.as_str(), first.count), ("’", "'", 2));
        assert_eq!(world.look(written("It’s 😀")).await.unwrap().smart, None, "the emoji forces it anyway");
        assert_eq!(world.look(written("Plain")).await.unwrap().smart, None);
        let in_template = written("{{ first_name | default(\"“there”\") }}");
        assert_eq!(world.look(in_template).await.unwrap().smart, None, "the template would be broken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_and_the_preview_show_the_variants_and_not_the_text_that_nobody_gets() {
    use segue_outreach::campaign::test_send;
    let variant =
        |name: &str, body: &str| Variant { name: name.to_owned(), weight: 1, body: body.to_owned(), texts: Vec::new() };
    for world in worlds().await {
        let (store, ctx, links, ws) = (&world.test.store, &world.test.ctx, &world.links, world.ws());
        let engine = &world.test.engine;
        world.crowd(10).await;
        // The second one is two texts long.
        let variants = vec![variant("A", "First one"), variant("B", &format!("Second one {}", "x".repeat(200)))];
        let input = CampaignInput {
            body: "Left over “”".to_owned(),
            variants,
            footer: Footer::None,
            whatsapp_channel_id: None,
            ..world.input()
        };
        let draft = world.draft(CampaignInput { held_out_percent: 20, ..input.clone() }).await.unwrap();
        let shown = preview::preview(store, ctx, links, ws, draft.id).await.unwrap();
        let held_out = shown.excluded.iter().find(|rule| rule.rule == "held_out").map(|rule| rule.count);
        let sizes = (shown.segments.min, shown.segments.max, shown.segments.encoding);
        assert_eq!((shown.sendable, held_out), (8, Some(2)), "{engine}");
        assert_eq!(sizes, (1, 2, preview::SmsEncoding::Gsm7), "{engine}");
        let sample = shown.sample.unwrap().text;
        assert!(sample.starts_with("First one") || sample.starts_with("Second one"), "{engine} {sample}");

        let to = phone(1);
        let send = |name: Option<&'static str>| test_send::test_send(store, ctx, links, ws, draft.id, (&to, name));
        for (name, starts) in [(None, "First one"), (Some("B"), "Second one"), (Some("A"), "First one")] {
            send(name).await.unwrap();
            let text = world.messages().await.pop().unwrap().text;
            assert!(text.starts_with(starts), "{engine} {name:?} {text}");
        }
        assert_eq!(send(Some("C")).await.unwrap_err().field(), Some("variant"), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_no_short_link_is_told_to_the_author() {
    for world in worlds().await {
        let body = "Buy \u{201c}https://a.example/x\u{201d}, see https://a.example/\u{e9}t\u{e9} now";
        let looked = world.look(written(body)).await.unwrap();
        let found: Vec<_> = looked.findings.iter().filter(|it| it.rule == TextRule::NotTracked).collect();
        assert_eq!(found.len(), 1, "{} {:?}", world.test.engine, looked.findings);
        let units: Vec<u16> = looked.text.encode_utf16().collect();
        let [span] = found[0].at.as_slice() else { panic!("{:?}", found[0].at) };
        assert_eq!(span.words, "https://a.example/\u{e9}t\u{e9}", "{}", world.test.engine);
        assert_eq!(String::from_utf16(&units[span.start..span.end]).unwrap(), span.words);
        assert!(!looked.text.contains("a.example/x"), "{}: the other one is short", looked.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_wanted_a_short_link_for_is_not_told() {
    for world in worlds().await {
        let person = serde_json::json!({ "fields": { "first_name": "Zo\u{eb}", "page": "https://a.example/\u{e9}" } });
        for (body, shorten, told) in [
            ("See https://a.example/\u{e9} now", "every", true),
            ("See https://a.example/\u{e9} now", "none", false),
            ("See https://a.example/{{ first_name }} now", "every", false),
            ("See https://a.example/\u{e9}{{ first_name }} now", "every", false),
            ("See {{ page }} now", "every", false),
        ] {
            let input = serde_json::json!({ "body": body, "footer": "none", "shorten": shorten, "person": person });
            let looked = world.look(serde_json::from_value(input).unwrap()).await.unwrap();
            let is_told = looked.findings.iter().any(|it| it.rule == TextRule::NotTracked);
            assert_eq!(is_told, told, "{} {body} {shorten}: {}", world.test.engine, looked.text);
        }
    }
}
