//! Files above the templates of campaigns: who uploads them and who sees them.

use http::StatusCode;
use segue_model::role::Role;
use segue_store::template::ListedTemplate;
use serde_json::json;

use crate::support::{form, servers, with_key};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";

#[tokio::test]
async fn a_marketer_uploads_a_picture_and_reads_it_through_the_campaign_alone() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let (workspace_id, channel_id, ctx) = (server.workspace_id(), channel.id, server.test.ctx.clone());
        let listed = ListedTemplate {
            name: "spring".to_owned(),
            language: "en".to_owned(),
            category: "MARKETING".to_owned(),
            status: "APPROVED".to_owned(),
            components: json!([{ "type": "HEADER", "format": "IMAGE" }, { "type": "BODY", "text": "Spring is here." }]),
            ..ListedTemplate::default()
        };
        let stored = server.test.store.write::<_, segue_store::StoreError, _>(move |tx| {
            tx.replace_templates(workspace_id, channel_id, std::slice::from_ref(&listed), &ctx)
        });
        stored.await.unwrap();
        let uploaded = server.send(with_key(form("/api/v1/campaign-files", "a.png", PNG, "xyz"), &key)).await;
        assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.text());
        let media = uploaded.json()["id"].clone();
        let direct = server.get(&key, &format!("/api/v1/media/{}", media.as_str().unwrap())).await;
        assert_eq!(
            direct.status,
            StatusCode::FORBIDDEN,
            "the files of conversations are none of a marketer's business"
        );

        let draft = |file: &serde_json::Value| {
            json!({ "name": "Spring", "audience": {}, "footer": "none", "template":
                { "channel_id": channel_id, "name": "spring", "language": "en", "header_media_id": file } })
        };
        let refused = server.post(&key, "/api/v1/campaigns", &draft(&serde_json::Value::Null)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
        assert!(refused.text().contains("Choose the picture"), "{}", refused.text());
        let made = server.post(&key, "/api/v1/campaigns", &draft(&media)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        assert_eq!(made.json()["template"]["header_media_id"], media);
        let file = format!("/api/v1/campaigns/{}/file", made.json()["id"].as_str().unwrap());
        let seen = server.get(&key, &file).await;
        assert_eq!((seen.status, seen.body.as_slice()), (StatusCode::OK, PNG));
        assert_eq!(seen.header("x-content-type-options"), "nosniff");
        let agent = server.key(Role::Agent).await;
        assert_eq!(server.get(&agent, &file).await.status, StatusCode::FORBIDDEN);
    }
}
