//! Senders, where they may send, and their registrations.

use http::{Method, StatusCode};
use segue_model::{
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose, Scope},
    role::Role,
};
use segue_store::consent::{ConsentExtent, NewConsentEvent};
use serde_json::{Value, json};

use crate::support::{Server, json as json_request, request, servers, with_key};

async fn registration(server: &Server, key: &str, body: Value) -> Value {
    let made = server.post(key, "/api/v1/registrations", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    made.json()
}

async fn step(server: &Server, key: &str, id: &Value, body: Value) -> (StatusCode, Value) {
    let path = format!("/api/v1/registrations/{}/step", id.as_str().unwrap());
    let answer = server.post(key, &path, &body).await;
    (answer.status, answer.json())
}

async fn approve(server: &Server, key: &str, id: &Value) {
    for state in ["submitted", "in_review", "approved"] {
        let (status, body) = step(server, key, id, json!({ "state": state })).await;
        assert_eq!((status, body["state"].as_str()), (StatusCode::OK, Some(state)), "{body}");
    }
}

#[tokio::test]
async fn a_us_number_may_send_once_brand_and_campaign_are_approved() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let channel = server.test.sms_channel("carrier").await;
        let sender = json!({ "channel_id": channel.id, "address": "+1 305 555 0100", "kind": "10dlc" });
        let sender = server.post(&key, "/api/v1/senders", &sender).await.json();
        let ready = async || {
            let all = server.get(&key, "/api/v1/senders").await.json();
            all["data"][0]["readiness"][0].clone()
        };
        let before = ready().await;
        assert_eq!((&before["country"], &before["ready"]), (&json!("US"), &json!(false)), "{before}");
        assert!(before["why"].as_str().unwrap().contains("brand registration is missing"), "{before}");

        let brand = registration(&server, &key, json!({ "kind": "brand", "name": "Acme Inc." })).await;
        let campaign = json!({ "kind": "campaign", "name": "Offers", "parent_id": brand["id"] });
        let campaign = registration(&server, &key, campaign).await;
        let path = format!("/api/v1/senders/{}", sender["id"].as_str().unwrap());
        let linked = server.patch(&key, &path, &json!({ "registration_ids": [campaign["id"]] })).await;
        assert_eq!(linked.status, StatusCode::OK, "{}", linked.text());
        approve(&server, &key, &brand["id"]).await;
        assert!(ready().await["why"].as_str().unwrap().contains("not submitted"), "the campaign is a draft");
        approve(&server, &key, &campaign["id"]).await;
        assert_eq!(ready().await, json!({ "country": "US", "ready": true, "why": null, "caution": null }));

        let rejected = json!({ "state": "rejected", "note": "Opt-in flow not shown" });
        assert_eq!(step(&server, &key, &campaign["id"], rejected).await.0, StatusCode::OK);
        assert!(ready().await["why"].as_str().unwrap().contains("rejected"));
        let detail = format!("/api/v1/registrations/{}", campaign["id"].as_str().unwrap());
        let detail = server.get(&key, &detail).await.json();
        assert_eq!(detail["history"].as_array().unwrap().len(), 5, "{detail}");
        assert_eq!(
            (&detail["note"], &detail["next"]),
            (&json!("Opt-in flow not shown"), &json!(["draft", "submitted"]))
        );
    }
}

#[tokio::test]
async fn steps_and_parents_that_cannot_be_are_refused() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let toll_free = registration(&server, &key, json!({ "kind": "toll_free", "name": "Service line" })).await;
        let (status, body) = step(&server, &key, &toll_free["id"], json!({ "state": "approved" })).await;
        assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("registration_state")));
        step(&server, &key, &toll_free["id"], json!({ "state": "submitted" })).await;
        let (status, body) = step(&server, &key, &toll_free["id"], json!({ "state": "rejected" })).await;
        assert_eq!((status, &body["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("note")));
        for (body, field) in [
            (json!({ "kind": "campaign", "name": "X", "parent_id": toll_free["id"] }), "parent_id"),
            (json!({ "kind": "brand", "name": "X", "parent_id": toll_free["id"] }), "parent_id"),
            (json!({ "kind": "brand", "name": " " }), "name"),
            (json!({ "kind": "brand", "name": "X", "country": "Mars" }), "country"),
        ] {
            let refused = server.post(&key, "/api/v1/registrations", &body).await.json();
            assert_eq!(refused["errors"][0]["field"], field, "{body}");
        }
    }
}

#[tokio::test]
async fn a_name_has_three_to_eleven_characters_and_stays_out_of_america() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let channel = server.test.sms_channel("carrier").await;
        let name = |address: &str| json!({ "channel_id": channel.id, "address": address, "kind": "alphanumeric" });
        for wrong in ["AB", "ABCDEFGHIJKL", "123456"] {
            let refused = server.post(&key, "/api/v1/senders", &name(wrong)).await;
            assert_eq!(refused.json()["errors"][0]["field"], "address", "{wrong}");
        }
        assert_eq!(server.post(&key, "/api/v1/senders", &name("ACME")).await.status, StatusCode::CREATED);
        let all = server.get(&key, "/api/v1/senders").await.json();
        let acme = &all["data"][0];
        assert_eq!((&acme["is_two_way"], &acme["readiness"][0]["ready"]), (&json!(false), &json!(false)));
        let path = format!("/api/v1/senders/{}", acme["id"].as_str().unwrap());
        let european = server.patch(&key, &path, &json!({ "countries": ["de", "ch"] })).await.json();
        assert_eq!(european["countries"], json!(["DE", "CH"]));
        assert!(european["readiness"].as_array().unwrap().iter().all(|each| each["ready"] == json!(true)));
    }
}

#[tokio::test]
async fn the_table_of_countries_names_its_version_and_sources() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let table = server.get(&key, "/api/v1/sender-capabilities").await.json();
        assert!(table["version"].as_str().is_some_and(|version| version.starts_with("20")), "{table}");
        let rules = table["rules"].as_array().unwrap();
        assert!(rules.iter().any(|rule| rule["id"] == "us.10dlc" && rule["needs"] == json!(["brand", "campaign"])));
        assert!(rules.iter().all(|rule| rule["source"].as_str().is_some_and(|source| !source.is_empty())));
    }
}

#[tokio::test]
async fn an_approval_that_has_run_out_says_what_to_do() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let made = registration(&server, &key, json!({ "kind": "short_code", "name": "Club", "country": "US" })).await;
        assert_eq!(step(&server, &key, &made["id"], json!({ "state": "submitted" })).await.0, StatusCode::OK);
        let end = server.test.now().plus(60_000).to_string();
        let (_, approved) = step(&server, &key, &made["id"], json!({ "state": "approved", "expires_at": end })).await;
        assert_eq!((&approved["state"], &approved["advice"]), (&json!("approved"), &json!("Nothing to do.")));
        server.test.clock.advance(60_000);
        let path = format!("/api/v1/registrations/{}", made["id"].as_str().unwrap());
        let over = server.get(&key, &path).await.json();
        assert_eq!((&over["state"], &over["next"]), (&json!("expired"), &json!(["draft", "submitted"])), "{over}");
        assert!(over["advice"].as_str().unwrap().contains("Renew"), "{over}");
        let (status, renewed) = step(&server, &key, &made["id"], json!({ "state": "submitted" })).await;
        assert_eq!((status, &renewed["state"]), (StatusCode::OK, &json!("submitted")), "{renewed}");
    }
}

#[tokio::test]
async fn a_pool_is_made_changed_and_named_by_a_message() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let channel = server.test.sms_channel("carrier").await;
        let one = server.test.sender(channel.id, "+15550000001").await.id;
        let two = server.test.sender(channel.id, "+15550000002").await.id;
        let made = server.post(&key, "/api/v1/sender-pools", &json!({ "name": " Spring ", "sender_ids": [one] })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let pool = made.json();
        assert_eq!(
            (&pool["name"], &pool["sender_ids"], &pool["numbers"]),
            (&json!("Spring"), &json!([one]), &json!(0))
        );
        let again = server.post(&key, "/api/v1/sender-pools", &json!({ "name": "Spring", "sender_ids": [two] })).await;
        assert_eq!((again.status, &again.json()["code"]), (StatusCode::CONFLICT, &json!("sender_pool_taken")));
        for body in [json!({ "name": "X", "sender_ids": [] }), json!({ "name": "X", "sender_ids": [pool["id"]] })] {
            let refused = server.post(&key, "/api/v1/sender-pools", &body).await;
            assert!(refused.status.is_client_error(), "{}", refused.text());
        }
        let path = format!("/api/v1/sender-pools/{}", pool["id"].as_str().unwrap());
        let changed = server.patch(&key, &path, &json!({ "sender_ids": [two] })).await.json();
        assert_eq!((&changed["name"], &changed["sender_ids"]), (&json!("Spring"), &json!([two])));

        let message = json!({ "pool_id": pool["id"], "phone": "+15550110001", "text": "Hello" });
        let sent = server.post(&key, "/api/v1/messages", &message).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text());
        let kept = server.get(&key, "/api/v1/sender-pools").await.json();
        assert_eq!(kept["data"][0]["numbers"], 1, "{kept}");
        let both = json!({ "pool_id": pool["id"], "sender_id": two, "phone": "+15550110001", "text": "Hello" });
        assert_eq!(server.post(&key, "/api/v1/messages", &both).await.json()["errors"][0]["field"], "sender");
    }
}

/// Recorded for one sender alone, as before noes were recorded for each sender of a pool.
#[tokio::test]
async fn a_no_that_counts_by_the_pool_alone_goes_on_to_count_when_the_pool_loses_a_sender_or_is_deleted() {
    const PERSON: &str = "+12125550001";
    for server in servers().await {
        let (key, engine, ws) = (server.key(Role::Admin).await, server.test.engine, server.test.workspace_id());
        let channel = server.test.sms_channel("carrier").await;
        let mut senders = Vec::new();
        for number in 1..=4 {
            senders.push(server.test.sender(channel.id, &format!("+1555000000{number}")).await.id);
        }
        let say = async |action: ConsentAction, scope: Scope| {
            let (ctx, now) = (server.test.ctx.clone(), server.test.now());
            let event = NewConsentEvent {
                medium: Medium::Sms,
                address: PERSON.to_owned(),
                purpose: Purpose::Marketing,
                action,
                method: ConsentMethod::Keyword,
                wording: Some("STOP".to_owned()),
                proof: None,
                actor: "customer".to_owned(),
                occurred_at: now,
            };
            let extent = ConsentExtent::of(scope);
            let said = server.test.store.write(move |tx| tx.record_consent_within(ws, &event, &extent, &ctx));
            said.await.unwrap();
            server.test.clock.advance(1);
        };
        let refused = async || {
            let read = server.test.store.read::<_, segue_store::StoreError, _>(move |tx| {
                let mut refused = Vec::new();
                for number in 1..=4 {
                    let from = format!("+1555000000{number}");
                    let now = tx.consent_state_from(ws, Medium::Sms, PERSON, Purpose::Marketing, &from)?;
                    refused.extend((now.state == ConsentState::Revoked).then_some(number));
                }
                Ok(refused)
            });
            read.await.unwrap()
        };
        say(ConsentAction::Grant, Scope::All).await;
        let pool = json!({ "name": "Spring", "sender_ids": &senders[..3] });
        let pool = server.post(&key, "/api/v1/sender-pools", &pool).await.json();
        let path = format!("/api/v1/sender-pools/{}", pool["id"].as_str().unwrap());
        say(ConsentAction::Revoke, Scope::Sender(senders[0])).await;
        assert_eq!(refused().await, [1, 2, 3], "{engine}");
        let changed = server.patch(&key, &path, &json!({ "sender_ids": &senders[1..3] })).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        assert_eq!(refused().await, [1, 2, 3], "{engine}: the one that heard it has left");

        say(ConsentAction::Grant, Scope::Sender(senders[1])).await;
        say(ConsentAction::Grant, Scope::Sender(senders[2])).await;
        assert_eq!(refused().await, [1], "{engine}: nothing stands above what the person says since");
        let all = server.patch(&key, &path, &json!({ "sender_ids": senders })).await;
        assert_eq!(all.status, StatusCode::OK, "{}", all.text());
        assert_eq!(refused().await, [1, 2, 3, 4], "{engine}: together again");
        let gone = server.send(with_key(request(Method::DELETE, &path), &key)).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{engine}");
        assert_eq!(refused().await, [1, 4], "{engine}: the others were opened again after it");
    }
}

#[tokio::test]
async fn limits_and_a_second_way_are_set_and_taken_away() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let channel = server.test.sms_channel("carrier").await;
        let one = server.test.sender(channel.id, "+15550000001").await.id;
        let two = server.test.sender(channel.id, "+15550000002").await.id;
        let put = async |path: String, body: Value| {
            let answer = server.send(with_key(json_request(Method::PUT, &path, &body), &key)).await;
            (answer.status, answer.json())
        };
        let (status, set) = put(format!("/api/v1/senders/{one}/limit"), json!({ "segments_per_second": 3 })).await;
        assert_eq!((status, &set["segments_per_second"]), (StatusCode::OK, &json!(3)), "{set}");
        assert_eq!(put(format!("/api/v1/senders/{one}/limit"), json!({ "segments_per_second": 0 })).await.0, 422);
        let fallback = format!("/api/v1/senders/{one}/fallback");
        let (_, set) = put(fallback.clone(), json!({ "sender_id": two })).await;
        assert_eq!((&set["fallback_id"], &set["fallback_after_seconds"]), (&json!(two), &json!(300)), "{set}");
        assert_eq!(put(fallback.clone(), json!({ "sender_id": one })).await.0, 422, "not itself");
        let (_, set) = put(fallback, json!({ "sender_id": null })).await;
        assert_eq!((&set["fallback_id"], &set["segments_per_second"]), (&Value::Null, &json!(3)), "{set}");

        let path = format!("/api/v1/senders/{one}");
        let set = server.patch(&key, &path, &json!({ "alphabet": "gsm_replace" })).await.json();
        assert_eq!(set["alphabet"], "gsm_replace", "{set}");
        assert_eq!(server.patch(&key, &path, &json!({})).await.json()["alphabet"], "gsm_replace", "it stays");
        let hours = format!("/api/v1/senders/{one}/hours");
        let lunch = json!([{ "days": ["mon"], "start": "12:00", "end": "14:00" }]);
        let night = json!({ "start": "19:00", "end": "09:00" });
        let (status, set) = put(hours.clone(), json!({ "quiet_hours": night, "quiet_spans": lunch })).await;
        assert_eq!((status, &set["quiet_hours"], &set["quiet_spans"]), (StatusCode::OK, &night, &lunch), "{set}");
        let wrong = json!([{ "days": ["mon"], "start": "14:00", "end": "12:00" }]);
        assert_eq!(put(hours.clone(), json!({ "quiet_spans": wrong })).await.0, 422);
        let (_, set) = put(hours, json!({})).await;
        assert_eq!((&set["quiet_hours"]["start"], &set["quiet_spans"]), (&json!("00:00"), &json!([])), "{set}");

        let brand = registration(&server, &key, json!({ "kind": "brand", "name": "Acme" })).await;
        let limits = format!("/api/v1/registrations/{}/limits", brand["id"].as_str().unwrap());
        let (_, set) = put(limits.clone(), json!({ "segments_per_day": 2000 })).await;
        assert_eq!((&set["segments_per_day"], &set["segments_per_minute"]), (&json!(2000), &Value::Null), "{set}");
        assert_eq!(put(limits, json!({ "segments_per_minute": 0 })).await.0, 422);
    }
}

#[tokio::test]
async fn a_sender_leaves_by_accounts_with_the_same_number_and_each_message_says_why() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let (one, two) = (server.test.sms_channel("one").await, server.test.sms_channel("two").await);
        let first = server.test.sender(one.id, "+15550000001").await.id;
        let second = server.test.sender(two.id, "+15550000001").await.id;
        let stranger = server.test.sender(two.id, "+15550000002").await.id;
        let path = format!("/api/v1/senders/{first}/routes");
        let put = async |body: Value| {
            let answer = server.send(with_key(json_request(Method::PUT, &path, &body), &key)).await;
            (answer.status, answer.json())
        };
        for wrong in [vec![second], vec![first, stranger], vec![first, first], vec![first, second, second]] {
            let (status, refused) = put(json!({ "by": "price", "sender_ids": wrong })).await;
            assert_eq!((status, &refused["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid")), "{refused}");
        }
        let (_, set) = put(json!({ "by": "price", "sender_ids": [first, second] })).await;
        assert_eq!((&set["route_by"], &set["routes"][1]["sender_id"]), (&json!("price"), &json!(second)), "{set}");

        let prices = |channel: segue_model::ChannelId| format!("/api/v1/channels/{channel}/prices");
        let version = json!({ "prices": [{ "country": "de", "per_thousand": 6900 }], "other_price": 9000 });
        let added = server.post(&key, &prices(two.id), &version).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
        assert_eq!((&added.json()["prices"][0]["country"], &added.json()["currency"]), (&json!("DE"), &json!("USD")));
        let past = json!({ "prices": [], "valid_from": "2020-01-01T00:00:00Z" });
        assert_eq!(server.post(&key, &prices(two.id), &past).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let chat = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        assert_eq!(server.post(&key, &prices(chat.id), &version).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let listed = server.get(&key, &prices(two.id)).await.json();
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(1), "{listed}");

        let message = json!({ "sender_id": first, "phone": "+498912345678", "text": "Hi", "class": "service" });
        let sent = server.post(&key, "/api/v1/messages", &message).await.json();
        assert_eq!(sent["channel_id"], json!(two.id), "{sent}");
        let route = json!({ "by": "price", "reason": "cheapest", "per_thousand": 6900 });
        assert_eq!(sent["route"], route, "{sent}");

        let (_, gone) = put(json!({ "sender_ids": [] })).await;
        assert_eq!((&gone["route_by"], &gone["routes"]), (&Value::Null, &json!([])), "{gone}");
    }
}
