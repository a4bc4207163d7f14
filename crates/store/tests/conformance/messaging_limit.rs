//! What counts against the limit of customers that are written to first, and what is given back.

use segue_model::{MessageId, Timestamp, time};
use segue_testkit::{TestStore, engines};

use super::write;

const PORTFOLIO: &str = "portfolio";

async fn count(test: &TestStore, address: &'static str, message: MessageId, now: Timestamp) {
    let workspace_id = test.workspace_id();
    write(test, move |tx| tx.count_initiated_chat(workspace_id, (PORTFOLIO, address), message, now)).await;
}

/// How many customers count now, and the room that a message to a new one finds.
async fn used(test: &TestStore, now: Timestamp) -> (u32, u32) {
    let workspace_id = test.workspace_id();
    write(test, move |tx| {
        let budget = tx.messaging_budget(workspace_id, (PORTFOLIO, "+9"), now)?.expect("there is a limit");
        Ok((tx.messaging_limit_now(workspace_id, PORTFOLIO, now)?.used, budget.used))
    })
    .await
}

async fn give_back(test: &TestStore, message: MessageId, now: Timestamp) {
    let workspace_id = test.workspace_id();
    write(test, move |tx| tx.uncount_initiated_chat(workspace_id, message, (true, now))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_leave_gives_back_what_it_took_and_nothing_else() {
    for test in engines().await {
        let test = &test;
        let (workspace_id, now) = (test.workspace_id(), test.now());
        write(test, move |tx| tx.set_messaging_limit(workspace_id, PORTFOLIO, Some(5), (now, now))).await;
        let ids: [MessageId; 4] = std::array::from_fn(|_| test.ctx.id());
        count(test, "+1", ids[0], now).await;
        count(test, "+2", ids[1], now).await;
        assert_eq!(used(test, now).await, (2, 2), "{}", test.engine);
        give_back(test, ids[1], now).await;
        assert_eq!(used(test, now).await, (1, 1), "{}", test.engine);
        give_back(test, ids[1], now).await;
        assert_eq!(used(test, now).await, (1, 1), "{}: once", test.engine);

        // A second message to the same customer, tried twice: the first one counts on, from its own moment.
        let later = now.plus(time::HOUR);
        count(test, "+1", ids[2], later).await;
        count(test, "+1", ids[2], later.plus(1)).await;
        give_back(test, ids[0], later).await;
        assert_eq!(used(test, later).await, (1, 1), "{}: what another message counted stays", test.engine);
        give_back(test, ids[2], later).await;
        assert_eq!(used(test, later).await, (1, 1), "{}", test.engine);
        assert_eq!(used(test, now.plus(time::DAY)).await, (0, 0), "{}: a day after the first", test.engine);

        // What counted before counts no longer.
        let tomorrow = now.plus(time::DAY).plus(time::HOUR);
        count(test, "+1", ids[3], tomorrow).await;
        assert_eq!(used(test, tomorrow).await, (1, 1), "{}", test.engine);
        give_back(test, ids[3], tomorrow).await;
        assert_eq!(used(test, tomorrow).await, (0, 0), "{}", test.engine);
    }
}
