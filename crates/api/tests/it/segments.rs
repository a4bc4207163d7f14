//! Segments over HTTP: written as text or form, counted, walked, and kept while a campaign needs them.

use http::{Method, StatusCode};
use segue_model::role::Role;
use serde_json::{Value, json};

use crate::support::{request, servers, with_key};

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_is_written_either_way_counted_walked_and_kept_while_it_is_used() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        for (number, city) in ["Berlin", "berlin", "Köln", "Hamburg", ""].iter().enumerate() {
            let contact = json!({"phone": format!("+155501010{number:02}"), "first_name": format!("Name {number}"),
                "attributes": {"city": city}});
            let made = server.post(&key, "/api/v1/contacts", &contact).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        }

        // While it is written: the other form, a count and the first members; a mistake is an answer with its place.
        let form = json!({"join": "any", "items": [
            {"row": {"topic": "field", "name": "city", "operator": "is", "values": ["BERLIN"], "ignore_case": true}},
            {"row": {"topic": "field", "name": "city", "operator": "is", "values": ["Köln"]}}]});
        let checked = server.post(&key, "/api/v1/segments/check", &json!({ "form": form })).await.json();
        let text = "contact.city.lowerAscii() == \"berlin\" || contact.city == \"Köln\"";
        assert_eq!((checked["condition"].as_str(), checked["count"].as_i64()), (Some(text), Some(3)), "{checked}");
        assert_eq!(checked["sample"].as_array().unwrap().len(), 3);
        let back = server.post(&key, "/api/v1/segments/check", &json!({ "condition": text })).await.json();
        assert_eq!(back["form"]["items"].as_array().unwrap().len(), 2, "{back}");
        let wrong = json!({"condition": "contact.city == \"x\" &&\n  nothing(1)"});
        let wrong = server.post(&key, "/api/v1/segments/check", &wrong).await;
        assert_eq!(wrong.status, StatusCode::OK);
        let problem = &wrong.json()["problem"];
        assert_eq!(problem["place"]["line"], json!(2), "{problem}");
        assert!(problem["message"].as_str().unwrap().contains("no function nothing"), "{problem}");

        let made = server.post(&key, "/api/v1/segments", &json!({"name": "Berlin or Köln", "form": form})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let segment = made.json();
        let path = format!("/api/v1/segments/{}", segment["id"].as_str().unwrap());
        assert_eq!(server.get(&key, &format!("{path}/count")).await.json()["count"], json!(3));
        let page = server.get(&key, &format!("{path}/members?limit=2")).await.json();
        let next = page["next_cursor"].as_str().unwrap();
        let rest = server.get(&key, &format!("{path}/members?limit=2&cursor={next}")).await.json();
        let names: Vec<&str> = [&page, &rest]
            .iter()
            .flat_map(|page| page["data"].as_array().unwrap())
            .map(|member| member["name"].as_str().unwrap())
            .collect();
        assert_eq!((names, rest["next_cursor"].clone()), (vec!["Name 0", "Name 1", "Name 2"], Value::Null));

        let twin = server.post(&key, "/api/v1/segments", &json!({"name": "Berlin or Köln", "condition": "true"})).await;
        assert_eq!((twin.status, twin.json()["code"].clone()), (StatusCode::CONFLICT, json!("segment_taken")));
        let nowhere = json!({"name": "x", "condition": "on_list(\"lst_00000000000000000000000009\")"});
        let nowhere = server.post(&key, "/api/v1/segments", &nowhere).await;
        assert_eq!(
            (nowhere.status, nowhere.json()["code"].clone()),
            (StatusCode::UNPROCESSABLE_ENTITY, json!("invalid_condition"))
        );

        let changed = server.patch(&key, &path, &json!({"condition": "contact.city.matches(\"^[BK]\")"})).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        assert_eq!(changed.json()["name"], json!("Berlin or Köln"), "what is not given stays");
        assert_eq!(server.get(&key, &format!("{path}/count")).await.json()["count"], json!(2), "row by row");
        let gone = server.send(with_key(request(Method::DELETE, &path), &key)).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text());
        assert_eq!(server.get(&key, &path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_change_of_an_older_version_of_a_segment_is_refused() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let segment = json!({ "name": "Berlin", "condition": "contact.city == \"Berlin\"" });
        let made = server.post(&key, "/api/v1/segments", &segment).await.json();
        let one = format!("/api/v1/segments/{}", made["id"].as_str().unwrap());
        let rome = json!({ "condition": "contact.city == \"Rome\"", "version": made["version"] });
        let first = server.patch(&key, &one, &rome).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.text());

        // Somebody who still has the first version before them.
        let late = json!({ "name": "Late", "condition": "contact.city == \"Oslo\"", "version": made["version"] });
        let refused = server.patch(&key, &one, &late).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "changed_meanwhile"));
        assert_eq!(server.get(&key, &one).await.json(), first.json(), "{}", server.test.engine);

        let newest = json!({ "name": "Late", "version": first.json()["version"] });
        let changed = server.patch(&key, &one, &newest).await.json();
        assert_eq!((&changed["name"], &changed["condition"]), (&json!("Late"), &rome["condition"]));
        // A program that gives no version changes what it names.
        let named = server.patch(&key, &one, &json!({ "name": "Rome" })).await;
        assert_eq!((named.status, &named.json()["name"]), (StatusCode::OK, &json!("Rome")));
    }
}
