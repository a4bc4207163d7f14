//! What a channel's provider told, over the API.

use http::StatusCode;
use segue_model::{
    Timestamp,
    charge::{Charge, ToldCharge},
    notice::Severity,
    role::Role,
};
use segue_store::{StoreError, channel_notice::NewChannelNotice};
use serde_json::json;

use crate::support::servers;

#[tokio::test]
async fn notices_come_page_by_page_and_only_to_their_workspace() {
    for server in servers().await {
        let key = server.key(Role::Supervisor).await;
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let (workspace_id, ctx) = (server.workspace_id(), server.test.ctx.clone());
        let stored = server.test.store.write::<_, StoreError, _>(move |tx| {
            for (number, severity) in Severity::ALL.iter().enumerate() {
                let (key, text) = (number.to_string(), format!("Notice {number}"));
                let at = Timestamp(1_795_453_000_000 + number as i64);
                let notice = NewChannelNotice {
                    id: ctx.id(),
                    channel_id: channel.id,
                    key: &key,
                    severity: *severity,
                    text: &text,
                    at,
                };
                assert!(tx.insert_channel_notice(workspace_id, &notice)?);
                assert!(!tx.insert_channel_notice(workspace_id, &notice)?, "told again");
            }
            let charge = Charge { category: Some("marketing".to_owned()), billable: Some(true), ..Charge::default() };
            let told = ToldCharge { charge, rank: 1, at: ctx.now() };
            tx.note_charge(workspace_id, (channel.id, "waba"), "wamid.1", (&told, None))
        });
        stored.await.unwrap();
        let path = format!("/api/v1/channels/{}/notices", channel.id);
        let first = server.get(&key, &format!("{path}?limit=2")).await.json();
        let texts = |page: &serde_json::Value| -> Vec<String> {
            page["data"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(texts(&first), ["Notice 2", "Notice 1"], "{}: newest first", server.test.engine);
        assert_eq!(first["data"][0]["severity"], "critical");
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = server.get(&key, &format!("{path}?limit=2&cursor={cursor}")).await.json();
        assert_eq!((texts(&second), second["next_cursor"].is_null()), (vec!["Notice 0".to_owned()], true));

        let charges = format!("/api/v1/channels/{}/charges", channel.id);
        let counted = server.get(&key, &charges).await.json();
        assert_eq!(
            counted["data"],
            json!([{"category": "marketing", "kind": null, "model": null, "cost": "charged", "messages": 1}])
        );
        let before = server.get(&key, &format!("{charges}?until=2020-01-01T00:00:00Z")).await.json();
        assert_eq!(before["data"], json!([]));

        let unknown = "/api/v1/channels/chn_00000000000000000000000001";
        for path in [format!("{unknown}/notices"), format!("{unknown}/charges")] {
            assert_eq!(server.get(&key, &path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(server.get(&key, &format!("{path}?cursor=x")).await.code(), "invalid_cursor");
    }
}
