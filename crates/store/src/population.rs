//! Contacts that meet a condition: counted, and walked in the order of their ids.
//!
//! A [`Condition`] becomes one SQL expression over `contacts c`, put together by `built`. What SQL has no portable word
//! for (`matches`, `double`) is asked row by row: the parts of the condition that SQL can answer narrow the rows, and
//! each remaining question that is not about the contact's own fields is a column of the row, so that
//! [`Condition::holds`] finds every answer at hand. A test draws conditions at random and compares both ways on both
//! engines.
//!
//! A page looks at no more than [`SCAN`] contacts, so that a condition that nobody meets does not keep the database for
//! as long as it takes to look at everybody.

use segue_expr::{Case, Compare, Condition, Event, FieldName, Order, Side, Subject, TableName, Test};
use segue_model::{ContactId, ProgrammeId, Timestamp, WorkspaceId, id::Id as _, time};
use uuid::Uuid;

use crate::{
    Row, StoreError, Tx,
    audience::{AudienceMember, MEMBER, read_member},
    built::{Built, Dialect},
};

/// Contacts that one page looks at.
pub const SCAN: i64 = 20_000;

/// Whom to look for, and what to note about each.
#[derive(Debug, Clone, Copy)]
pub struct Population<'a> {
    /// Who belongs to it.
    pub include: &'a Condition,
    /// Conditions to note for each; the first that holds is reported.
    pub marks: &'a [Condition],
    /// What the last days are counted from.
    pub now: Timestamp,
    /// In whose name they are texted: who said yes or no to it at the own number is texted at no other one.
    pub programme: Option<ProgrammeId>,
}

/// A contact that was found.
#[derive(Debug, Clone)]
pub struct Found {
    pub member: AudienceMember,
    /// Position of the first of the marks that holds.
    pub mark: Option<usize>,
}

/// Contacts in the order of their ids.
#[derive(Debug, Clone)]
pub struct PopulationPage {
    pub found: Vec<Found>,
    /// Where to go on; nothing at the end.
    pub next: Option<ContactId>,
}

/// Parts of a condition that stand side by side without brackets.
const MOST_IN_A_ROW: usize = 50;

crate::sql! {
    CONTACT_AFTER_MANY = "SELECT id FROM contacts WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3";
}

/// Where and when conditions are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here {
    pub workspace_id: WorkspaceId,
    /// What the last days are counted from.
    pub now: Timestamp,
}

/// A condition taken apart into what SQL answers and what is asked row by row.
struct Parts {
    in_sql: Vec<Condition>,
    of_rows: Condition,
}

fn parts(condition: &Condition) -> Parts {
    let all = match condition {
        Condition::All(parts) => parts.clone(),
        single => vec![single.clone()],
    };
    let (of_rows, in_sql): (Vec<_>, Vec<_>) = all.into_iter().partition(Condition::is_of_rows);
    Parts { in_sql, of_rows: Condition::all(of_rows) }
}

/// Columns that answer questions which are not about a contact's own fields.
#[derive(Default)]
struct Answers {
    questions: Vec<Test>,
}

impl Answers {
    fn needs(&mut self, condition: &Condition) {
        let unknown = condition.tests().into_iter().filter(|test| test.of_fields(&Default::default()).is_none());
        for test in unknown {
            if !self.questions.contains(test) {
                self.questions.push(test.clone());
            }
        }
    }

    fn read(&self, row: &mut Row<'_>) -> Result<Vec<bool>, StoreError> {
        self.questions.iter().map(|_| row.next()).collect()
    }

    fn tell(&self, answers: &[bool], test: &Test) -> bool {
        self.questions.iter().zip(answers).any(|(question, answer)| question == test && *answer)
    }
}

impl Tx<'_> {
    /// The next contacts of a population after `after`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn population_page(
        &mut self,
        workspace_id: WorkspaceId,
        population: &Population<'_>,
        after: Option<ContactId>,
        limit: i64,
    ) -> Result<PopulationPage, StoreError> {
        let after = after.unwrap_or_else(|| ContactId::from_uuid(Uuid::nil()));
        // A list is walked by itself: it may be small among many contacts.
        let list = match population.include {
            Condition::Test(Test::OnList(list)) => Some(*list),
            _ => None,
        };
        let bound: Option<ContactId> = match list {
            Some(_) => None,
            None => self.query_opt(&CONTACT_AFTER_MANY, &[&workspace_id, &after, &(SCAN - 1)], |row| row.next())?,
        };
        let parts = parts(population.include);
        let mut answers = Answers::default();
        answers.needs(&parts.of_rows);
        population.marks.iter().filter(|mark| mark.is_of_rows()).for_each(|mark| answers.needs(mark));

        let here = Here { workspace_id, now: population.now };
        let mut query = Built::new(self.dialect());
        query.push("SELECT ").push(MEMBER);
        for question in &answers.questions {
            column(&mut query, &Condition::Test(question.clone()), here);
        }
        for mark in population.marks.iter().filter(|mark| !mark.is_of_rows()) {
            column(&mut query, mark, here);
        }
        if let Some(list) = list {
            query.push(
                " FROM list_members m JOIN contacts_with_consent c ON c.workspace_id = m.workspace_id AND c.id = m.contact_id",
            );
            query.push(" WHERE m.workspace_id = ").id_value(workspace_id.uuid());
            query.push(" AND m.list_id = ").id_value(list.uuid());
            query.push(" AND m.contact_id > ").id_value(after.uuid()).push(" ORDER BY m.contact_id LIMIT ");
        } else {
            query.push(" FROM contacts_with_consent c WHERE c.workspace_id = ").id_value(workspace_id.uuid());
            query.push(" AND c.id > ").id_value(after.uuid());
            if let Some(bound) = bound {
                query.push(" AND c.id <= ").id_value(bound.uuid());
            }
            for part in &parts.in_sql {
                query.push(" AND ");
                condition(&mut query, part, Subject::Contact, here);
            }
            query.push(" ORDER BY c.id LIMIT ");
        }
        query.int_value(limit);

        let (mut found, mut seen, mut last) = (Vec::new(), 0_i64, None);
        self.each_built(&query, |row| {
            let member = read_member(row)?;
            let id = member.id;
            let known = answers.read(row)?;
            let mut mark = None;
            for (position, condition) in population.marks.iter().enumerate() {
                let holds = if condition.is_of_rows() {
                    condition.holds(&member.fields, &mut |test| answers.tell(&known, test))
                } else {
                    row.next()?
                };
                if holds && mark.is_none() {
                    mark = Some(position);
                }
            }
            (seen, last) = (seen + 1, Some(id));
            if parts.of_rows.holds(&member.fields, &mut |test| answers.tell(&known, test)) {
                found.push(Found { member, mark });
            }
            Ok(())
        })?;
        for Found { member, .. } in found.iter_mut().filter(|found| found.member.further_phone.is_some()) {
            *member = self.at_number_to_text(workspace_id, member.clone(), population.programme)?;
        }
        let next = if seen == limit { last } else { bound };
        Ok(PopulationPage { found, next })
    }

    /// How many contacts meet a condition.
    ///
    /// # Errors
    /// When the store fails.
    pub fn population_count(
        &mut self,
        workspace_id: WorkspaceId,
        include: &Condition,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        if include.is_of_rows() {
            let population = Population { include, marks: &[], now, programme: None };
            let (mut count, mut after) = (0, None);
            loop {
                let page = self.population_page(workspace_id, &population, after, SCAN)?;
                count += page.found.len() as i64;
                after = page.next;
                if after.is_none() {
                    return Ok(count);
                }
            }
        }
        let mut query = Built::new(self.dialect());
        query.push("SELECT COUNT(*) FROM contacts c WHERE c.workspace_id = ").id_value(workspace_id.uuid());
        query.push(" AND ");
        condition(&mut query, include, Subject::Contact, Here { workspace_id, now });
        let mut count = 0;
        self.each_built(&query, |row| {
            count = row.next()?;
            Ok(())
        })?;
        Ok(count)
    }
}

fn column(query: &mut Built, of: &Condition, here: Here) {
    query.push(", CASE WHEN ");
    condition(query, of, Subject::Contact, here);
    query.push(" THEN 1 ELSE 0 END");
}

/// Appends a condition over `contacts c`, or over the rows `data_rows d` of a table. Every expression here is true or
/// false, never null.
pub(crate) fn condition(query: &mut Built, of: &Condition, subject: Subject, here: Here) {
    match of {
        Condition::All(parts) => joined(query, parts, " AND ", "TRUE", (subject, here)),
        Condition::Any(parts) => joined(query, parts, " OR ", "FALSE", (subject, here)),
        Condition::Not(part) => {
            query.push("(NOT ");
            condition(query, part, subject, here);
            query.push(")");
        }
        Condition::Test(test) => match subject {
            Subject::Contact => self::test(query, test, here),
            Subject::Row => row_test(query, test, here),
        },
    }
}

fn joined(
    query: &mut Built,
    parts: &[Condition],
    sign: &'static str,
    empty: &'static str,
    (subject, here): (Subject, Here),
) {
    query.push("(");
    if parts.is_empty() {
        query.push(empty);
    }
    if parts.len() > MOST_IN_A_ROW {
        // SQLite reads a row of signs as one inside the other and refuses what is nested too deeply: half and half the
        // depth grows with the logarithm.
        let (left, right) = parts.split_at(parts.len() / 2);
        joined(query, left, sign, empty, (subject, here));
        query.push(sign);
        joined(query, right, sign, empty, (subject, here));
    } else {
        for (position, part) in parts.iter().enumerate() {
            if position > 0 {
                query.push(sign);
            }
            condition(query, part, subject, here);
        }
    }
    query.push(")");
}

/// Appends a test of the columns of a row `d`.
fn row_test(query: &mut Built, of: &Test, here: Here) {
    let of_field = |query: &mut Built, field| value(query, field, Case::Exact, Subject::Row);
    match of {
        Test::Text { field, case, compare } => text_test(query, field, *case, compare, Subject::Row),
        Test::Filled(field) => {
            query.push("(");
            of_field(query, field);
            query.push(" <> '')");
        }
        Test::Decimal { field, order, value } => {
            query.push("(CASE WHEN ");
            is_number(query, field);
            query.push(" THEN ");
            as_number(query, field);
            query.push(if *order == Order::Equal { " = " } else { " " });
            query.push(if *order == Order::Equal { "" } else { order.sign() });
            query.push_for(" CAST(", " CAST(").text_value(value.to_string());
            query.push_for(" AS REAL)", " AS DOUBLE PRECISION)").push(" ELSE FALSE END)");
        }
        Test::Day { field, order, day } => {
            query.push("(");
            of_field(query, field);
            query.push(" <> '' AND ");
            of_field(query, field);
            query.push_for(" ", " COLLATE \"C\" ");
            query.push(if *order == Order::Equal { "=" } else { order.sign() }).push(" ").text_value(day.as_str());
            query.push(")");
        }
        Test::DayNear { field, side, days } => {
            let days = i64::from(*days) * time::DAY;
            let (from, to) = match side {
                Side::Past => (here.now.plus(-days), here.now),
                Side::Ahead => (here.now, here.now.plus(days)),
            };
            for (open, sign, day) in [("(", ">= ", from), (" AND ", "<= ", to)] {
                query.push(open);
                of_field(query, field);
                query.push_for(" ", " COLLATE \"C\" ").push(sign).text_value(day.to_day());
            }
            query.push(")");
        }
        // Nothing else can be asked of a row; the reader lets nothing else through.
        _ => {
            query.push("FALSE");
        }
    }
}

/// Appends whether a column of a row is a number as tables keep it. What was written before its column was one of numbers
/// may be anything.
pub(crate) fn is_number(query: &mut Built, field: &FieldName) {
    match query.dialect() {
        Dialect::Sqlite => {
            query.push("(");
            value(query, field, Case::Exact, Subject::Row);
            query.push(" GLOB '[-0-9]*[0-9]' OR ");
            value(query, field, Case::Exact, Subject::Row);
            query.push(" GLOB '[0-9]') AND SUBSTR(");
            value(query, field, Case::Exact, Subject::Row);
            query.push(", 2) NOT GLOB '*[^0-9.]*' AND ");
            value(query, field, Case::Exact, Subject::Row);
            query.push(" NOT GLOB '*.*.*' AND LENGTH(");
            value(query, field, Case::Exact, Subject::Row);
            query.push(") <= 17");
        }
        Dialect::Postgres => {
            value(query, field, Case::Exact, Subject::Row);
            query.push(" COLLATE \"C\" ~ '^-?[0-9]{1,15}([.][0-9]{1,15})?$' AND LENGTH(");
            value(query, field, Case::Exact, Subject::Row);
            query.push(") <= 17");
        }
    }
}

/// Appends a column of a row as a number; only where it is one.
pub(crate) fn as_number(query: &mut Built, field: &FieldName) {
    query.push("CAST(");
    value(query, field, Case::Exact, Subject::Row);
    query.push_for(" AS REAL)", " AS DOUBLE PRECISION)");
}

/// Appends how many rows of a table are linked to `c` and meet a condition, compared with a number.
fn rows(query: &mut Built, of: &Test, here: Here) {
    let Test::Rows { table, having, order, count } = of else { return };
    query.push(if of.is_has_row() { "EXISTS (SELECT 1" } else { "((SELECT COUNT(*)" });
    query.push(" FROM data_rows d WHERE d.workspace_id = c.workspace_id AND d.contact_id = c.id AND d.table_id = ");
    table_id(query, table);
    if **having != Condition::everybody() {
        query.push(" AND ");
        condition(query, having, Subject::Row, here);
    }
    query.push(")");
    if !of.is_has_row() {
        query.push(if *order == Order::Equal { " = " } else { order.sign() }).push(" ").int_value(*count).push(")");
    }
}

/// Appends the id of the table with this name in the workspace of `c`; none when there is no such table.
fn table_id(query: &mut Built, table: &TableName) {
    query.push("(SELECT w.id FROM data_tables w WHERE w.workspace_id = c.workspace_id AND w.name = ");
    query.text_value(table.as_str()).push(")");
}

fn test(query: &mut Built, of: &Test, here: Here) {
    match of {
        Test::Text { field, case, compare } => text_test(query, field, *case, compare, Subject::Contact),
        Test::Filled(field) => {
            query.push("(");
            value(query, field, Case::Exact, Subject::Contact);
            query.push(" <> '')");
        }
        Test::Number { field, order, value } => number_test(query, field, *order, *value),
        // Asked row by row; nothing reaches this place. If it did, nobody would be found rather than everybody.
        Test::Decimal { .. } | Test::Matches { .. } | Test::Day { .. } | Test::DayNear { .. } => {
            query.push("FALSE");
        }
        Test::Consent { medium, state } => {
            query.push(
                "(COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = ",
            );
            query.text_value(medium.as_str());
            query.push(" AND s.address = c.phone AND s.purpose = 'marketing'), 'none') = ");
            query.text_value(state.as_str()).push(")");
        }
        Test::OnList(list) => {
            query.push("EXISTS (SELECT 1 FROM list_members l WHERE l.workspace_id = c.workspace_id AND l.list_id = ");
            query.id_value(list.uuid()).push(" AND l.contact_id = c.id)");
        }
        Test::Happened { event, campaign, days } => {
            let since = days.map(|days| here.now.plus(-i64::from(days) * time::DAY));
            happened(query, (*event, since), campaign.map(segue_model::id::Id::uuid), here.workspace_id);
        }
        Test::CreatedWithin(days) => {
            query.push("(c.created_at >= ").time_value(here.now.plus(-i64::from(*days) * time::DAY)).push(")");
        }
        Test::Rows { .. } => rows(query, of, here),
        Test::Suppressed => {
            query.push("EXISTS (SELECT 1 FROM suppressions x WHERE x.workspace_id = c.workspace_id");
            query.push(" AND x.address = c.phone)");
        }
    }
}

/// Appends a field's text: empty when there is none.
pub(crate) fn value(query: &mut Built, field: &FieldName, case: Case, subject: Subject) {
    if case == Case::Ignored {
        // Only A to Z, as SQLite does it and as `lowerAscii` says.
        query.push("LOWER(");
    }
    query.push("COALESCE(");
    let of_contact = subject == Subject::Contact;
    match field.as_str() {
        "phone" if of_contact => query.push("c.phone"),
        "first_name" if of_contact => query.push("c.first_name"),
        "last_name" if of_contact => query.push("c.last_name"),
        "email" if of_contact => query.push("c.email"),
        "locale" if of_contact => query.push("c.locale"),
        "time_zone" if of_contact => query.push("c.time_zone"),
        "external_key" if of_contact => query.push("c.external_key"),
        name => {
            match subject {
                Subject::Contact => query.push_for("json_extract(c.attributes, ", "(c.attributes::json ->> "),
                Subject::Row => query.push_for("json_extract(d.fields, ", "(d.fields::json ->> "),
            };
            match query.dialect() {
                Dialect::Sqlite => query.text_value(format!("$.\"{name}\"")),
                Dialect::Postgres => query.text_value(name),
            };
            query.push(")")
        }
    };
    query.push(", '')");
    if case == Case::Ignored {
        query.push_for(")", " COLLATE \"C\")");
    }
}

fn text_test(query: &mut Built, field: &FieldName, case: Case, compare: &Compare, subject: Subject) {
    query.push("(");
    match compare {
        Compare::Equals(wanted) => {
            value(query, field, case, subject);
            query.push(" = ").text_value(wanted.as_str());
        }
        Compare::OneOf(wanted) => {
            value(query, field, case, subject);
            query.push(" IN (");
            for (position, wanted) in wanted.iter().enumerate() {
                if position > 0 {
                    query.push(", ");
                }
                query.text_value(wanted.as_str());
            }
            query.push(")");
        }
        Compare::Contains(part) => {
            query.push_for("INSTR(", "STRPOS(");
            value(query, field, case, subject);
            query.push(", ").text_value(part.as_str()).push(") > 0");
        }
        Compare::StartsWith(part) => {
            query.push("SUBSTR(");
            value(query, field, case, subject);
            query.push(", 1, ").length_value(part.chars().count()).push(") = ").text_value(part.as_str());
        }
        Compare::EndsWith(part) => {
            let length = part.chars().count();
            query.push_for("SUBSTR(", "RIGHT(");
            value(query, field, case, subject);
            query.push_for(", -", ", ").length_value(length).push(") = ").text_value(part.as_str());
        }
    }
    query.push(")");
}

fn number_test(query: &mut Built, field: &FieldName, order: Order, wanted: i64) {
    query.push("(CASE WHEN LENGTH(");
    value(query, field, Case::Exact, Subject::Contact);
    query.push(") <= 15 AND ");
    match query.dialect() {
        Dialect::Sqlite => {
            query.push("(");
            value(query, field, Case::Exact, Subject::Contact);
            query.push(" GLOB '[0-9]*' OR ");
            value(query, field, Case::Exact, Subject::Contact);
            query.push(" GLOB '-[0-9]*') AND SUBSTR(");
            value(query, field, Case::Exact, Subject::Contact);
            query.push(", 2) NOT GLOB '*[^0-9]*'");
        }
        Dialect::Postgres => {
            value(query, field, Case::Exact, Subject::Contact);
            query.push(" COLLATE \"C\" ~ '^-?[0-9]+$'");
        }
    }
    query.push(" THEN CAST(");
    value(query, field, Case::Exact, Subject::Contact);
    query.push(" AS BIGINT) ");
    query.push(if order == Order::Equal { "=" } else { order.sign() }).push(" ").int_value(wanted);
    query.push(" ELSE FALSE END)");
}

/// Appends whether an event has happened. Without a campaign, taps are found by the contact's number, which has an index;
/// with one, by the recipient.
fn happened(
    query: &mut Built,
    (event, since): (Event, Option<Timestamp>),
    campaign: Option<Uuid>,
    workspace_id: WorkspaceId,
) {
    query.push("EXISTS (SELECT 1 FROM ");
    match (event, campaign) {
        (Event::Clicked, None) => {
            query.push("recipients r WHERE r.workspace_id = c.workspace_id AND r.phone = c.phone");
        }
        (Event::Clicked | Event::Chatted, Some(campaign)) => {
            query.push("recipients r WHERE r.workspace_id = c.workspace_id AND r.contact_id = c.id AND r.campaign_id");
            of_campaign(query, workspace_id, campaign);
        }
        (Event::Received | Event::Delivered, Some(campaign)) => {
            query.push("recipients r JOIN outbox o ON o.workspace_id = r.workspace_id AND o.id = r.message_id");
            query.push(" WHERE r.workspace_id = c.workspace_id AND r.contact_id = c.id AND r.campaign_id");
            of_campaign(query, workspace_id, campaign);
        }
        (Event::Received | Event::Delivered, None) => {
            query.push("campaigns k JOIN recipients r ON r.workspace_id = k.workspace_id AND r.campaign_id = k.id");
            query.push(" JOIN outbox o ON o.workspace_id = r.workspace_id AND o.id = r.message_id");
            query.push(" WHERE k.workspace_id = c.workspace_id AND r.contact_id = c.id");
        }
        (Event::Chatted | Event::Replied, _) => {
            query.push("messaging_users u JOIN sessions s ON s.workspace_id = u.workspace_id");
            query.push(" AND s.messaging_user_id = u.id");
            if event == Event::Replied {
                query.push(" JOIN messages t ON t.workspace_id = s.workspace_id AND t.session_id = s.id");
            }
            query.push(" WHERE u.workspace_id = c.workspace_id AND u.contact_id = c.id AND u.contact_id IS NOT NULL");
            if let Some(campaign) = campaign {
                query.push(" AND s.campaign_id");
                of_campaign(query, workspace_id, campaign);
            }
        }
    }
    match (event, campaign) {
        (Event::Clicked, _) => query.push(" AND r.first_tap_at IS NOT NULL"),
        (Event::Chatted, Some(_)) => query.push(" AND r.chat_at IS NOT NULL"),
        (Event::Received, _) => query.push(" AND o.state NOT IN ('suppressed', 'expired', 'failed', 'canceled')"),
        (Event::Delivered, _) => query.push(" AND o.state IN ('delivered', 'read')"),
        (Event::Replied, _) => query.push(" AND t.direction = 'inbound'"),
        (Event::Chatted, None) => query,
    };
    if let Some(since) = since {
        query.push(match (event, campaign) {
            (Event::Clicked, _) => " AND r.first_tap_at >= ",
            (Event::Chatted, Some(_)) => " AND r.chat_at >= ",
            (Event::Chatted, None) => " AND s.started_at >= ",
            (Event::Received, _) => " AND COALESCE(o.accepted_at, o.submitted_at) >= ",
            (Event::Delivered, _) => " AND COALESCE(o.delivered_at, o.read_at) >= ",
            (Event::Replied, _) => " AND t.at >= ",
        });
        query.time_value(since);
    }
    query.push(")");
}

/// Appends that the column before it is this campaign or, of a recurring one, any of its runs: those are the campaigns that
/// people get. Which they are is asked once and not for each contact, and each is looked up by its index.
fn of_campaign(query: &mut Built, workspace_id: WorkspaceId, campaign: Uuid) {
    query.push_for(" IN (", " = ANY (ARRAY(").push("SELECT x.id FROM campaigns x WHERE x.workspace_id = ");
    query.id_value(workspace_id.uuid()).push(" AND (x.id = ").id_value(campaign);
    query.push(" OR x.series_id = ").id_value(campaign).push(")").push_for(")", "))");
}
