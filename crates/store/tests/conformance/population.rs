//! Who meets a condition: SQL and the row-by-row meaning agree, on both engines, whatever is asked and written.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use segue_expr::{Case, Compare, Condition, Event, FieldName, Order, Pattern, Test};
use segue_model::{
    CampaignId, ContactId, ListId, Timestamp,
    consent::{ConsentState, Medium, Purpose},
    contact::ContactFields,
    time,
};
use segue_store::{Sql, StoreError, population::Population};
use segue_testkit::TestStore;

/// What a contact is in the reference: everything a condition can ask for.
struct Person {
    id: ContactId,
    fields: ContactFields,
    sms: ConsentState,
    lists: Vec<ListId>,
    /// What happened, in which campaign, and how many days ago.
    events: Vec<(Event, CampaignId, u32)>,
    created_days_ago: u32,
    suppressed: bool,
}

/// Texts that have broken query builders before.
const VALUES: &[&str] = &[
    "berlin",
    "Berlin",
    "BERLIN ",
    "köln",
    "KÖLN",
    "12",
    "-7",
    "007",
    "1.5",
    "1e3",
    "-",
    "12a",
    "9999999999999999",
    "",
    "'; DROP TABLE contacts; --",
    "\" OR 1=1",
    "%",
    "_",
    "\\",
    "$1",
    "?1",
    "a\0b",
    "\\u0000",
    "🙂",
    "{\"x\":1}",
];
const NAMES: &[&str] = &["city", "Loyalty Level", "a'b", "$", "$.city", "x.y", "[0]", "city\u{20}", "ключ", "in", "%"];

/// A recurring campaign, and one of its runs: what happened in the run happened in the campaign.
const SERIES: CampaignId = CampaignId(uuid::Uuid::from_u128(3));
const RUN: CampaignId = CampaignId(uuid::Uuid::from_u128(4));

static INSERT_CAMPAIGN: Sql = Sql::portable(
    "INSERT_CAMPAIGN",
    "INSERT INTO campaigns (workspace_id, id, number, name, state, sender_id, audience, body, footer, prefilled_text,
            created_at, version)
        VALUES ($1, $2, $3, 'x', 'finished', $4, '{}', 'x', 'none', '', 0, 1)",
);
static INSERT_RECIPIENT: Sql = Sql::portable(
    "INSERT_RECIPIENT",
    "INSERT INTO recipients (workspace_id, campaign_id, position, contact_id, phone, rule, first_tap_at)
        VALUES ($1, $2, $3, $4, $5, 'allowed', $6)",
);
static SET_CREATED: Sql =
    Sql::portable("SET_CREATED", "UPDATE contacts SET created_at = $3 WHERE workspace_id = $1 AND id = $2");

fn draw<T>(runner: &mut TestRunner, from: &impl Strategy<Value = T>) -> T {
    from.new_tree(runner).unwrap().current()
}

fn field() -> impl Strategy<Value = FieldName> {
    let known = prop::sample::select(["first_name", "last_name", "email", "phone", "locale"].as_slice());
    prop_oneof![known, prop::sample::select(NAMES)].prop_map(|name| FieldName::new(name).unwrap())
}

fn test(lists: Vec<ListId>, campaigns: Vec<CampaignId>) -> impl Strategy<Value = Test> {
    let text = || prop::sample::select(VALUES).prop_map(|value| value.replace('\0', ""));
    let part = || text().prop_filter("a part has letters", |part| !part.is_empty());
    let compare = prop_oneof![
        text().prop_map(Compare::Equals),
        prop::collection::vec(text(), 1..4).prop_map(Compare::OneOf),
        part().prop_map(Compare::Contains),
        part().prop_map(Compare::StartsWith),
        part().prop_map(Compare::EndsWith),
    ];
    let order = || {
        prop::sample::select(
            [Order::Equal, Order::Less, Order::LessOrEqual, Order::More, Order::MoreOrEqual].as_slice(),
        )
    };
    let case = prop::sample::select([Case::Exact, Case::Ignored].as_slice());
    let days = || prop::option::of(1..20_u32);
    prop_oneof![
        4 => (field(), case, compare).prop_map(|(field, case, compare)| Test::Text { field, case, compare }),
        2 => field().prop_map(Test::Filled),
        2 => (field(), order(), -10..20_i64).prop_map(|(field, order, value)| Test::Number { field, order, value }),
        1 => (field(), order()).prop_map(|(field, order)| Test::Decimal { field, order, value: 1.5 }),
        1 => field().prop_map(|field| Test::Matches { field, pattern: Pattern::new("(?i)^b.*n").unwrap() }),
        1 => prop::sample::select(ConsentState::ALL)
            .prop_map(|state| Test::Consent { medium: Medium::Sms, state }),
        1 => prop::sample::select(lists).prop_map(Test::OnList),
        2 => (prop::option::of(prop::sample::select(campaigns)), days())
            .prop_map(|(campaign, days)| Test::Happened { event: Event::Clicked, campaign, days }),
        1 => (1..20_u32).prop_map(Test::CreatedWithin),
        1 => Just(Test::Suppressed),
    ]
}

fn condition(test: impl Strategy<Value = Test> + 'static) -> impl Strategy<Value = Condition> {
    test.prop_map(Condition::Test).prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::all),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::any),
            inner.prop_map(Condition::not),
        ]
    })
}

fn people(runner: &mut TestRunner, lists: &[ListId], campaigns: &[CampaignId], count: u32) -> Vec<Person> {
    let text = prop::option::of(prop::sample::select(VALUES));
    let attributes = prop::collection::btree_map(prop::sample::select(NAMES), prop::sample::select(VALUES), 0..5);
    let events = prop::collection::vec((0..campaigns.len(), 1..20_u32), 0..3);
    let person = (
        (text.clone(), text, attributes),
        prop::sample::select(ConsentState::ALL),
        prop::sample::subsequence(lists.to_vec(), 0..=lists.len()),
        events,
        (1..20_u32, any::<bool>()),
    );
    (0..count)
        .map(|number| {
            let ((first, last, attributes), sms, lists, events, (age, suppressed)) = draw(runner, &person);
            let mut events: Vec<_> =
                events.into_iter().map(|(at, days)| (Event::Clicked, campaigns[at], days)).collect();
            events.sort_unstable_by_key(|event| event.1);
            events.dedup_by_key(|event| event.1);
            let mut id = uuid::Uuid::from_u128(u128::from(number) + 1).into_bytes();
            id[0] = 1;
            Person {
                id: ContactId(uuid::Uuid::from_bytes(id)),
                fields: ContactFields {
                    phone: Some(format!("+1212555{number:04}").parse().unwrap()),
                    first_name: first.map(ToOwned::to_owned),
                    last_name: last.map(ToOwned::to_owned),
                    attributes: attributes
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect(),
                    ..ContactFields::default()
                },
                sms,
                lists,
                events,
                created_days_ago: age,
                suppressed,
            }
        })
        .collect()
}

impl Person {
    fn knows(&self, test: &Test) -> bool {
        match test {
            Test::Consent { state, .. } => self.sms == *state,
            Test::OnList(list) => self.lists.contains(list),
            Test::Happened { event, campaign, days } => self.events.iter().any(|(what, whose, ago)| {
                what == event
                    && campaign.is_none_or(|it| it == *whose || (it, *whose) == (SERIES, RUN))
                    && days.is_none_or(|days| *ago <= days)
            }),
            Test::CreatedWithin(days) => self.created_days_ago <= *days,
            Test::Suppressed => self.suppressed,
            other => panic!("{other:?} is about fields"),
        }
    }

    fn meets(&self, condition: &Condition) -> bool {
        condition.holds(&self.fields, &mut |test| self.knows(test))
    }
}

async fn write_all(test: &TestStore, people: &[Person], lists: &[ListId], campaigns: &[CampaignId]) {
    let channel = test.sms_channel("carrier").await;
    let sender = test.sender(channel.id, "+15550000000").await;
    let (ws, now) = (test.workspace.id, test.now());
    for person in people {
        let address = person.fields.phone.as_ref().unwrap().to_string();
        if person.sms != ConsentState::None {
            test.set_consent(Medium::Sms, &address, Purpose::Marketing, person.sms).await;
        }
    }
    let rows: Vec<_> = people
        .iter()
        .map(|person| {
            let at = |days: u32| now.plus(-i64::from(days) * time::DAY);
            let events: Vec<_> = person.events.iter().map(|(_, whose, ago)| (*whose, at(*ago))).collect();
            (
                person.id,
                person.fields.clone(),
                person.lists.clone(),
                events,
                at(person.created_days_ago),
                person.suppressed,
            )
        })
        .collect();
    let (lists, campaigns) = (lists.to_vec(), campaigns.to_vec());
    let written = test.store.write::<_, StoreError, _>(move |tx| {
        for (number, list) in lists.iter().enumerate() {
            tx.insert_list(ws, *list, &format!("list {number}"), now)?;
        }
        for (number, campaign) in campaigns.iter().enumerate() {
            tx.execute(&INSERT_CAMPAIGN, &[&ws, campaign, &(number as i64 + 1), &sender.id])?;
        }
        tx.set_series(ws, RUN, SERIES, 1)?;
        for (position, (id, fields, lists, events, created_at, suppressed)) in rows.iter().enumerate() {
            let phone = fields.phone.as_ref().unwrap();
            assert!(tx.insert_contact(ws, *id, fields, now)?);
            tx.execute(&SET_CREATED, &[&ws, id, created_at])?;
            for list in lists {
                tx.add_to_list(ws, *list, *id, now)?;
            }
            for (campaign, tapped_at) in events {
                let position = position as i64 + 1;
                tx.execute(&INSERT_RECIPIENT, &[&ws, campaign, &position, id, phone, tapped_at])?;
            }
            if *suppressed {
                tx.suppress(ws, phone.as_str(), "test", now)?;
            }
        }
        Ok(())
    });
    written.await.unwrap();
}

/// All pages, as ids with the first mark that holds.
async fn walk(
    test: &TestStore,
    include: &Condition,
    marks: &[Condition],
    limit: i64,
) -> Vec<(ContactId, Option<usize>)> {
    let (ws, now) = (test.workspace.id, test.now());
    let (include, marks) = (include.clone(), marks.to_vec());
    let walked = test.store.read::<_, StoreError, _>(move |tx| {
        let population = Population { include: &include, marks: &marks, now, programme: None };
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = tx.population_page(ws, &population, after, limit)?;
            all.extend(page.found.iter().map(|found| (found.member.id, found.mark)));
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    });
    walked.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_and_the_meaning_row_by_row_agree() {
    let mut runner = TestRunner::deterministic();
    let id = |number: u128| uuid::Uuid::from_u128(number);
    let lists = [ListId(id(1)), ListId(id(2))];
    let campaigns = [SERIES, RUN];
    let people = people(&mut runner, &lists, &campaigns, 60);
    let conditions = condition(test(lists.to_vec(), campaigns.to_vec()));
    let mut stores = segue_testkit::engines().await;
    for test in &stores {
        write_all(test, &people, &lists, &campaigns).await;
    }
    let (mut someone, mut nobody) = (0, 0);
    let mut includes: Vec<Condition> = lists.iter().map(|list| Condition::Test(Test::OnList(*list))).collect();
    includes.extend((0..250).map(|_| draw(&mut runner, &conditions)));
    for include in includes {
        let marks = [draw(&mut runner, &conditions), draw(&mut runner, &conditions)];
        let expected: Vec<(ContactId, Option<usize>)> = people
            .iter()
            .filter(|person| person.meets(&include))
            .map(|person| (person.id, marks.iter().position(|mark| person.meets(mark))))
            .collect();
        if expected.is_empty() {
            nobody += 1
        } else {
            someone += 1
        };
        for test in &mut stores {
            let found = walk(test, &include, &marks, 7).await;
            assert_eq!(found, expected, "{}: {include} with {} and {}", test.engine, marks[0], marks[1]);
            let (ws, now, include) = (test.workspace.id, test.now(), include.clone());
            let count = test.store.read::<_, StoreError, _>(move |tx| tx.population_count(ws, &include, now)).await;
            assert_eq!(count.unwrap(), expected.len() as i64, "{}", test.engine);
        }
    }
    assert!(someone > 50 && nobody > 10, "{someone} {nobody}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_workspace_is_never_seen() {
    for test in segue_testkit::engines().await {
        test.contact("+12125550001", "Ana").await;
        let (now, everybody) = (Timestamp(0), Condition::everybody());
        let other = segue_model::WorkspaceId(uuid::Uuid::from_u128(99));
        let found = test.store.read::<_, StoreError, _>(move |tx| {
            let population = Population { include: &everybody, marks: &[], now, programme: None };
            Ok((
                tx.population_page(other, &population, None, 10)?.found.len(),
                tx.population_count(other, &everybody, now)?,
            ))
        });
        assert_eq!(found.await.unwrap(), (0, 0), "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_of_many_parts_is_found() {
    for test in segue_testkit::engines().await {
        let ana = test.contact("+12125550001", "Ana").await;
        test.contact("+12125550002", "Ben").await;
        let named = |name: String| {
            let field = FieldName::new("first_name").unwrap();
            Condition::Test(Test::Text { field, case: Case::Exact, compare: Compare::Equals(name) })
        };
        let any = Condition::any((0..1_100).map(|n| named(format!("N{n}"))).chain([named("Ana".to_owned())]));
        let not_any = Condition::all((0..1_100).map(|n| Condition::not(named(format!("N{n}")))));
        let marks = [Condition::not(any.clone()), not_any];
        assert_eq!(walk(&test, &any, &marks, 10).await, [(ana, Some(1))], "{}", test.engine);
    }
}
