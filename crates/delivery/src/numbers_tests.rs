use segue_model::time;
use segue_testkit::{TestStore, engines};

use super::*;

fn number(status: &str, quality: &str) -> PhoneNumberInfo {
    let told = serde_json::json!({ "id": "1", "status": status, "quality_rating": quality, "raw": null });
    serde_json::from_value(told).unwrap()
}

struct Scene {
    test: TestStore,
    channel: Channel,
}

impl Scene {
    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>, &Channel, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        let (channel, now) = (self.channel.clone(), self.test.now());
        self.test.store.write::<_, StoreError, _>(move |tx| work(tx, &channel, now)).await.unwrap()
    }

    /// Whether marketing is stopped after such a look, a minute later.
    async fn look(&self, status: &'static str, quality: &'static str) -> bool {
        self.test.clock.advance(time::MINUTE);
        self.write(move |tx, channel, now| {
            seen(tx, channel, &number(status, quality), (now, now))?;
            tx.is_braked(channel.workspace_id, channel.id, "spring")
        })
        .await
    }

    /// The same after such a notice from so many seconds ago.
    async fn told(&self, event: &'static str, ago: i64) -> bool {
        let notice = Notice::NumberQuality { event: event.to_owned(), number: None, previous_limit: None, limit: None };
        self.write(move |tx, channel, now| {
            told(tx, channel, &notice, (now.plus(-ago * time::SECOND), now))?;
            tx.is_braked(channel.workspace_id, channel.id, "spring")
        })
        .await
    }

    async fn resume(&self) -> bool {
        self.write(|tx, channel, now| tx.release_brake(channel.workspace_id, channel.id, "", now)).await
    }

    async fn brake_ends(&mut self, end: BrakeEnd) {
        self.test.workspace.settings.campaigns.brake_ends = end;
        let workspace = self.test.workspace.clone();
        self.write(move |tx, _, _| tx.update_workspace(&workspace)).await;
    }
}

async fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for test in engines().await {
        let channel = test.whatsapp_channel("shop", "http://127.0.0.1:1").await;
        scenes.push(Scene { test, channel });
    }
    scenes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_admin_let_go_on_is_not_stopped_by_the_next_look_at_the_same_quality() {
    for mut scene in scenes().await {
        for end in [BrakeEnd::Quality, BrakeEnd::Person] {
            scene.brake_ends(end).await;
            let what = format!("{end:?} on {}", scene.test.engine);
            assert!(scene.look("CONNECTED", "RED").await, "{what}");
            assert!(scene.resume().await, "{what}");
            assert!(!scene.look("CONNECTED", "RED").await, "{what}: an admin let it go on");
            assert!(!scene.look("CONNECTED", "UNKNOWN").await, "{what}");
            assert!(!scene.told("FLAGGED", 600).await, "{what}: told before that");
            assert!(!scene.look("CONNECTED", "GREEN").await, "{what}");
            assert!(scene.look("CONNECTED", "RED").await, "{what}: it became red again");
            assert!(scene.resume().await, "{what}");
            assert!(scene.told("FLAGGED", 0).await, "{what}: told since");
            assert!(scene.resume().await, "{what}");
            assert!(!scene.look("CONNECTED", "YELLOW").await, "{what}");
        }
        // The quality was back before the admin came by.
        assert!(scene.look("CONNECTED", "RED").await, "{}", scene.test.engine);
        assert!(scene.look("CONNECTED", "GREEN").await, "{}: a person is to end it", scene.test.engine);
        assert!(scene.resume().await, "{}", scene.test.engine);
        assert!(scene.look("CONNECTED", "RED").await, "{}: it became red again", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flagged_number_stays_stopped_whatever_its_quality_is() {
    for scene in scenes().await {
        assert!(scene.told("FLAGGED", 0).await, "{}", scene.test.engine);
        for quality in ["YELLOW", "GREEN", "RED"] {
            assert!(scene.look("FLAGGED", quality).await, "{}: {quality}", scene.test.engine);
        }
        assert!(!scene.look("CONNECTED", "YELLOW").await, "{}", scene.test.engine);
        assert!(scene.look("FLAGGED", "YELLOW").await, "{}: a look tells it too", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_was_told_earlier_and_comes_later_changes_nothing() {
    for scene in scenes().await {
        let limit = async |word: &'static str, second: i64| {
            scene
                .write(move |tx, channel, now| {
                    let notice = Notice::Capability { limit: Some(word.to_owned()), most_numbers: None };
                    told(tx, channel, &notice, (Timestamp(second * time::SECOND), now))?;
                    let ChannelConfig::WhatsApp(config) = &channel.config else { panic!("WhatsApp") };
                    Ok(tx.messaging_limit_now(channel.workspace_id, config.portfolio(), now)?.most)
                })
                .await
        };
        let engine = scene.test.engine;
        assert_eq!(limit("TIER_10K", 2).await, Some(10_000), "{engine}");
        assert_eq!(limit("TIER_2K", 1).await, Some(10_000), "{engine}: it is older");
        assert_eq!(limit("TIER_2K", 2).await, Some(2_000), "{engine}: of the same second in the order of arrival");
        assert_eq!(limit("TIER_10K", 3).await, Some(10_000), "{engine}");
    }
}
