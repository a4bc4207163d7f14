//! Snippets, the opt-out line and what is said about a text, over HTTP.

use http::{Method, StatusCode};
use segue_model::role::Role;
use serde_json::json;

use crate::support::{json as body, request, servers, with_key};

#[tokio::test]
async fn snippets_are_written_in_versions_and_used_in_texts() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let input = json!({"name": "legal", "body": "Reply STOP to end"});
        let made = server.post(&key, "/api/v1/snippets", &input).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(server.post(&key, "/api/v1/snippets", &input).await.code(), "snippet_taken");
        let path = format!("/api/v1/snippets/{id}");
        let changed = server.patch(&key, &path, &json!({"body": "STOP ends it", "version": 1})).await.json();
        assert_eq!(changed["version"], 2);
        let late = server.patch(&key, &path, &json!({"body": "x", "version": 1})).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text());
        let versions = server.get(&key, &format!("{path}/versions")).await.json();
        assert_eq!(versions["data"][1]["body"], "Reply STOP to end");

        let text = json!({"body": "Hi. {% include \"legal\" %}", "footer": "none"});
        let preview = server.post(&key, "/api/v1/campaigns/preview-text", &text).await.json();
        assert_eq!(preview["text"], "Hi. STOP ends it", "{preview}");
        let around = json!({"name": "around", "body": "{% include 'legal' %}"});
        server.post(&key, "/api/v1/snippets", &around).await;
        assert_eq!(server.get(&key, &format!("{path}/uses")).await.json()["snippets"], json!(["around"]));
        let delete = || with_key(request(Method::DELETE, &path), &key);
        assert_eq!(server.send(delete()).await.code(), "snippet_used");
        let around = server.get(&key, "/api/v1/snippets").await.json()["data"][0]["id"].as_str().unwrap().to_owned();
        let gone = server.send(with_key(request(Method::DELETE, &format!("/api/v1/snippets/{around}")), &key)).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert_eq!(server.send(delete()).await.status, StatusCode::NO_CONTENT);
        let unknown = server.post(&key, "/api/v1/campaigns/preview-text", &text).await.json();
        assert_eq!(unknown["errors"][0]["field"], "body", "{unknown}");
    }
}

#[tokio::test]
async fn a_text_is_checked_counted_and_made_cheaper_while_it_is_written() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let text = json!({
            "body": "It’s WINE at bit.ly/x", "footer": "none",
            "texts": [{"locale": "de", "body": "Hallo"}],
            "person": {"locale": "fr", "fields": {}},
        });
        let preview = server.post(&key, "/api/v1/campaigns/preview-text", &text).await.json();
        let rules: Vec<_> = preview["findings"].as_array().unwrap().iter().map(|f| f["rule"].clone()).collect();
        for rule in ["brand_missing", "opt_out_missing", "shared_shortener", "sensitive_words"] {
            assert!(rules.contains(&json!(rule)), "{rule}: {preview}");
        }
        let wine = preview["findings"].as_array().unwrap().iter().find(|f| f["rule"] == "sensitive_words").unwrap();
        assert_eq!(wine["at"], json!([{"start": 5, "end": 9, "words": "WINE"}]));
        assert_eq!((&wine["severity"], wine["source"].is_string()), (&json!("warning"), true));
        assert_eq!(preview["smart"]["replacements"], json!([{"from": "’", "to": "'", "count": 1}]));
        assert_eq!((&preview["encoding"], &preview["locale"]), (&json!("ucs2"), &json!(null)));
        assert_eq!((&preview["texts"][0]["segments"], &preview["texts"][0]["encoding"]), (&json!(1), &json!("gsm7")));
    }
}

#[tokio::test]
async fn a_change_of_some_settings_of_campaigns_leaves_the_others_as_they_are_by_then() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let path = "/api/v1/campaign-settings";
        // Read before somebody else asks for a second person, and changed after.
        let mut settings = server.get(&key, path).await.json();
        let approval = server.patch(&key, path, &json!({"approval": "second_person"})).await;
        assert_eq!(approval.status, StatusCode::OK, "{}", approval.text());
        let changed = server.patch(&key, path, &json!({"currency": "eur", "mms_price": 2_000})).await.json();
        settings["approval"] = json!("second_person");
        settings["currency"] = json!("EUR");
        settings["mms_price"] = json!(2_000);
        assert_eq!(changed, settings, "{}", server.test.engine);
        assert_eq!(server.get(&key, path).await.json(), settings, "{}", server.test.engine);
        let unknown = server.patch(&key, path, &json!({"mms_price": null})).await.json();
        assert_eq!(unknown["mms_price"], json!(null), "{}", server.test.engine);

        for (change, field) in
            [(json!({"currency": "euro"}), "currency"), (json!({"price_zone": "Mars"}), "price_zone")]
        {
            let refused = server.patch(&key, path, &change).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{change}");
            assert_eq!(refused.json()["errors"][0]["field"], field, "{change}");
        }
        let misspelt = server.patch(&key, path, &json!({"aproval": "not_needed"})).await;
        assert_eq!(misspelt.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", misspelt.text());
        let at_once = [json!({"approval": "not_needed"}), json!({"other_price": 5}), json!({"currency": "GBP"})];
        futures::future::join_all(at_once.iter().map(|change| server.patch(&key, path, change))).await;
        let all = server.get(&key, path).await.json();
        let seen = (&all["approval"], &all["other_price"], &all["currency"]);
        assert_eq!(seen, (&json!("not_needed"), &json!(5), &json!("GBP")), "{}", server.test.engine);
    }
}

#[tokio::test]
async fn the_opt_out_line_has_to_say_how_to_stop() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let settings = server.get(&key, "/api/v1/campaign-settings").await.json();
        let put = async |line: serde_json::Value| {
            let mut settings = settings.clone();
            settings["opt_out_line"] = line;
            server.send(with_key(body(Method::PUT, "/api/v1/campaign-settings", &settings), &key)).await
        };
        for line in [
            json!({"when": "every", "text": "Goodbye"}),
            json!({"when": "every", "texts": [{"locale": "german", "body": "STOPP"}]}),
            json!({"when": "every", "texts": [{"locale": "de", "body": "STOPP"}, {"locale": "DE", "body": "STOP"}]}),
        ] {
            assert_eq!(put(line.clone()).await.json()["errors"][0]["field"], "opt_out_line", "{line}");
        }
        let saved = put(json!({"when": "every", "text": "Text STOP to quit"})).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
        let text = json!({"body": "Hi", "footer": "none"});
        let preview = server.post(&key, "/api/v1/campaigns/preview-text", &text).await.json();
        assert_eq!(preview["text"], "Hi\nText STOP to quit");
        assert_eq!(preview["opt_out_line"], "Text STOP to quit");
    }
}
