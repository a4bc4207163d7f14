//! Tables beside the contacts: written, imported, asked by segments and audiences, looked up by texts.

use std::io::{Seek as _, SeekFrom, Write as _};

use segue_model::{ImportId, TableId, actor::Actor, attribute::AttributeKind, campaign::CampaignAction};
use segue_outreach::{
    OutreachError,
    campaign::{preflight, preview},
    contacts,
    import::{self, ImportOptions, ImportRequest, Runner, undo},
    segments::{self, ConditionInput, SegmentInput},
    tables::{
        self, ColumnInput, LinkInput, TableChange, TableInput,
        rows::{self, RowsWanted},
    },
};
use segue_store::{
    Sql,
    campaign::{Audience, CampaignInput},
    import::{ImportMode, ImportState, ImportView},
    recipient::RecipientQuery,
    table::{DataTable, LinkBy},
    table_row::RowFields,
};

use crate::world::{World, phone, worlds};

static RULES: Sql = Sql::portable(
    "RULES",
    "SELECT rule, COUNT(*) FROM recipients WHERE workspace_id = $1 AND campaign_id = $2 GROUP BY rule ORDER BY rule",
);

fn column(label: &str, kind: AttributeKind, is_key: bool) -> ColumnInput {
    let choices = if kind == AttributeKind::Choice { vec!["Open".to_owned(), "Paid".to_owned()] } else { Vec::new() };
    ColumnInput { name: None, label: label.to_owned(), kind, choices, is_key }
}

fn orders() -> TableInput {
    TableInput {
        label: "Orders".to_owned(),
        columns: vec![
            column("Number", AttributeKind::Text, true),
            column("Phone", AttributeKind::Text, false),
            column("Total", AttributeKind::Number, false),
            column("Status", AttributeKind::Choice, false),
        ],
        link: Some(LinkInput { column: "Phone".to_owned(), by: LinkBy::Phone }),
    }
}

fn row(pairs: &[(&str, &str)]) -> RowFields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn order(number: &str, phone: &str, total: &str, status: &str) -> RowFields {
    row(&[("number", number), ("phone", phone), ("total", total), ("status", status)])
}

impl World {
    async fn table(&self, input: TableInput) -> DataTable {
        tables::create(&self.test.store, &self.test.ctx, self.ws(), input).await.unwrap()
    }

    async fn put(&self, id: TableId, given: Vec<RowFields>) -> rows::RowsWritten {
        rows::write(&self.test.store, &self.test.ctx, self.ws(), id, given).await.unwrap()
    }

    async fn keys(&self, id: TableId, condition: &str) -> Vec<String> {
        let wanted = RowsWanted { condition: Some(condition.to_owned()), limit: 100, ..RowsWanted::default() };
        let (rows, next) = rows::list(&self.test.store, &self.test.ctx, self.ws(), id, wanted).await.unwrap();
        assert_eq!(next, None);
        rows.into_iter().map(|row| row.key).collect()
    }

    async fn sms_of(&self, number: u32) -> Vec<String> {
        let all = self.messages().await.into_iter().filter(|message| message.address == phone(number));
        all.map(|message| message.text).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_checked_one_by_one_and_written_again_without_harm() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let table = world.table(orders()).await;
        assert_eq!(tables::create(store, ctx, ws, orders()).await.unwrap_err().code(), "table_taken");
        let given = vec![
            order("1", "(212) 555-0000", "10.50", "open"),
            order("2", &phone(1), "many", "open"),
            order("1", &phone(1), "7", "paid"),
            row(&[("phone", &phone(1))]),
            row(&[("number", "3"), ("colour", "red")]),
            order("4", "nobody", "1", "open"),
            order("5", "", "-1,5", "lost"),
            order("6", "", "-1,5", "PAID"),
        ];
        let written = world.put(table.id, given.clone()).await;
        assert_eq!((written.created, written.updated, written.unchanged), (2, 0, 0), "{}", world.test.engine);
        let refused: Vec<usize> = written.problems.iter().map(|problem| problem.index).collect();
        assert_eq!(refused, [1, 2, 3, 4, 5, 6], "{:?}", written.problems);
        let again = world.put(table.id, given).await;
        assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 2), "sending it again does no harm");

        // What is not named stays; an empty text takes a value away.
        world.put(table.id, vec![row(&[("number", "1"), ("total", "")])]).await;
        let wanted = RowsWanted { limit: 10, ..RowsWanted::default() };
        let (all, _) = rows::list(store, ctx, ws, table.id, wanted).await.unwrap();
        assert_eq!(all[0].fields, row(&[("number", "1"), ("phone", "+12125550000"), ("status", "Open")]));
        assert_eq!(all[1].fields, row(&[("number", "6"), ("total", "-1.5"), ("status", "Paid")]));
        assert_eq!(world.keys(table.id, "row.status == \"Paid\" && double(row.total) < 0").await, ["6"]);
        let unknown =
            RowsWanted { condition: Some("row.colour == \"red\"".to_owned()), limit: 1, ..RowsWanted::default() };
        assert_eq!(rows::list(store, ctx, ws, table.id, unknown).await.unwrap_err().code(), "invalid_condition");

        let keys = vec![vec!["6".to_owned()], vec!["99".to_owned()], vec!["1".to_owned(), "2".to_owned()]];
        let deleted = rows::delete(store, ctx, ws, table.id, keys).await.unwrap();
        assert_eq!((deleted.deleted, deleted.problems.len()), (1, 2));
        let (csv, next) = rows::export(store, ws, table.id, None).await.unwrap();
        assert_eq!((csv.as_str(), next), ("Number,Phone,Total,Status\n1,'+12125550000,,Open\n", None));
        let many = (0..rows::AT_ONCE + 1).map(|number| order(&format!("m{}", number % rows::AT_ONCE), "", "1", ""));
        let many = world.put(table.id, many.collect()).await;
        assert_eq!((many.created, many.problems.len()), (rows::AT_ONCE, 1), "a key comes once in a request");
        assert_eq!(many.problems[0].index, rows::AT_ONCE);
        let too_many = rows::write(store, ctx, ws, table.id, vec![RowFields::new(); rows::MOST_AT_ONCE + 1]).await;
        assert_eq!(too_many.unwrap_err().code(), "invalid_field");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_changes_without_breaking_its_rows_and_stays_while_it_is_used() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        world.subscriber(&phone(0), "Ana").await;
        let table = world.table(orders()).await;
        world.put(table.id, vec![order("1", &phone(0), "10", "open")]).await;
        let kept = |label: &str| {
            let column = table.columns.iter().find(|column| column.label == label).unwrap().clone();
            ColumnInput {
                name: Some(column.name),
                label: column.label,
                kind: column.kind,
                choices: column.choices,
                is_key: column.is_key,
            }
        };
        let change = |columns: Vec<ColumnInput>, link: Option<&str>| {
            let link = link.map(|column| LinkInput { column: column.to_owned(), by: LinkBy::Phone });
            let change = TableChange { label: "Orders".to_owned(), columns, link, version: 1 };
            tables::change(store, ctx, ws, table.id, change)
        };
        let as_date = ColumnInput { kind: AttributeKind::Date, ..kept("Total") };
        let refused = change(vec![kept("Number"), kept("Phone"), as_date], Some("phone")).await;
        assert_eq!(refused.unwrap_err().code(), "invalid_field", "no value becomes a day");
        let other_key = ColumnInput { is_key: true, ..kept("Phone") };
        assert!(change(vec![kept("Number"), other_key], None).await.is_err(), "the key stays");

        let segment = SegmentInput {
            name: "Big".to_owned(),
            condition: ConditionInput {
                condition: Some("has_row(\"orders\", double(row.total) >= 10)".to_owned()),
                form: None,
            },
        };
        let segment = segments::create(store, ctx, ws, &Actor::System, segment).await.unwrap();
        let without_total = || vec![kept("Number"), kept("Phone"), kept("Status")];
        assert_eq!(change(without_total(), Some("phone")).await.unwrap_err().code(), "table_used");
        assert_eq!(tables::delete(store, ws, table.id).await.unwrap_err().code(), "table_used");
        // Without the link the segment would mean something else.
        let all = vec![kept("Number"), kept("Phone"), kept("Total"), kept("Status")];
        assert_eq!(change(all, None).await.unwrap_err().code(), "table_used");
        segments::delete(store, ws, segment.id).await.unwrap();
        let changed = change(without_total(), None).await.unwrap();
        assert_eq!((changed.columns.len(), changed.version), (3, 2));
        let stale = change(without_total(), None).await;
        assert_eq!(stale.unwrap_err().code(), "changed_meanwhile");
        let (csv, _) = rows::export(store, ws, table.id, None).await.unwrap();
        assert_eq!(csv, format!("Number,Phone,Status\n1,'{},Open\n", phone(0)));
        let wanted = RowsWanted { limit: 10, ..RowsWanted::default() };
        let (all, _) = rows::list(store, ctx, ws, table.id, wanted.clone()).await.unwrap();
        assert_eq!(all[0].contact_id, None, "without a link nobody's");

        let relinked = TableChange {
            label: "Orders".to_owned(),
            columns: without_total(),
            link: Some(LinkInput { column: "phone".to_owned(), by: LinkBy::Phone }),
            version: 2,
        };
        tables::change(store, ctx, ws, table.id, relinked).await.unwrap();
        let (all, _) = rows::list(store, ctx, ws, table.id, wanted).await.unwrap();
        assert_eq!(all[0].contact_name.as_deref(), Some("Ana"), "{}: linked anew", world.test.engine);

        let draft =
            world.draft(CampaignInput { body: "{{ newest(\"orders\", \"status\") }}".to_owned(), ..world.input() });
        let draft = draft.await.unwrap();
        let Err(OutreachError::TableUsed(users)) = tables::delete(store, ws, table.id).await else { panic!("deleted") };
        assert_eq!(users, ["the campaign 'Spring'"]);
        let without_status = TableChange {
            label: "Orders".to_owned(),
            columns: vec![kept("Number"), kept("Phone")],
            link: Some(LinkInput { column: "phone".to_owned(), by: LinkBy::Phone }),
            version: 3,
        };
        let Err(OutreachError::TableUsed(users)) = tables::change(store, ctx, ws, table.id, without_status).await
        else {
            panic!("a text lost its words")
        };
        assert_eq!(users, ["the campaign 'Spring'"]);
        segue_outreach::campaign::delete(store, ws, draft.id).await.unwrap();
        tables::delete(store, ws, table.id).await.unwrap();
        assert_eq!(tables::list(store, ws).await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_an_audience_and_an_exclusion_each_person_once() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        for (number, name) in ["Ana", "Ben", "Cem"].iter().enumerate() {
            world.subscriber(&phone(number as u32), name).await;
        }
        let table = world.table(orders()).await;
        let late = world.table(TableInput { label: "Complaints".to_owned(), ..orders() }).await;
        world
            .put(
                table.id,
                vec![order("1", &phone(0), "1", ""), order("2", &phone(0), "2", ""), order("3", &phone(1), "", "")],
            )
            .await;
        world.put(late.id, vec![order("1", &phone(1), "", "")]).await;
        let audience = Audience { tables: vec![table.id], exclude_tables: vec![late.id], ..Audience::default() };
        let campaign = world.sent(CampaignInput { audience, ..world.input() }).await;
        let id = campaign.id;
        let rules =
            world.write(move |tx| tx.query(&RULES, &[&ws, &id], |row| Ok((row.next::<String>()?, row.next::<i64>()?))));
        let expected = [("allowed".to_owned(), 1), ("in_excluded_table".to_owned(), 1)];
        assert_eq!(rules.await, expected, "{}", world.test.engine);
        assert_eq!(world.messages().await.len(), 1, "Ana has two orders and gets one text");
        let query = RecipientQuery { limit: 10, ..RecipientQuery::default() };
        let found = segue_outreach::campaign::recipients(store, ctx, ws, id, query).await.unwrap();
        assert!(found.iter().any(|recipient| recipient.rule.as_deref() == Some("in_excluded_table")), "{found:?}");

        let unlinked = world.table(TableInput { label: "Prices".to_owned(), link: None, ..orders() }).await;
        let audience = Audience { tables: vec![unlinked.id], ..Audience::default() };
        let refused = world.draft(CampaignInput { audience, ..world.input() }).await.unwrap_err();
        assert!(refused.to_string().contains("not linked"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_look_up_rows_by_key_and_of_the_contact_and_the_rest_is_told_before_the_start() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let ana = world.subscriber(&phone(0), "Ana").await;
        for (number, name) in [(1, "Ben"), (2, "Cem")] {
            world.subscriber(&phone(number), name).await;
        }
        let table = world.table(orders()).await;
        let prices = world
            .table(TableInput {
                label: "Delivery".to_owned(),
                columns: vec![column("State", AttributeKind::Choice, true), column("Word", AttributeKind::Text, false)],
                link: None,
            })
            .await;
        world.put(prices.id, vec![row(&[("state", "open"), ("word", "on its way {{ 7 }}")])]).await;
        world
            .put(
                table.id,
                vec![
                    order("1", &phone(0), "10.50", "open"),
                    order("2", &phone(0), "7", "paid"),
                    order("3", &phone(1), "8", "paid"),
                ],
            )
            .await;
        let body = "{{ first_name }}: {{ newest(\"orders\", \"total\", by=\"total\") }} \
            {{ lookup(\"delivery\", \"word\", newest(\"orders\", \"status\", by=\"total\")) | default(\"there\") }}";
        let input = CampaignInput { body: body.to_owned(), footer: Default::default(), ..world.input() };
        let draft = world.draft(input).await.unwrap();
        let preflight = preflight::preflight(store, ctx, &world.links, ws, draft.id).await.unwrap();
        let lacking: Vec<_> =
            preflight.warnings.iter().filter(|warning| warning.kind == preflight::WarningKind::LookUpEmpty).collect();
        assert_eq!(lacking.len(), 1, "{:?}", preflight.warnings);
        assert!(lacking[0].message.starts_with("For 1 of them"), "Cem has no order: {}", lacking[0].message);
        let text = preview::TextInput {
            body: body.to_owned(),
            footer: segue_model::campaign::Footer::None,
            prefilled_text: String::new(),
            whatsapp_channel_id: None,
            sender_id: None,
            pool_id: None,
            shorten: None,
            texts: Vec::new(),
            contact_id: Some(ana),
            person: None,
        };
        let total = "newest(\"orders\", \"total\", by=\"total\")";
        let numbers = preview::TextInput {
            body: format!("{{% if {total} > 100 %}}A{{% elif {total} > 9 %}}B{{% endif %}}{{{{ {total} }}}}"),
            ..text.clone()
        };
        let shown = preview::preview_text(store, &world.links, ws, numbers).await.unwrap();
        assert!(shown.text.starts_with("B10.50"), "numbers are compared as such and printed as kept: {}", shown.text);
        let shown = preview::preview_text(store, &world.links, ws, text).await.unwrap();
        assert!(shown.text.starts_with("Ana: 10.50 on its way {{ 7 }}"), "{}", shown.text);
        assert_eq!(shown.unknown_fields, Vec::<String>::new());
        assert_eq!(shown.fields, ["first_name"], "functions are no fields");

        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        assert!(world.sms_of(0).await[0].starts_with("Ana: 10.50 on its way {{ 7 }}"), "{:?}", world.sms_of(0).await);
        assert!(world.sms_of(1).await[0].starts_with("Ben: 8 there"), "{:?}", world.sms_of(1).await);
        assert!(world.sms_of(2).await[0].starts_with("Cem:  there"), "{:?}", world.sms_of(2).await);
        // What was planned stays, whatever becomes of the rows.
        world.put(table.id, vec![order("1", &phone(0), "99", "open")]).await;
        assert!(world.sms_of(0).await[0].starts_with("Ana: 10.50"));

        for (wrong, why) in [
            ("{{ newest(\"ordres\", \"total\") }}", "no table"),
            ("{{ newest(\"orders\", \"totals\") }}", "no column"),
            ("{{ newest(\"orders\", \"total\", by=\"day\") }}", "no column"),
            ("{{ newest(\"delivery\", \"word\") }}", "not linked"),
            ("{{ lookup(\"delivery\", \"word\") }}", "looked up by state"),
            ("{{ newest(first_name, \"total\") }}", "in quotes"),
            ("{% set f = newest %}{{ f(first_name, \"total\") }}", ""),
        ] {
            let refused = world.draft(CampaignInput { body: wrong.to_owned(), ..world.input() }).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{wrong}: {refused}");
        }
        let endless = "{{ newest(\"orders\", \"total\") }}".repeat(21);
        let refused = world.draft(CampaignInput { body: endless, ..world.input() }).await.unwrap_err();
        assert!(refused.to_string().contains("at most 20"), "{refused}");
    }
}

async fn import(world: &World, table: TableId, content: &str, mode: ImportMode) -> ImportView {
    let mapping = [("No", "number"), ("Sum", "total"), ("Tel", "phone")];
    import_as(world, table, content, (&mapping, ""), mode).await
}

async fn import_as(
    world: &World,
    table: TableId,
    content: &str,
    (mapping, country): (&[(&str, &str)], &str),
    mode: ImportMode,
) -> ImportView {
    let (store, ctx) = (&world.test.store, &world.test.ctx);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let file_id = import::take_in(store, ctx, world.ws(), "orders.csv", file).await.unwrap().id;
    let options = ImportOptions {
        default_country: country.to_owned(),
        mapping: mapping.iter().map(|(column, name)| ((*column).to_owned(), (*name).to_owned())).collect(),
        table_id: Some(table),
        ..ImportOptions::default()
    };
    let request = ImportRequest { file_id, mode, options };
    let begun = import::begin(store, ctx, world.ws(), &Actor::System, request, Runner::Caller).await.unwrap();
    import::run(store, ctx, world.ws(), begun.id, |_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_tried_out_imported_and_undone() {
    let file = "No,Sum,Tel\n1,20,2125550000\n2,30,\n2,31,\n3,many,\n,5,\n4,40,\n";
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        world.subscriber(&phone(0), "Ana").await;
        let table = world.table(orders()).await;
        world.put(table.id, vec![order("1", "", "10", "open")]).await;
        let counts = |import: &ImportView| (import.state, import.created, import.updated, import.rejected);
        let tried = import(&world, table.id, file, ImportMode::DryRun).await;
        assert_eq!(counts(&tried), (ImportState::Done, 2, 1, 3), "{:?}", tried.rejections);
        assert_eq!(world.keys(table.id, "true").await, ["1"], "{}: a dry run changes nothing", world.test.engine);
        let done = import(&world, table.id, file, ImportMode::Import).await;
        assert_eq!(counts(&done), (ImportState::Done, 2, 1, 3), "{:?}", done.detail);
        assert_eq!(done.table_id, Some(table.id));
        assert_eq!(
            done.rejections.keys().map(String::as_str).collect::<Vec<_>>(),
            ["duplicate_in_file", "invalid_value"]
        );
        assert_eq!(world.keys(table.id, "true").await, ["1", "2", "4"]);
        let wanted = RowsWanted { limit: 10, ..RowsWanted::default() };
        let (all, _) = rows::list(store, ctx, ws, table.id, wanted.clone()).await.unwrap();
        assert_eq!(all[0].fields["status"], "Open", "what the file has no column for stays");
        assert_eq!(all[0].contact_name.as_deref(), Some("Ana"));

        world.put(table.id, vec![row(&[("number", "4"), ("total", "41")])]).await;
        let look = undo::look(store, ctx, ws, done.id).await.unwrap();
        assert_eq!((look.removed, look.restored, look.kept), (1, 1, 1));
        undo::begin(store, ctx, ws, done.id).await.unwrap();
        let undone = undo::run(store, ctx, ws, done.id).await.unwrap();
        assert_eq!((undone.state, undone.undo), (ImportState::Undone, Some(look)), "{}", world.test.engine);
        let (all, _) = rows::list(store, ctx, ws, table.id, wanted).await.unwrap();
        let left: Vec<_> = all.iter().map(|row| (row.key.as_str(), row.fields["total"].as_str())).collect();
        assert_eq!(left, [("1", "10"), ("4", "41")], "{}", world.test.engine);
        assert_eq!(all[0].contact_id, None);
    }
}

/// Imports these lines of number and sum.
async fn sums(world: &World, table: TableId, lines: &[(&str, &str)]) -> ImportId {
    world.test.clock.advance(1);
    let lines = lines.iter().map(|(number, sum)| format!("{number},{sum}\n")).collect::<String>();
    let mapping = [("No", "number"), ("Sum", "total")];
    import_as(world, table, &format!("No,Sum\n{lines}"), (&mapping, ""), ImportMode::Import).await.id
}

/// Undoes an import and gives how many rows it removed, kept, gave back and left as changed since.
async fn undone(world: &World, id: ImportId) -> (i64, i64, i64, i64) {
    let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
    let look = undo::look(store, ctx, ws, id).await.unwrap();
    undo::begin(store, ctx, ws, id).await.unwrap();
    assert_eq!(undo::run(store, ctx, ws, id).await.unwrap().undo, Some(look), "{}", world.test.engine);
    (look.removed, look.kept, look.restored, look.changed_since)
}

/// Number, sum and state of each row.
async fn held(world: &World, table: TableId) -> Vec<String> {
    let wanted = RowsWanted { limit: 99, ..RowsWanted::default() };
    let (rows, _) = rows::list(&world.test.store, &world.test.ctx, world.ws(), table, wanted).await.unwrap();
    let value = |fields: &RowFields, name: &str| fields.get(name).cloned().unwrap_or_default();
    rows.iter()
        .map(|row| format!("{} {} {}", row.key, value(&row.fields, "total"), value(&row.fields, "status")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_an_import_of_rows_leaves_what_later_imports_and_people_said() {
    for world in worlds().await {
        let engine = world.test.engine;
        let table = world.table(orders()).await.id;
        world.put(table, vec![order("1", "", "10", "open")]).await;
        let first = sums(&world, table, &[("1", "20"), ("2", "30"), ("3", "40"), ("4", "50"), ("5", "60")]).await;
        world.put(table, vec![row(&[("number", "1"), ("status", "paid")])]).await;
        world.put(table, vec![row(&[("number", "4"), ("total", "51")])]).await;
        let second = sums(&world, table, &[("2", "30"), ("3", "41"), ("6", "70")]).await;

        assert_eq!(undone(&world, first).await, (1, 3, 1, 0), "{engine}");
        let left = ["1 10 Paid", "2 30 ", "3 41 ", "4 51 ", "6 70 "];
        assert_eq!(held(&world, table).await, left, "{engine}: the sum is back and the state is the person's");
        assert_eq!(undone(&world, second).await, (3, 0, 0, 0), "{engine}: what both brought is the second one's now");
        assert_eq!(held(&world, table).await, ["1 10 Paid", "4 51 "], "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_that_changed_a_row_one_after_the_other_are_undone_in_any_order() {
    for world in worlds().await {
        let engine = world.test.engine;
        let table = world.table(orders()).await.id;
        world.put(table, vec![order("1", "", "10", "open")]).await;
        let first = sums(&world, table, &[("1", "20")]).await;
        let second = sums(&world, table, &[("1", "30")]).await;
        assert_eq!(undone(&world, first).await, (0, 0, 0, 1), "{engine}");
        assert_eq!(held(&world, table).await, ["1 30 Open"], "{engine}");
        assert_eq!(undone(&world, second).await, (0, 0, 1, 0), "{engine}");
        assert_eq!(held(&world, table).await, ["1 10 Open"], "{engine}: nothing of the first one comes back");

        let first = sums(&world, table, &[("1", "20")]).await;
        let second = sums(&world, table, &[("1", "30")]).await;
        assert_eq!(undone(&world, second).await, (0, 0, 1, 0), "{engine}");
        assert_eq!(undone(&world, first).await, (0, 0, 1, 0), "{engine}");
        assert_eq!(held(&world, table).await, ["1 10 Open"], "{engine}");

        // Deleted by a person, and brought anew by the same file.
        let first = sums(&world, table, &[("1", "20")]).await;
        let keys = vec![vec!["1".to_owned()]];
        rows::delete(&world.test.store, &world.test.ctx, world.ws(), table, keys).await.unwrap();
        let second = sums(&world, table, &[("1", "20")]).await;
        assert_eq!(undone(&world, first).await, (0, 0, 0, 1), "{engine}: it is another row");
        assert_eq!(held(&world, table).await, ["1 20 "], "{engine}");
        assert_eq!(undone(&world, second).await, (1, 0, 0, 0), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_rows_can_be_undone_when_the_table_has_lost_a_column() {
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), world.test.engine);
        let table = world.table(orders()).await;
        world.put(table.id, vec![order("1", "", "10", "open")]).await;
        let mapping = [("No", "number"), ("Sum", "total"), ("State", "status")];
        let file = "No,Sum,State\n1,20,paid\n2,30,paid\n";
        let done = import_as(&world, table.id, file, (&mapping, ""), ImportMode::Import).await;
        let now = tables::get(store, ws, table.id).await.unwrap();
        let columns = orders().columns.into_iter().zip(&now.columns);
        let columns = columns.map(|(column, now)| ColumnInput { name: Some(now.name.clone()), ..column });
        let columns = columns.filter(|column| column.label != "Status").collect();
        let change = TableChange { label: "Orders".to_owned(), columns, link: orders().link, version: now.version };
        tables::change(store, ctx, ws, table.id, change).await.unwrap();
        assert_eq!(undone(&world, done.id).await, (1, 0, 1, 0), "{engine}");
        assert_eq!(held(&world, table.id).await, ["1 10 "], "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_ask_for_rows_in_text_and_form() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let ana = world.subscriber(&phone(0), "Ana").await;
        let table = world.table(orders()).await;
        world.put(table.id, vec![order("1", &phone(0), "10", "open")]).await;
        let check = |text: &str| {
            let input = ConditionInput { condition: Some(text.to_owned()), form: None };
            segments::check(store, ctx, ws, input)
        };
        let found = check("has_row(\"orders\", row.status == \"Open\" && double(row.total) >= 10)").await.unwrap();
        assert_eq!(found.count, Some(1), "{:?}", found.problem);
        let again = ConditionInput { condition: None, form: found.form };
        assert_eq!(segments::check(store, ctx, ws, again).await.unwrap().condition, found.condition);
        for (wrong, why) in [
            ("has_row(\"ordres\")", "no table"),
            ("has_row(\"orders\", row.colour == \"red\")", "no column"),
            ("has_row(\"orders\", double(row.status) > 1)", "no number"),
            ("has_row(\"orders\", within(row.total, 3))", "no day"),
        ] {
            let problem = check(wrong).await.unwrap().problem.expect(wrong);
            assert!(problem.message.contains(why), "{wrong}: {}", problem.message);
        }
        // A contact that is deleted takes its rows along.
        contacts::delete(store, ctx, ws, ana).await.unwrap();
        assert_eq!(world.keys(table.id, "true").await, Vec::<String>::new(), "{}", world.test.engine);
    }
}

/// The same digits are a number in London and one in Maine.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_in_a_key_keeps_the_country_that_its_import_was_told() {
    let mapping = [("Tel", "phone"), ("State", "status")];
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        world.subscriber("+442079460018", "Liz").await;
        world.subscriber("+12079460018", "Moe").await;
        world.subscriber("+442079460019", "Kit").await;
        let keyed = |column: ColumnInput| ColumnInput { is_key: column.label == "Phone", ..column };
        let columns: Vec<_> = orders().columns.into_iter().map(keyed).collect();
        let table = world.table(TableInput { columns: columns.clone(), ..orders() }).await;
        let whose = async || {
            let wanted = RowsWanted { limit: 10, ..RowsWanted::default() };
            let (rows, _) = rows::list(store, ctx, ws, table.id, wanted).await.unwrap();
            rows.into_iter().map(|row| row.contact_name.unwrap_or_default()).collect::<Vec<_>>()
        };
        let to = (mapping.as_slice(), "GB");
        world.put(table.id, vec![row(&[("phone", "2079460018"), ("status", "open")])]).await;
        assert_eq!(whose().await, ["Moe"], "{}: by hand it is the workspace's country", world.test.engine);
        let file = "Tel,State\n2079460018,open\n2079460019,open\n";
        let done = import_as(&world, table.id, file, to, ImportMode::Import).await;
        assert_eq!((done.created, done.updated), (1, 1), "{}: it is another number now", world.test.engine);
        assert_eq!(whose().await, ["Liz", "Kit"], "{}", world.test.engine);

        world.put(table.id, vec![row(&[("phone", "2079460019"), ("status", "paid")])]).await;
        assert_eq!(whose().await, ["Liz", "Kit"], "{}: its country stays", world.test.engine);
        world.put(table.id, vec![row(&[("phone", "2079460019"), ("status", "open")])]).await;

        let change = async |link: Option<&str>| {
            let link = link.map(|column| LinkInput { column: column.to_owned(), by: LinkBy::Phone });
            let now = tables::get(store, ws, table.id).await.unwrap();
            let named = |(column, now): (&ColumnInput, &segue_store::table::TableColumn)| ColumnInput {
                name: Some(now.name.clone()),
                ..column.clone()
            };
            let columns = columns.iter().zip(&now.columns).map(named).collect();
            let change = TableChange { label: "Orders".to_owned(), columns, link, version: now.version };
            tables::change(store, ctx, ws, table.id, change).await.unwrap();
        };
        change(None).await;
        assert_eq!(whose().await, ["", ""]);
        change(Some("phone")).await;
        assert_eq!(whose().await, ["Liz", "Kit"], "{}: linked anew as the import was told", world.test.engine);

        let again = import_as(&world, table.id, file, (mapping.as_slice(), ""), ImportMode::Import).await;
        assert_eq!(again.unchanged, 2, "{}: it was told nothing else", world.test.engine);
        assert_eq!(whose().await, ["Liz", "Kit"], "{}", world.test.engine);

        undo::begin(store, ctx, ws, done.id).await.unwrap();
        let undone = undo::run(store, ctx, ws, done.id).await.unwrap();
        assert_eq!(undone.state, ImportState::Undone);
        let left = whose().await;
        assert!(left.first().is_some_and(|name| name == "Moe"), "{}: as before: {left:?}", world.test.engine);
    }
}

/// The table gets its link only after the import.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_tells_the_country_of_rows_that_stay_the_same() {
    let mapping = [("No", "number"), ("Tel", "phone"), ("State", "status")];
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        world.subscriber("+442079460018", "Liz").await;
        world.subscriber("+12079460018", "Moe").await;
        let table = world.table(TableInput { link: None, ..orders() }).await;
        let change = async |link: Option<&str>| {
            let link = link.map(|column| LinkInput { column: column.to_owned(), by: LinkBy::Phone });
            let now = tables::get(store, ws, table.id).await.unwrap();
            let named = |(column, now): (ColumnInput, &segue_store::table::TableColumn)| ColumnInput {
                name: Some(now.name.clone()),
                ..column
            };
            let columns = orders().columns.into_iter().zip(&now.columns).map(named).collect();
            let change = TableChange { label: "Orders".to_owned(), columns, link, version: now.version };
            tables::change(store, ctx, ws, table.id, change).await.unwrap();
        };
        let whose = async || {
            let wanted = RowsWanted { limit: 10, ..RowsWanted::default() };
            let (rows, _) = rows::list(store, ctx, ws, table.id, wanted).await.unwrap();
            rows.into_iter().map(|row| row.contact_name.unwrap_or_default()).collect::<Vec<_>>()
        };
        world.put(table.id, vec![row(&[("number", "1"), ("phone", "2079460018"), ("status", "open")])]).await;
        let file = "No,Tel,State\n1,2079460018,open\n";
        let done = import_as(&world, table.id, file, (&mapping, "GB"), ImportMode::Import).await;
        assert_eq!((done.created, done.updated, done.unchanged), (0, 1, 0), "{}", world.test.engine);
        change(Some("phone")).await;
        assert_eq!(whose().await, ["Liz"], "{}: as the import was told", world.test.engine);

        change(None).await;
        undo::begin(store, ctx, ws, done.id).await.unwrap();
        undo::run(store, ctx, ws, done.id).await.unwrap();
        change(Some("phone")).await;
        assert_eq!(whose().await, ["Moe"], "{}: as before the import", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_stays_that_a_campaign_was_started_with_whatever_its_segments_say_now() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        world.subscriber(&phone(0), "Ana").await;
        world.subscriber(&phone(1), "Ben").await;
        let table = world.table(orders()).await;
        world.table(TableInput { label: "Orders old".to_owned(), ..orders() }).await;
        world.put(table.id, vec![order("1", &phone(0), "10", "open")]).await;
        let condition = |text: &str| ConditionInput { condition: Some(text.to_owned()), form: None };
        let input = SegmentInput { name: "Buyers".to_owned(), condition: condition("has_row(\"orders\")") };
        let buyers = segments::create(store, ctx, ws, &Actor::System, input).await.unwrap();
        let audience = Audience { exclude_segments: vec![buyers.id], ..Audience::default() };
        let draft = world.draft(CampaignInput { audience, ..world.input() }).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        let rome = condition("contact.city == \"Rome\"");
        let patch = segments::SegmentPatch { condition: rome, ..segments::SegmentPatch::default() };
        segments::change(store, ctx, ws, buyers.id, patch).await.unwrap();
        let Err(OutreachError::TableUsed(users)) = tables::delete(store, ws, table.id).await else {
            panic!("{}: who is excluded would be texted", world.test.engine)
        };
        assert_eq!(users, ["the campaign 'Spring'"]);
        let other = tables::list(store, ws).await.unwrap().into_iter().find(|other| other.id != table.id).unwrap();
        tables::delete(store, ws, other.id).await.unwrap();
        world.plan(draft.id).await;
        assert_eq!(world.sms_of(0).await.len() + 2 * world.sms_of(1).await.len(), 2, "{}", world.test.engine);
        world.act(draft.id, CampaignAction::Cancel).await.unwrap();
        tables::delete(store, ws, table.id).await.unwrap();
    }
}
