//! Files above the templates of campaigns: who uploads them and who sees them.

use http::StatusCode;
use segue_model::{ChannelId, role::Role};
use segue_store::template::ListedTemplate;
use serde_json::{Value, json};

use crate::support::{Server, form, servers, with_key};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";

/// A number with a template that has a picture above its text.
async fn with_picture(server: &Server) -> ChannelId {
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
    channel_id
}

fn draft(channel: ChannelId, file: &Value) -> Value {
    json!({ "name": "Spring", "audience": {}, "footer": "none", "template":
        { "channel_id": channel, "name": "spring", "language": "en", "header_media_id": file } })
}

#[tokio::test]
async fn a_marketer_uploads_a_picture_and_reads_it_through_the_campaign_alone() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let channel = with_picture(&server).await;
        let uploaded = server.send(with_key(form("/api/v1/campaign-files", "a.png", PNG, "xyz"), &key)).await;
        assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.text());
        let media = uploaded.json()["id"].clone();
        let direct = server.get(&key, &format!("/api/v1/media/{}", media.as_str().unwrap())).await;
        assert_eq!(
            direct.status,
            StatusCode::FORBIDDEN,
            "the files of conversations are none of a marketer's business"
        );

        let refused = server.post(&key, "/api/v1/campaigns", &draft(channel, &Value::Null)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
        assert!(refused.text().contains("Choose the picture"), "{}", refused.text());
        let made = server.post(&key, "/api/v1/campaigns", &draft(channel, &media)).await;
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

#[tokio::test]
async fn a_file_of_conversations_or_of_another_workspace_is_none_of_a_marketers_business() {
    for server in servers().await {
        let (marketer, agent) = (server.key(Role::Marketer).await, server.key(Role::Agent).await);
        let admin = server.key(Role::Admin).await;
        let channel = with_picture(&server).await;
        let uploaded = async |path: &str, key: &str| {
            let answer = server.send(with_key(form(path, "a.png", PNG, "xyz"), key)).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
            answer.json()["id"].clone()
        };
        // Sent or not: it is not the marketer's.
        let of_agent = uploaded("/api/v1/media", &agent).await;
        let own = uploaded("/api/v1/campaign-files", &marketer).await;
        let refused = server.post(&marketer, "/api/v1/campaigns", &draft(channel, &of_agent)).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "not_visible"));
        let made = server.post(&marketer, "/api/v1/campaigns", &draft(channel, &own)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let one = format!("/api/v1/campaigns/{}", made.json()["id"].as_str().unwrap());
        let change = json!({ "template": draft(channel, &of_agent)["template"] });
        let refused = server.patch(&marketer, &one, &change).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "not_visible"));
        assert_eq!(server.get(&marketer, &one).await.json()["template"]["header_media_id"], own);
        // Who reads all conversations may choose it; then it is the campaign's, and so everybody's who runs campaigns.
        let changed = server.patch(&admin, &one, &change).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        let named = server.patch(&marketer, &one, &json!({ "name": "Summer" })).await;
        assert_eq!(named.status, StatusCode::OK, "{}", named.text());

        let b = crate::sample::sample(&server, "b").await;
        let file = format!("{one}/file");
        assert_eq!(server.get(&marketer, &file).await.status, StatusCode::OK);
        let foreign = server.get(&b.key, &file).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{}", foreign.text());
        let of_b = uploaded("/api/v1/campaign-files", &b.key).await;
        let refused = server.post(&marketer, "/api/v1/campaigns", &draft(channel, &of_b)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}: as if there were none", refused.text());
    }
}
