//! Offers when agents come and go.

use serde_json::json;

use crate::world::{World, worlds};

const FRED: &str = "15550119999";

async fn waiting_session(world: &World) {
    world.sandbox_post("/handsets", json!({ "phone": format!("+{FRED}"), "name": "Fred" })).await;
    world.through_the_bot(FRED, "Hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_offer_goes_to_the_next_agent() {
    for world in worlds().await {
        let (amy, sam) = (world.sign_in("amy@acme.example").await, world.sign_in("sam@acme.example").await);
        let _tabs = (amy.open_tab().await, sam.open_tab().await);
        amy.put("/presence", json!({ "status": "available" })).await;
        waiting_session(&world).await;
        let offer = amy.offer().await;
        sam.put("/presence", json!({ "status": "available" })).await;
        amy.post(&format!("/offers/{}/decline", offer["id"].as_str().unwrap()), json!({})).await;
        let second = sam.offer().await;
        assert_eq!(second["session_id"], offer["session_id"]);
        assert!(!amy.has_offer().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_agent_is_asked_again_after_a_decline() {
    for world in worlds().await {
        let amy = world.sign_in("amy@acme.example").await;
        let _tab = amy.open_tab().await;
        amy.put("/presence", json!({ "status": "available" })).await;
        waiting_session(&world).await;
        let offer = amy.offer().await;
        amy.post(&format!("/offers/{}/decline", offer["id"].as_str().unwrap()), json!({})).await;
        assert!(!amy.has_offer().await, "there is a pause before the agent is asked again");
        world.advance(std::time::Duration::from_secs(60)).await;
        // A minute without a sign of life counts as gone; the console comes back and the agent is available again.
        let _tab = amy.open_tab().await;
        amy.put("/presence", json!({ "status": "available" })).await;
        let again = amy.offer().await;
        assert_eq!(again["session_id"], offer["session_id"], "a queue with one agent never starves");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_tab_gives_the_offer_back() {
    for world in worlds().await {
        let (amy, sam) = (world.sign_in("amy@acme.example").await, world.sign_in("sam@acme.example").await);
        let amys_tab = amy.open_tab().await;
        amy.put("/presence", json!({ "status": "available" })).await;
        waiting_session(&world).await;
        let offer = amy.offer().await;
        let _sams_tab = sam.open_tab().await;
        sam.put("/presence", json!({ "status": "available" })).await;
        drop(amys_tab);
        // The grace time passes on the product's clock, in steps so that what counts as connected stays so.
        let mut offered = false;
        for _ in 0..30 {
            world.advance(std::time::Duration::from_secs(1)).await;
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            if sam.has_offer().await {
                offered = true;
                break;
            }
        }
        assert!(offered, "the offer went back before its time ran out on {}", world.engine);
        assert_eq!(sam.offer().await["session_id"], offer["session_id"]);
        assert_eq!(amy.get("/presence").await["load"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn going_away_gives_the_offer_back_at_once() {
    for world in worlds().await {
        let amy = world.sign_in("amy@acme.example").await;
        let _tab = amy.open_tab().await;
        amy.put("/presence", json!({ "status": "available" })).await;
        waiting_session(&world).await;
        amy.offer().await;
        amy.put("/presence", json!({ "status": "away" })).await;
        assert!(!amy.has_offer().await, "the offer is gone with the answer to the change");
        assert_eq!(amy.get("/presence").await["load"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_that_accept_one_offer_get_one_session() {
    for world in worlds().await {
        let amy = world.sign_in("amy@acme.example").await;
        let _tab = amy.open_tab().await;
        amy.put("/presence", json!({ "status": "available" })).await;
        waiting_session(&world).await;
        let offer = amy.offer().await;
        let path = format!("/offers/{}/accept", offer["id"].as_str().unwrap());
        let (one, two) =
            tokio::join!(amy.call("POST", &path, Some(json!({}))), amy.call("POST", &path, Some(json!({}))));
        let statuses = [one.0, two.0];
        assert!(statuses.contains(&200) && statuses.contains(&409), "{one:?} {two:?}");
        let refused = if one.0 == 409 { one.1 } else { two.1 };
        assert_eq!(refused["code"], "offer_gone");
        assert_eq!(amy.get("/presence").await["load"], 1);
    }
}
