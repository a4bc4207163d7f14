//! The language of a customer: detected in their own words, said by a person, and followed by what is said to them.

use segue_model::conversation::{AutomaticMessage, Occasion};
use segue_model::language::LocaleText;
use segue_store::customer_language::{CustomerLanguage, LanguageBy};
use segue_testkit::engines;
use serde_json::json;

use crate::scene::*;

const GERMAN: &str = "Guten Tag, meine Bestellung ist noch nicht angekommen";
const PORTUGUESE: &str = "Olá, o meu pedido ainda não chegou";

async fn known(scene: &Scene) -> Option<CustomerLanguage> {
    let (workspace_id, user_id) = (scene.workspace(), scene.session().await.customer.messaging_user_id);
    write(scene.store(), move |tx| tx.customer_language(workspace_id, user_id)).await
}

async fn says(scene: &Scene, number: i64, text: &str) {
    scene.receive(ana(&format!("wamid.l{number}"), START.plus(number * 1_000), text)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customers_own_words_tell_the_language_and_the_first_message_is_answered_in_it() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        let texts = vec![LocaleText { locale: "de".to_owned(), body: "Willkommen".to_owned() }];
        let start = AutomaticMessage { enabled: true, text: "Welcome".to_owned(), texts };
        scene.set(|settings| drop(settings.messages.insert(Occasion::Start, start))).await;
        says(&scene, 1, GERMAN).await;
        let language = known(&scene).await.unwrap();
        assert_eq!((language.language.as_str(), language.by), ("de", LanguageBy::Detected), "{}", scene.test.engine);
        assert!(language.certainty >= Some(85));
        let id = scene.session().await.id;
        let lines = scene.lines(id).await;
        assert!(lines.iter().any(|line| line.contains("Willkommen")), "{lines:?}");
        // Doubt changes nothing; plain words in another language do.
        says(&scene, 2, "ok thanks").await;
        assert_eq!(known(&scene).await.unwrap().language, "de");
        says(&scene, 3, PORTUGUESE).await;
        assert_eq!(known(&scene).await.unwrap().language, "pt");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn short_texts_are_read_together_and_what_a_person_said_stays() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        says(&scene, 1, "Dank je wel voor je snelle antwoord").await;
        assert_eq!(known(&scene).await, None, "{}: it leaves doubt", scene.test.engine);
        says(&scene, 2, "Ik wil graag mijn bestelling annuleren").await;
        assert_eq!(known(&scene).await.unwrap().language, "nl");

        scene.available(&agent).await;
        let id = scene.session().await.id;
        let set = async |said: Option<&str>| {
            let said = said.map(str::to_owned);
            segue_desk::language::set(scene.store(), scene.ctx(), scene.workspace(), &agent, id, said).await
        };
        assert_eq!(set(Some("ca")).await.unwrap_err().code(), "not_owner", "only whose session it is");
        scene.sweep().await;
        let offer = scene.offers(&agent).await[0];
        scene.accept(&agent, offer).await.unwrap();
        assert_eq!(set(Some("not a language")).await.unwrap_err().code(), "invalid_field");
        set(Some("ca-ES")).await.unwrap();
        let again = set(None).await.unwrap().unwrap();
        assert_eq!((again.language.as_str(), again.by), ("nl", LanguageBy::Detected), "read from the texts again");
        let said = set(Some("ca-ES")).await.unwrap().unwrap();
        assert_eq!((said.language.as_str(), said.by, said.certainty), ("ca-es", LanguageBy::Person, None));
        says(&scene, 4, GERMAN).await;
        assert_eq!(known(&scene).await.unwrap().language, "ca-es", "a person said so");
        // Not even when both write at once: the statement itself keeps it.
        let (workspace_id, user_id) = (scene.workspace(), scene.session().await.customer.messaging_user_id);
        let now = scene.test.now();
        write(scene.store(), move |tx| tx.detect_customer_language(workspace_id, user_id, ("de", 100), now)).await;
        assert_eq!(known(&scene).await.unwrap().language, "ca-es");
        assert_eq!(set(None).await.unwrap(), None, "Dutch and German together leave doubt");
        says(&scene, 5, GERMAN).await;
        assert_eq!(known(&scene).await.unwrap().language, "de", "it is detected again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_messages_of_a_session_are_listened_to_and_no_more() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        for number in 1..=6 {
            says(&scene, number, "ok").await;
        }
        says(&scene, 7, GERMAN).await;
        assert_eq!(known(&scene).await, None, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_that_is_certain_is_listened_for_three_times() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        says(&scene, 1, GERMAN).await;
        let known_at_first = known(&scene).await.unwrap();
        assert_eq!((known_at_first.language.as_str(), known_at_first.certainty), ("de", Some(100)));
        says(&scene, 2, "ok").await;
        says(&scene, 3, PORTUGUESE).await;
        assert_eq!(
            known(&scene).await.unwrap().language,
            "pt",
            "{}: who changes it does so at the begin",
            scene.test.engine
        );
        let certainty = known(&scene).await.unwrap().certainty;
        assert_eq!(certainty, Some(100), "else the next would be listened to");
        says(&scene, 4, GERMAN).await;
        assert_eq!(known(&scene).await.unwrap().language, "pt", "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_files_and_the_words_of_a_link_say_nothing() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let tapped = json!({"type": "interactive", "interactive": {"type": "button_reply",
            "button_reply": {"id": "a", "title": "Meine Bestellung ist da"}}});
        scene.receive(message(phone(ANA), "wamid.b", START, tapped)).await;
        let caption = json!({"type": "image", "image": {"id": "9", "mime_type": "image/jpeg", "caption": GERMAN}});
        scene.receive(message(phone(ANA), "wamid.i", START.plus(1_000), caption)).await;
        assert_eq!(known(&scene).await, None, "{}", scene.test.engine);
        let (workspace_id, session_id) = (scene.workspace(), scene.session().await.id);
        let own = write(scene.store(), move |tx| tx.own_texts(workspace_id, session_id, 10)).await;
        assert!(own.is_empty(), "{own:?}");
    }
}
