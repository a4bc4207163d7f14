//! Tables beside the contacts: rows follow the person they are linked to, and conditions over rows mean the same on both
//! engines.

use std::collections::BTreeMap;

use segue_expr::Condition;
use segue_model::{ContactId, DeletionId, MergeId, TableId, Timestamp, WorkspaceId, contact::ContactFields, time};
use segue_store::{
    contact_merge::{NewMerge, Unmerged},
    contact_view::AttributeKind,
    population::Population,
    table::{DataTable, LinkBy, TableColumn, TableLink},
    table_look_up::Which,
    table_page::RowQuery,
    table_row::{KnownRow, NewRow, RowChange, RowFields, link_of},
};
use segue_testkit::{TestStore, engines};

use super::write;

const ANA: &str = "+15550100001";
const BEN: &str = "+15550100002";

fn fields(pairs: &[(&str, &str)]) -> RowFields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn row(key: &str, phone: &str, pairs: &[(&str, &str)]) -> NewRow {
    let mut all = fields(pairs);
    all.insert("number".to_owned(), key.to_owned());
    NewRow { key: key.to_owned(), fields: all, link: Some(link_of(LinkBy::Phone, phone)), country: None }
}

async fn table(test: &TestStore, label: &str) -> TableId {
    let column = |name: &str, kind| TableColumn {
        name: name.to_owned(),
        label: name.to_owned(),
        kind,
        choices: Vec::new(),
        is_key: name == "number",
    };
    let (ws, now) = (test.workspace_id(), test.now());
    let table = DataTable {
        id: test.ctx.id(),
        name: label.to_lowercase(),
        label: label.to_owned(),
        columns: vec![
            column("number", AttributeKind::Text),
            column("status", AttributeKind::Text),
            column("total", AttributeKind::Number),
            column("due", AttributeKind::Date),
        ],
        link: Some(TableLink { column: "phone".to_owned(), by: LinkBy::Phone }),
        row_count: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let id = table.id;
    assert!(write(test, move |tx| tx.insert_table(ws, &table)).await);
    id
}

async fn put(test: &TestStore, id: TableId, rows: Vec<NewRow>) -> Vec<RowChange> {
    let (ws, now) = (test.workspace_id(), test.now());
    write(test, move |tx| {
        tx.lock_rows(ws, id)?;
        tx.put_rows(ws, id, &rows, now)
    })
    .await
}

async fn owners(test: &TestStore, id: TableId) -> BTreeMap<String, Option<ContactId>> {
    let (ws, now) = (test.workspace_id(), test.now());
    write(test, move |tx| {
        let query =
            RowQuery { after: String::new(), filter: Condition::everybody(), contact_id: None, now, limit: 100 };
        Ok(tx.row_page(ws, id, &query)?.rows.into_iter().map(|row| (row.key, row.contact_id)).collect())
    })
    .await
}

async fn count(test: &TestStore, id: TableId) -> i64 {
    let ws = test.workspace_id();
    write(test, move |tx| tx.table(ws, id)).await.expect("a table").row_count
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_written_over_those_with_their_key_and_counted() {
    for test in engines().await {
        let test = &test;
        let id = table(test, "Orders").await;
        let first = vec![row("1", ANA, &[("status", "open")]), row("2", ANA, &[])];
        assert_eq!(put(test, id, first.clone()).await, [RowChange::Created, RowChange::Created]);
        assert_eq!(put(test, id, first).await, [RowChange::Unchanged, RowChange::Unchanged], "{}", test.engine);
        let before = KnownRow {
            fields: fields(&[("number", "1"), ("status", "open")]),
            link: Some(link_of(LinkBy::Phone, ANA)),
            country: None,
        };
        let changed = put(test, id, vec![row("1", ANA, &[("status", "paid")]), row("3", ANA, &[("status", "a\0b")])]);
        assert_eq!(changed.await, [RowChange::Updated(before), RowChange::Created]);
        assert_eq!(count(test, id).await, 3, "{}", test.engine);
        let british = NewRow { country: Some("GB".to_owned()), ..row("2", ANA, &[]) };
        let before =
            KnownRow { fields: fields(&[("number", "2")]), link: Some(link_of(LinkBy::Phone, ANA)), country: None };
        assert_eq!(put(test, id, vec![british.clone()]).await, [RowChange::Updated(before)], "{}", test.engine);
        assert_eq!(put(test, id, vec![british]).await, [RowChange::Unchanged], "{}", test.engine);
        let (ws, now) = (test.workspace_id(), test.now());
        let keys = ["1".to_owned(), "9".to_owned()];
        assert_eq!(write(test, move |tx| tx.delete_rows(ws, id, &keys, now)).await, [true, false]);
        assert_eq!(count(test, id).await, 2, "{}", test.engine);
        let left = write(test, move |tx| {
            tx.drop_column(ws, id, "status")?;
            tx.row_fields(ws, id, ["3"])
        });
        assert_eq!(left.await, [Some(fields(&[("number", "3")]))], "{}", test.engine);

        // Nothing of it is seen from another workspace.
        let other = WorkspaceId(uuid::Uuid::from_u128(99));
        let seen = write(test, move |tx| {
            Ok((
                tx.table(other, id)?,
                tx.tables(other)?.len(),
                tx.row_fields(other, id, ["2"])?,
                tx.rows_after(other, id, "", 9)?,
            ))
        });
        assert_eq!(seen.await, (None, 0, vec![None], Vec::new()), "{}", test.engine);
        assert!(write(test, move |tx| tx.delete_table(ws, id)).await);
        assert_eq!(write(test, move |tx| tx.row_fields(ws, id, ["2"])).await, [None], "the rows go with the table");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_wait_for_their_contact_and_stay_with_the_person() {
    for test in engines().await {
        let test = &test;
        let (ws, now) = (test.workspace_id(), test.now());
        let (id, other) = (table(test, "Orders").await, table(test, "Visits").await);
        let ana = test.contact(ANA, "Ana").await;
        put(test, id, vec![row("1", ANA, &[]), row("2", BEN, &[]), row("3", "+15550100009", &[])]).await;
        put(test, other, vec![row("1", BEN, &[])]).await;
        let expected =
            |one, two, three| BTreeMap::from([("1".to_owned(), one), ("2".to_owned(), two), ("3".to_owned(), three)]);
        assert_eq!(owners(test, id).await, expected(Some(ana), None, None), "{}", test.engine);
        let ben: ContactId = test.ctx.id();
        let added = write(test, move |tx| {
            let fields = ContactFields { phone: Some(BEN.parse().unwrap()), ..ContactFields::default() };
            tx.insert_contact(ws, ben, &fields, now)
        });
        assert!(added.await);
        assert_eq!(owners(test, id).await, expected(Some(ana), Some(ben), None), "{}: his rows waited", test.engine);
        // Another number of the person finds his rows as well.
        write(test, move |tx| {
            let address = segue_store::contact_address::ContactAddress {
                kind: segue_store::contact_address::AddressKind::Phone,
                address: "+15550100009".to_owned(),
                priority: 1,
                added_at: now,
            };
            tx.insert_contact_address(ws, ben, &address)
        })
        .await;
        assert_eq!(owners(test, id).await, expected(Some(ana), Some(ben), Some(ben)), "{}", test.engine);

        let merge: MergeId = test.ctx.id();
        let view = write(test, move |tx| {
            let fields = tx.contact_row(ws, ana)?.expect("a contact").fields;
            tx.merge_contacts(
                ws,
                &NewMerge { id: merge, kept_id: ana, merged_id: ben, fields, actor: "system".to_owned() },
                now,
            )
        });
        let view = view.await.expect("both are there");
        assert_eq!(owners(test, id).await, expected(Some(ana), Some(ana), Some(ana)), "{}", test.engine);
        // One that comes meanwhile, by the number that was his.
        put(test, other, vec![row("2", BEN, &[])]).await;
        assert_eq!(owners(test, other).await["2"], Some(ana), "{}", test.engine);
        let parted = write(test, move |tx| {
            let record = tx.merge_record(ws, merge)?.expect("a record");
            tx.unmerge_contacts(ws, &view, &record, "system", now)
        });
        assert_eq!(parted.await, Unmerged::Done);
        assert_eq!(owners(test, id).await, expected(Some(ana), Some(ben), Some(ben)), "{}", test.engine);
        assert_eq!(owners(test, other).await["2"], Some(ben), "{}: his again", test.engine);

        let deletion: DeletionId = test.ctx.id();
        write(test, move |tx| tx.delete_contacts(ws, deletion, &[ben], "system", now)).await;
        assert_eq!(owners(test, id).await, BTreeMap::from([("1".to_owned(), Some(ana))]), "{}", test.engine);
        assert_eq!((count(test, id).await, count(test, other).await), (1, 0), "{}", test.engine);
        assert_eq!(write(test, move |tx| tx.restore_contacts(ws, deletion, now)).await, Some(1));
        assert_eq!(owners(test, id).await, expected(Some(ana), Some(ben), Some(ben)), "{}", test.engine);
        assert_eq!((count(test, id).await, count(test, other).await), (3, 2), "{}", test.engine);
        assert!(write(test, move |tx| tx.delete_contact(ws, ben, now)).await);
        assert_eq!(owners(test, id).await.len(), 1, "{}: for good", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_over_rows_mean_the_same_on_both_engines() {
    let now = Timestamp::parse_rfc3339("2026-03-31T12:00:00Z").unwrap();
    let cases: &[(&str, &[&str])] = &[
        (r#"has_row("orders")"#, &["Ana", "Ben"]),
        (r#"!has_row("orders")"#, &["Cem"]),
        (r#"has_row("nothing")"#, &[]),
        (r#"has_row("orders", row.status == "open")"#, &["Ana"]),
        (r#"has_row("orders", row.status.lowerAscii().contains("pa"))"#, &["Ana", "Ben"]),
        (r#"has_row("orders", row.status != "open" && double(row.total) < 10)"#, &["Ben"]),
        (r#"has_row("orders", double(row.total) == 9.5)"#, &["Ben"]),
        (r#"has_row("orders", double(row.total) >= 100)"#, &["Ana"]),
        (r#"has_row("orders", double(row.total) < 0)"#, &["Ben"]),
        (r#"has_row("orders", !has(row.total))"#, &["Ana"]),
        (r#"has_row("orders", day(row.due) < "2026-01-01")"#, &["Ben"]),
        (r#"has_row("orders", within(row.due, 2))"#, &["Ana"]),
        (r#"has_row("orders", ahead(row.due, 1))"#, &["Ben"]),
        (r#"has_row("orders", within(row.due, 1) || ahead(row.due, 2) && row.status == "x")"#, &[]),
        (r#"count_rows("orders") >= 3"#, &["Ana"]),
        (r#"count_rows("orders") == 0"#, &["Cem"]),
        (r#"count_rows("orders", row.status == "paid") < 2"#, &["Ana", "Cem"]),
        (r#"contact.first_name.matches("^[AC]") && !has_row("orders", row.status == "open")"#, &["Cem"]),
        (r#"contact.first_name.matches("^[AC]") && has_row("orders", row.status == "open")"#, &["Ana"]),
        (r#"has_row("orders", row["odd ' name"] == "$x") || clicked()"#, &["Ben"]),
    ];
    for test in engines().await {
        let test = &test;
        let ws = test.workspace_id();
        let id = table(test, "Orders").await;
        for (number, name) in [(ANA, "Ana"), (BEN, "Ben"), ("+15550100003", "Cem")] {
            test.contact(number, name).await;
        }
        put(
            test,
            id,
            vec![
                row("1", ANA, &[("status", "open"), ("total", "100.50"), ("due", "2026-03-29")]),
                row("2", ANA, &[("status", "paid"), ("total", "20")]),
                row("3", ANA, &[("status", "xpAy")]),
                row("4", BEN, &[("status", "paid"), ("total", "9.5"), ("due", "2025-12-31"), ("odd ' name", "$x")]),
                row("5", BEN, &[("status", "paid"), ("total", "-1"), ("due", "2026-04-01")]),
                // What was written before the columns were what they are.
                row("6", "+15550100099", &[("total", "many"), ("due", "soon")]),
            ],
        )
        .await;
        for (text, expected) in cases {
            let condition = Condition::read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!(Condition::read(&condition.to_string()).as_ref(), Ok(&condition), "{text} reads back");
            let found = write(test, move |tx| {
                let marks = std::slice::from_ref(&condition);
                let population = Population { include: &condition, marks, now, programme: None };
                let page = tx.population_page(ws, &population, None, 100)?;
                let mut names: Vec<_> =
                    page.found.iter().map(|found| found.member.fields.first_name.clone().unwrap()).collect();
                names.sort();
                assert!(page.found.iter().all(|found| found.mark == Some(0)));
                Ok((names, tx.population_count(ws, &condition, now)?))
            })
            .await;
            assert_eq!(
                found,
                (expected.iter().map(ToString::to_string).collect(), expected.len() as i64),
                "{}: {text}",
                test.engine
            );
        }
        // The same question over the rows themselves.
        let filter = Condition::read_row(r#"row.status == "paid" && double(row.total) > 0"#).unwrap();
        let rows = write(test, move |tx| {
            let query = RowQuery { after: "2".to_owned(), filter: filter.clone(), contact_id: None, now, limit: 10 };
            Ok(tx.row_page(ws, id, &query)?.rows.into_iter().map(|row| row.key).collect::<Vec<_>>())
        });
        assert_eq!(rows.await, ["4"], "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_and_oldest_row_of_each_contact_come_in_one_query() {
    for test in engines().await {
        let test = &test;
        let ws = test.workspace_id();
        let id = table(test, "Orders").await;
        let (ana, ben) = (test.contact(ANA, "Ana").await, test.contact(BEN, "Ben").await);
        put(test, id, vec![row("1", ANA, &[("total", "9"), ("due", "2026-03-02")])]).await;
        test.clock.advance(time::MINUTE);
        put(test, id, vec![row("0", ANA, &[("total", "10"), ("due", "2026-03-01")]), row("7", BEN, &[])]).await;
        let number = |name: &str, kind| TableColumn {
            name: name.to_owned(),
            label: name.to_owned(),
            kind,
            choices: Vec::new(),
            is_key: false,
        };
        for (which, by, expected) in [
            (Which::Newest, None, vec![(ana, "0"), (ben, "7")]),
            (Which::Oldest, None, vec![(ana, "1"), (ben, "7")]),
            (Which::Newest, Some(number("total", AttributeKind::Number)), vec![(ana, "0")]),
            (Which::Oldest, Some(number("total", AttributeKind::Number)), vec![(ana, "1")]),
            (Which::Newest, Some(number("due", AttributeKind::Date)), vec![(ana, "1")]),
            (Which::Oldest, Some(number("due", AttributeKind::Date)), vec![(ana, "0")]),
        ] {
            let wanted = by.clone();
            let found = write(test, move |tx| tx.row_of_each(ws, id, (which, wanted.as_ref()), &[ana, ben])).await;
            let mut found: Vec<_> = found.into_iter().map(|(contact, row)| (contact, row["number"].clone())).collect();
            found.sort();
            let expected: Vec<_> = expected.into_iter().map(|(contact, key)| (contact, key.to_owned())).collect();
            assert_eq!(found, expected, "{}: {which} {by:?}", test.engine);
        }
    }
}
