//! Conversations as files.

use segue_desk::{
    DeskError,
    messages::{Draft, NewReply, send},
    transcript::{self, ExportView, NewExport},
};
use segue_model::{SessionId, actor::Actor, role::Role, time};
use segue_store::transcript_export::{ExportFormat, ExportSubject};
use segue_testkit::engines;
use serde_json::json;

use crate::scene::*;

fn request(of: ExportSubject, format: ExportFormat, include_notes: bool) -> NewExport {
    NewExport { of, format, include_notes, time_zone: None }
}

async fn begin(scene: &Scene, actor: &Actor, request: NewExport) -> Result<ExportView, DeskError> {
    transcript::begin(scene.store(), scene.ctx(), scene.workspace(), actor, request).await
}

/// The pieces of a file.
async fn pieces(scene: &Scene, actor: &Actor, export: &ExportView) -> Vec<String> {
    let mut file = transcript::open(scene.store(), scene.ctx(), scene.workspace(), actor, export.id).await.unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = file.next().await.unwrap() {
        pieces.push(piece);
    }
    pieces
}

async fn file(scene: &Scene, actor: &Actor, request: NewExport) -> String {
    let export = begin(scene, actor, request).await.unwrap();
    pieces(scene, actor, &export).await.concat()
}

async fn write_note(scene: &Scene, actor: &Actor, id: SessionId, text: &str) {
    let draft = Draft::Note { text: text.to_owned() };
    let reply = NewReply { client_id: text.to_owned(), draft, seen_seq: None };
    send(scene.store(), scene.ctx(), scene.workspace(), actor, id, reply).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_has_every_entry_its_zone_and_no_notes_unless_asked() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let id = scene.accepted(&sam).await.id;
        scene.receive(ana("wamid.2", START.plus(1_000), "=HYPERLINK(\"http://x\") <script>alert(1)</script>")).await;
        let place =
            json!({ "type": "location", "location": { "latitude": 52.5, "longitude": 13.4, "name": "Berlin" } });
        scene.receive(message(phone(ANA), "wamid.3", START.plus(2_000), place)).await;
        let file_sent = json!({ "type": "document",
            "document": { "id": "9", "mime_type": "application/pdf", "filename": "bill.pdf", "caption": "Here" } });
        scene.receive(message(phone(ANA), "wamid.4", START.plus(3_000), file_sent)).await;
        scene.reply(&sam, id, "r1", "Thank you & goodbye").await.unwrap();
        write_note(&scene, &sam, id, "Rude customer").await;

        let of = ExportSubject::Session { session_id: id };
        let csv = file(&scene, &sam, request(of, ExportFormat::Csv, false)).await;
        let rows: Vec<&str> = csv.split("\r\n").filter(|row| !row.is_empty()).collect();
        assert_eq!(rows.len(), 7, "with the question for agreement: {csv}");
        assert!(rows[0].starts_with("\"time\",\"time_zone\""), "{csv}");
        assert!(csv.contains("\"'=HYPERLINK(\"\"http://x\"\") <script>"), "no cell acts: {csv}");
        assert!(csv.contains("Place: Berlin (52.5, 13.4)") && csv.contains("\"bill.pdf\""), "{csv}");
        assert!(csv.contains("\"Sam\"") && csv.contains("\"pending\""), "{csv}");
        let zone = scene.test.workspace.time_zone.clone();
        assert!(rows[1..].iter().all(|row| row.contains(&format!("\"{zone}\""))), "{csv}");
        let html = file(&scene, &sam, request(of, ExportFormat::Html, false)).await;
        assert!(html.contains("&lt;script&gt;alert(1)") && !html.contains("<script"), "{html}");
        assert!(html.contains("Thank you &amp; goodbye") && html.contains("File: bill.pdf"), "{html}");
        assert!(html.contains(&format!("Times are of {zone}")) && html.ends_with("</body></html>\n"), "{html}");
        for without in [&csv, &html] {
            assert!(!without.contains("Rude") && !without.contains("took the session"), "{without}");
        }
        let with = file(&scene, &sam, request(of, ExportFormat::Html, true)).await;
        assert!(with.contains("Rude customer") && with.contains("Sam took the session."), "{with}");

        let elsewhere = NewExport { time_zone: Some("Asia/Tokyo".to_owned()), ..request(of, ExportFormat::Csv, false) };
        let csv = file(&scene, &sam, elsewhere).await;
        assert!(csv.contains("+09:00\"") && csv.contains("\"Asia/Tokyo\""), "{csv}");
        let nowhere = NewExport { time_zone: Some("Mars".to_owned()), ..request(of, ExportFormat::Csv, false) };
        assert_eq!(begin(&scene, &sam, nowhere).await.unwrap_err().code(), "invalid_field");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_comes_in_pages_and_whole() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Boss", Role::Supervisor).await;
        let sam = scene.agent("Sam").await;
        let first = scene.accepted(&sam).await;
        for number in 0..450 {
            let (wamid, at) = (format!("wamid.x{number}"), START.plus(1_000 * (number + 1)));
            scene.receive(ana(&wamid, at, &format!("Line {number}."))).await;
        }
        scene.end(&sam, first.id).await;
        scene.advance(time::HOUR);
        scene.receive(ana("wamid.2", scene.test.now(), "A second conversation")).await;
        let of = ExportSubject::Customer { messaging_user_id: first.customer.messaging_user_id };
        let export = begin(&scene, &boss, request(of, ExportFormat::Csv, false)).await.unwrap();
        let pieces = pieces(&scene, &boss, &export).await;
        let longest = pieces.iter().map(|piece| piece.matches("\r\n").count()).max();
        assert_eq!(longest, Some(200), "a page at a time: {}", scene.test.engine);
        let whole = pieces.concat();
        for number in 0..450 {
            assert_eq!(whole.matches(&format!("\"Line {number}.\"")).count(), 1, "{number} on {}", scene.test.engine);
        }
        assert!(whole.contains("A second conversation"));
        assert!(whole.find("Line 9.") < whole.find("Line 10."));
        let contact_id = first.customer.contact_id.unwrap();
        let of = ExportSubject::Contact { contact_id };
        let html = file(&scene, &boss, request(of, ExportFormat::Html, false)).await;
        assert_eq!((html.matches("<section>").count(), html.matches("</section>").count()), (2, 2));
        assert_eq!(html.matches("<li ").count(), 454, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_out_what_is_none_of_his_business_and_it_is_noted_who_did() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let boss = scene.user("Boss", Role::Supervisor).await;
        let first = scene.accepted(&sam).await;
        let of = ExportSubject::Session { session_id: first.id };
        let refused = begin(&scene, &kim, request(of, ExportFormat::Csv, false)).await.unwrap_err();
        assert_eq!(refused.code(), "not_visible");
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let none = transcript::list(store, workspace, None, 10).await.unwrap().data;
        assert_eq!(none, [], "a refusal takes nothing out");
        let export = begin(&scene, &sam, request(of, ExportFormat::Csv, true)).await.unwrap();
        let noted = transcript::list(store, workspace, None, 10).await.unwrap().data;
        assert_eq!(noted.len(), 1);
        assert_eq!((noted[0].actor_name.as_deref(), noted[0].include_notes, noted[0].of), (Some("Sam"), true, of));
        let fetched = async |actor: &Actor| transcript::open(store, ctx, workspace, actor, export.id).await.map(drop);
        for stranger in [&kim, &boss] {
            assert_eq!(fetched(stranger).await.unwrap_err().code(), "not_found", "it is Sam's file");
        }
        assert!(fetched(&sam).await.is_ok());

        // The conversation goes to Kim: Sam's file shows nothing of it any more.
        scene.available(&kim).await;
        let to = segue_desk::routing::Target::User(kim.user_id().unwrap());
        segue_desk::routing::transfer(store, ctx, workspace, &sam, first.id, to).await.unwrap();
        let csv = pieces(&scene, &sam, &export).await.concat();
        assert_eq!(csv.matches("\r\n").count(), 1, "the names alone: {csv}");
        let html = begin(&scene, &boss, request(of, ExportFormat::Html, false)).await.unwrap();
        assert!(!pieces(&scene, &boss, &html).await.concat().contains("left out:"));
        scene.advance(time::HOUR + 1);
        assert_eq!(fetched(&sam).await.unwrap_err().code(), "export_gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_customer_deleted_and_the_number_keeps_is_marked() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.set(|settings| settings.keep_deleted = true).await;
        let sam = scene.agent("Sam").await;
        let id = scene.accepted(&sam).await.id;
        scene.receive(ana("wamid.2", START.plus(1_000), "Take that back")).await;
        let revoke = json!({ "type": "revoke", "revoke": { "original_message_id": "wamid.2" } });
        scene.receive(message(phone(ANA), "wamid.3", START.plus(2_000), revoke)).await;
        let of = ExportSubject::Session { session_id: id };
        for format in [ExportFormat::Csv, ExportFormat::Html] {
            let text = file(&scene, &sam, request(of, format, false)).await;
            assert!(text.contains("Take that back") && text.contains("Deleted by the customer"), "{text}");
        }
    }
}
