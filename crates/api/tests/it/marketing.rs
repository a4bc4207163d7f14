//! Limits, stops and price lists of WhatsApp marketing, over the API.

use http::{Method, StatusCode};
use segue_model::role::Role;
use segue_store::{StoreError, channel::ChannelConfig};
use serde_json::json;

use crate::support::{json as body, request, servers, with_key};

#[tokio::test]
async fn limits_and_stops_are_shown_and_an_admin_alone_lets_marketing_go_on() {
    for server in servers().await {
        let (marketer, admin) = (server.key(Role::Marketer).await, server.key(Role::Admin).await);
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let (workspace_id, now, id) = (server.workspace_id(), server.test.now(), channel.id);
        let ChannelConfig::WhatsApp(config) = &channel.config else { panic!() };
        let portfolio = config.portfolio().to_owned();
        let stored = server.test.store.write::<_, StoreError, _>(move |tx| {
            tx.set_messaging_limit(workspace_id, &portfolio, Some(250), (now, now))?;
            tx.put_brake(workspace_id, id, ("", "It is RED."), now)
        });
        stored.await.unwrap();
        let limits = format!("/api/v1/channels/{id}/limits");
        let seen = server.get(&marketer, &limits).await.json();
        assert_eq!((&seen["most"], &seen["used"]), (&json!(250), &json!(0)), "{}", server.test.engine);
        assert_eq!(seen["brakes"][0]["reason"], "It is RED.");
        let resume = format!("/api/v1/channels/{id}/resume-marketing");
        assert_eq!(server.post(&marketer, &resume, &json!({})).await.status, StatusCode::FORBIDDEN);
        assert_eq!(server.post(&admin, &resume, &json!({})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(server.post(&admin, &resume, &json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(server.get(&marketer, &limits).await.json()["brakes"], json!([]));
        let sms = server.test.sms_channel("sms").await;
        let none = server.get(&marketer, &format!("/api/v1/channels/{}/limits", sms.id)).await;
        assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn price_lists_are_taken_in_as_a_table_with_the_faults_by_line() {
    for server in servers().await {
        let admin = server.key(Role::Admin).await;
        let card = |csv: &str| json!({ "name": "Ours", "valid_from": "2026-10-01", "currency": "eur", "csv": csv });
        let wrong =
            server.post(&admin, "/api/v1/rate-cards", &card("market,category,price\nAtlantis,marketing,1\n")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.json().to_string().contains("Line 2"), "{}", wrong.json());
        let wrong = server
            .post(
                &admin,
                "/api/v1/rate-card-checks",
                &card("market,category,price\nAtlantis,marketing,1\nGermany,gossip,1\n"),
            )
            .await
            .json();
        assert_eq!((&wrong["card"], wrong["problems"].as_array().map(Vec::len)), (&json!(null), Some(2)), "{wrong}");
        assert_eq!((&wrong["problems"][1]["line"], &wrong["replaces"]), (&json!(3), &json!(false)));
        let good = card("market,category,price\nGermany,marketing,0.1131\n");
        let looked = server.post(&admin, "/api/v1/rate-card-checks", &good).await.json();
        assert_eq!((&looked["card"]["name"], &looked["compared_with"]), (&json!("Ours"), &json!(null)), "{looked}");
        let own = server.get(&admin, "/api/v1/rate-cards").await.json();
        assert_eq!(own["data"].as_array().map(Vec::len), Some(1), "looking takes nothing in");
        assert_eq!(server.post(&admin, "/api/v1/rate-cards", &good).await.status, StatusCode::CREATED);
        let listed = server.get(&admin, "/api/v1/rate-cards").await.json();
        assert_eq!(listed["data"][0]["currency"], "EUR", "{}", server.test.engine);
        assert_eq!(listed["data"][0]["rates"][0]["thousandths"], 11_310);
        assert!(listed["data"][1]["name"].as_str().unwrap().contains("made up"));
        let dearer = card("market,category,price\nGermany,marketing,0.2\n");
        let looked = server.post(&admin, "/api/v1/rate-card-checks", &dearer).await.json();
        assert_eq!((&looked["replaces"], &looked["changes"][0]["before"]), (&json!(true), &json!(11_310)), "{looked}");
        assert!(looked["unpriced"].as_array().unwrap().contains(&json!("India")));
        assert_eq!(looked["markets_as_of"], "2026-10-01");

        // WhatsApp's two files: prices with a column for each category, and the tiers.
        let two = |tiers: &str| {
            let rates = "Market,Currency,Marketing,Utility\nIndia,EUR,0.0118,0.0014\n";
            json!({ "name": "Two files", "valid_from": "2027-01-01", "currency": "EUR", "csv": rates, "tiers_csv": tiers })
        };
        let gap = two("Market,Category,From,To,Rate\nIndia,Utility,1,100,0.0014\nIndia,Utility,102,,0.0012\n");
        let looked = server.post(&admin, "/api/v1/rate-card-checks", &gap).await.json();
        assert_eq!((&looked["problems"][0]["table"], &looked["problems"][0]["line"]), (&json!("tiers"), &json!(3)));
        let refused = server.post(&admin, "/api/v1/rate-cards", &gap).await;
        assert!(refused.text().contains("tiers_csv"), "{}", refused.text());
        let good = two("Market,Category,From,To,Rate\nIndia,Utility,1,100,0.0014\nIndia,Utility,101,,0.0012\n");
        assert_eq!(server.post(&admin, "/api/v1/rate-cards", &good).await.status, StatusCode::CREATED);
        let listed = server.get(&admin, "/api/v1/rate-cards").await.json();
        let tiers = json!([{ "from": 101, "thousandths": 120 }]);
        assert_eq!(listed["data"][0]["rates"][1]["tiers"], tiers, "{} {listed}", server.test.engine);
        let later = server.send(with_key(request(Method::DELETE, "/api/v1/rate-cards/2027-01-01/EUR"), &admin)).await;
        assert_eq!(later.status, StatusCode::NO_CONTENT);

        let month = server.get(&admin, "/api/v1/volume-tiers").await.json();
        assert_eq!((&month["volumes"], &month["markets_as_of"]), (&json!([]), &json!("2026-10-01")), "{month}");

        let settings = |zone: &str| json!({ "price_zone": zone, "brake_ends": "person" });
        let refused = server
            .send(with_key(body(Method::PUT, "/api/v1/campaign-settings", &settings("Mars/Olympus")), &admin))
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
        let saved = server
            .send(with_key(body(Method::PUT, "/api/v1/campaign-settings", &settings("Europe/Berlin")), &admin))
            .await;
        assert_eq!(saved.json()["price_zone"], "Europe/Berlin", "{}", saved.text());

        let marketer = server.key(Role::Marketer).await;
        let address = "/api/v1/rate-cards/2026-10-01/EUR";
        assert_eq!(
            server.send(with_key(request(Method::DELETE, address), &marketer)).await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            server.send(with_key(request(Method::DELETE, address), &admin)).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(server.send(with_key(request(Method::DELETE, address), &admin)).await.status, StatusCode::NOT_FOUND);
        let listed = server.get(&admin, "/api/v1/rate-cards").await.json();
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(1), "{}", server.test.engine);
    }
}
