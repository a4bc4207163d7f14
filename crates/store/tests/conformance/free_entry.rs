//! Whether a message is free because of an advertisement, over all conversations of a customer.

use segue_model::{MessagingUserId, SessionId, Timestamp, time};
use segue_store::Sql;
use segue_testkit::engines;

use super::write;

static USER: Sql = Sql::portable(
    "USER",
    "INSERT INTO messaging_users (workspace_id, id, channel_id, created_at, version) VALUES ($1, $2, $3, $4, 1)",
);
static SESSION: Sql = Sql::portable(
    "SESSION",
    "INSERT INTO sessions (workspace_id, id, channel_id, messaging_user_id, state, attribution, opt_in, gathered, last_at,
            started_at, version, referred_at, free_entry_until)
        VALUES ($1, $2, $3, $4, $5, 'none', 'none', '[]', $6, $6, 1, $7, $8)",
);

#[tokio::test(flavor = "multi_thread")]
async fn a_free_entry_point_of_an_earlier_conversation_counts_and_a_new_advertisement_may_open_one() {
    for test in engines().await {
        let channel_id = test.whatsapp_channel("shop", "http://127.0.0.1:1").await.id;
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let hours = |hours: i64| Some(now.plus(hours * time::HOUR));
        // The earlier and the later conversation: when the customer came, and until when it is free.
        for (earlier, later, is_free) in [
            ((hours(-60), hours(2)), (hours(-25), None), true),
            ((hours(-60), hours(2)), (hours(-90), None), true),
            ((hours(-90), hours(-1)), (hours(-1), None), true),
            ((hours(-90), hours(-1)), (hours(-25), None), false),
            ((hours(-90), hours(-1)), (None, None), false),
            ((None, None), (None, None), false),
        ] {
            let user: MessagingUserId = test.ctx.id();
            let sessions: [SessionId; 2] = std::array::from_fn(|_| test.ctx.id());
            let free = write(&test, move |tx| {
                tx.execute(&USER, &[&workspace_id, &user, &channel_id, &now])?;
                for (id, state, at, (referred_at, until)) in
                    [(sessions[0], "ended", now.plus(-2), earlier), (sessions[1], "active", now.plus(-1), later)]
                {
                    let (referred_at, until): (Option<Timestamp>, Option<Timestamp>) = (referred_at, until);
                    tx.execute(&SESSION, &[&workspace_id, &id, &channel_id, &user, &state, &at, &referred_at, &until])?;
                }
                tx.is_free_entry(workspace_id, channel_id, (Some(user), "+1"), now)
            });
            assert_eq!(free.await, is_free, "{}: {earlier:?} {later:?}", test.engine);
        }
    }
}
