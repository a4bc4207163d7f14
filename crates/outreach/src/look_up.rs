//! What texts look up in tables.
//!
//! | written | meaning |
//! |---|---|
//! | `{{ lookup("prices", "amount", country) }}` | a column of the row with this key; one value for each column of the key |
//! | `{{ newest("orders", "total") }}`, `{{ oldest(…) }}` | of the rows that are linked to the contact, the one made last or first |
//! | `{{ newest("visits", "place", by="day") }}` | the one with the largest value in another column |
//! | `{{ newest("orders", "total") \| default("nothing") }}` | what stands there when there is no such row or value |
//!
//! Table and column stand in the text itself, in quotes, so that what a text asks can be read off it, and no contact's
//! data chooses it. A text asks nothing of the database while it is filled in: it notes which rows it would need, these are
//! read for many contacts at once, and it is filled in again ([`look_up`]). A look-up whose key is itself looked up takes
//! another round, at most [`ROUNDS`]. So a million recipients cost a few queries for each thousand of them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Object, Rest, ValueKind},
};
use segue_model::{ContactId, WorkspaceId, attribute::AttributeKind, campaign::CampaignState, contact::ContactFields};
use segue_store::{StoreError, Tx, table::DataTable, table_look_up::Which, table_row::RowFields};

use crate::{OutreachError, tables::values, text::Body, typed::Written};

/// Look-ups of one text for one person at most.
const MOST: usize = 20;
/// How often look-ups may depend on others.
pub const ROUNDS: usize = 3;
/// Under this name the recorder stands among the fields; no field has a name like it.
const RECORDER: &str = " look-ups";
/// The functions of the template language.
const LOOKUP: &str = "lookup";
pub(crate) const FUNCTIONS: [&str; 3] = [LOOKUP, "newest", "oldest"];

/// A row that a text asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Ask {
    OfKey { table: String, key: Vec<String> },
    OfContact { table: String, which: Which, by: Option<String> },
}

/// A row: what each column holds, and its value.
type Row = BTreeMap<String, (AttributeKind, String)>;

/// Rows that were asked for; nothing for one that is not there.
#[derive(Debug, Clone, Default)]
pub struct Answers(HashMap<Ask, Option<Arc<Row>>>);

/// Whom a text is filled in for.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    pub fields: &'a ContactFields,
    pub answers: Option<&'a Answers>,
}

impl<'a> From<&'a ContactFields> for Person<'a> {
    fn from(fields: &'a ContactFields) -> Self {
        Self { fields, answers: None }
    }
}

impl<'a> From<(&'a ContactFields, &'a Answers)> for Person<'a> {
    fn from((fields, answers): (&'a ContactFields, &'a Answers)) -> Self {
        Self { fields, answers: Some(answers) }
    }
}

/// Notes what one filling in asks for.
#[derive(Debug)]
struct Recorder {
    known: Answers,
    /// What the text says that it looks up.
    uses: Arc<[Use]>,
    unknown: Mutex<Vec<Ask>>,
    count: AtomicUsize,
    /// Something was looked up that is not there.
    missed: AtomicBool,
    /// Something that is not there was written.
    blank: AtomicBool,
    /// The text treats what it looks up as words.
    only_words: bool,
    written: Written,
}

impl Object for Recorder {}

/// What one filling in came to.
pub(crate) struct Recording(Arc<Recorder>);

impl Recording {
    pub fn of(answers: Option<&Answers>, uses: &Arc<[Use]>, kept_as_words: &HashSet<String>) -> Self {
        Self(Arc::new(Recorder {
            known: answers.cloned().unwrap_or_default(),
            uses: Arc::clone(uses),
            unknown: Mutex::default(),
            count: AtomicUsize::new(0),
            missed: AtomicBool::new(false),
            blank: AtomicBool::new(false),
            only_words: FUNCTIONS.iter().any(|function| kept_as_words.contains(*function)),
            written: Written::default(),
        }))
    }

    /// The entry that the text's functions find it by.
    pub fn entry(&self) -> (String, Value) {
        (RECORDER.to_owned(), Value::from_dyn_object(Arc::clone(&self.0)))
    }

    /// Whether a look-up found nothing and the text said nothing else instead.
    pub fn is_lacking(&self) -> bool {
        self.0.missed.load(Ordering::Relaxed) && self.0.blank.load(Ordering::Relaxed)
    }

    /// A field's value as conditions see it.
    pub fn value(&self, kind: AttributeKind, text: &str) -> Value {
        self.0.written.value(kind, text)
    }

    fn unknown(&self) -> Vec<Ask> {
        std::mem::take(&mut *self.0.unknown.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn recorder(state: &State<'_, '_>) -> Result<Arc<Recorder>, Error> {
    let found = state.lookup(RECORDER).and_then(|value| value.downcast_object::<Recorder>());
    found.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "nothing can be looked up inside a macro"))
}

fn ask(state: &State<'_, '_>, ask: Ask, column: &str) -> Result<Value, Error> {
    let recorder = recorder(state)?;
    let (Ask::OfKey { table, .. } | Ask::OfContact { table, .. }) = &ask;
    if !recorder.uses.iter().any(|one| one.table == *table && one.column == column) {
        return Err(Error::new(ErrorKind::InvalidOperation, "write table and column of a look-up in quotes"));
    }
    if recorder.count.fetch_add(1, Ordering::Relaxed) >= MOST {
        let why = format!("a text looks up at most {MOST} things");
        return Err(Error::new(ErrorKind::InvalidOperation, why));
    }
    let value = match recorder.known.0.get(&ask) {
        Some(Some(row)) => row.get(column).map(|(kind, text)| {
            if recorder.only_words { Value::from(text.as_str()) } else { recorder.written.value(*kind, text) }
        }),
        Some(None) => None,
        None => {
            recorder.unknown.lock().unwrap_or_else(PoisonError::into_inner).push(ask);
            None
        }
    };
    if value.is_none() {
        recorder.missed.store(true, Ordering::Relaxed);
    }
    Ok(value.unwrap_or(Value::UNDEFINED))
}

/// Gives a text's language the functions.
pub(crate) fn add_functions(environment: &mut Environment<'static>) {
    environment.add_function(LOOKUP, |state: &State<'_, '_>, table: String, column: String, key: Rest<Value>| {
        let recorder = recorder(state)?;
        let word = |value: &Value| recorder.written.of(value).unwrap_or_else(|| value.to_string());
        let key: Vec<String> = key.iter().filter(|value| !value.is_undefined()).map(word).collect();
        ask(state, Ask::OfKey { table, key }, &column)
    });
    for which in [Which::Newest, Which::Oldest] {
        environment.add_function(
            which.as_str(),
            move |state: &State<'_, '_>, table: String, column: String, options: Kwargs| {
                let by: Option<String> = options.get("by")?;
                options.assert_all_used()?;
                ask(state, Ask::OfContact { table, which, by }, &column)
            },
        );
    }
}

/// Prints numbers and yes or no as they are kept, and notes where something that is not there is printed.
pub(crate) fn print_as_written(environment: &mut Environment<'static>) {
    environment.set_formatter(|out, state, value| {
        let matters = matches!(value.kind(), ValueKind::Undefined | ValueKind::Bool | ValueKind::Number);
        let found = if matters { recorder(state).ok() } else { None };
        let Some(recorder) = found else { return minijinja::escape_formatter(out, state, value) };
        if value.is_undefined() {
            recorder.blank.store(true, Ordering::Relaxed);
        }
        match recorder.written.of(value) {
            Some(written) => minijinja::escape_formatter(out, state, &Value::from(written)),
            None => minijinja::escape_formatter(out, state, value),
        }
    });
}

/// A look-up as it stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub table: String,
    pub column: String,
    by: Option<String>,
    /// Values of a key; nothing where the row is that of the contact.
    keys: Option<usize>,
}

/// The look-ups that a text makes.
///
/// # Errors
/// When table or column do not stand there in quotes.
pub(crate) fn uses(text: &str) -> Result<Vec<Use>, OutreachError> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let end = if rest[start..].starts_with("{{") { "}}" } else { "%}" };
        let tag = &rest[start + 2..];
        let length = length_of_tag(tag, end);
        in_tag(&tag[..length], &mut found)?;
        rest = &tag[length..];
    }
    Ok(found)
}

/// Up to where a tag goes; its end inside of quotes is none.
pub(crate) fn length_of_tag(tag: &str, end: &str) -> usize {
    let mut quote = None;
    for (at, letter) in tag.char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None if tag[at..].starts_with(end) => return at,
            None => {}
        }
    }
    tag.len()
}

fn in_tag(tag: &str, found: &mut Vec<Use>) -> Result<(), OutreachError> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut quote = None;
    let mut before = ' ';
    for (at, letter) in tag.char_indices() {
        let starts_word = is_word(letter) && !is_word(before) && before != '.' && before != '|';
        before = if letter.is_whitespace() && matches!(before, '.' | '|') { before } else { letter };
        match quote {
            Some(open) => {
                if letter == open {
                    quote = None;
                }
                continue;
            }
            None if letter == '"' || letter == '\'' => {
                quote = Some(letter);
                continue;
            }
            None if !starts_word => continue,
            None => {}
        }
        let word: &str = tag[at..].split(|letter: char| !is_word(letter)).next().unwrap_or_default();
        let Some(function) = FUNCTIONS.into_iter().find(|function| *function == word) else { continue };
        let Some(arguments) = tag[at + word.len()..].trim_start().strip_prefix('(') else { continue };
        found.push(one(function, arguments)?);
    }
    Ok(())
}

fn one(function: &str, text: &str) -> Result<Use, OutreachError> {
    let arguments = arguments(text);
    let literal = |text: &str| {
        let text = text.trim();
        let inner = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
        inner.filter(|inner| !inner.contains(['"', '\''])).map(str::to_owned)
    };
    let refuse = || {
        let example = if function == LOOKUP {
            "lookup(\"prices\", \"amount\", country)"
        } else {
            "newest(\"orders\", \"total\")"
        };
        let message = format!("Write table and column of {function} in quotes, as in {example}.");
        OutreachError::invalid("body", message)
    };
    let mut given = arguments.iter().map(String::as_str);
    let (Some(table), Some(column)) = (given.next().and_then(literal), given.next().and_then(literal)) else {
        return Err(refuse());
    };
    let further: Vec<&str> = given.collect();
    if function == LOOKUP {
        return Ok(Use { table, column, by: None, keys: Some(further.len()) });
    }
    let by = match further.as_slice() {
        [] => None,
        [by] => {
            let name = by.trim().strip_prefix("by").map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
            Some(name.and_then(literal).ok_or_else(refuse)?)
        }
        _ => return Err(refuse()),
    };
    Ok(Use { table, column, by, keys: None })
}

/// The arguments of a call, from behind its bracket.
fn arguments(text: &str) -> Vec<String> {
    let (mut all, mut current, mut depth, mut quote) = (Vec::new(), String::new(), 0_usize, None);
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')') if depth == 0 => break,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                all.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        current.push(letter);
    }
    if !current.trim().is_empty() {
        all.push(current);
    }
    all
}

/// Refuses look-ups in tables or columns that are not there.
///
/// # Errors
/// In words for who wrote the text.
pub(crate) fn check<'u>(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    uses: impl IntoIterator<Item = &'u Use>,
) -> Result<(), OutreachError> {
    let refuse = |message: String| Err(OutreachError::invalid("body", message));
    for one in uses {
        let Some(table) = tx.table_of_name(workspace_id, &one.table)? else {
            return refuse(format!("There is no table “{}” to look something up in.", one.table));
        };
        for column in [Some(&one.column), one.by.as_ref()].into_iter().flatten() {
            if table.column(column).is_none() {
                return refuse(format!("The table “{}” has no column “{column}”.", one.table));
            }
        }
        match one.keys {
            Some(given) if given != table.key_columns().count() => {
                let names: Vec<&str> = table.key_columns().map(|column| column.name.as_str()).collect();
                return refuse(format!("A row of “{}” is looked up by {}.", one.table, names.join(" and ")));
            }
            None if table.link.is_none() => {
                return refuse(format!(
                    "The rows of “{}” are not linked to contacts: look them up by their key.",
                    one.table
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads what texts look up for these people: a few queries for all of them.
///
/// # Errors
/// When the store fails.
pub(crate) fn look_up(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    bodies: &[&Body],
    people: &[(Option<ContactId>, &ContactFields)],
) -> Result<Vec<Answers>, StoreError> {
    counted(tx, workspace_id, bodies, people).map(|(answers, _)| answers)
}

/// [`look_up`], and how many times rows were asked for.
fn counted(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    bodies: &[&Body],
    people: &[(Option<ContactId>, &ContactFields)],
) -> Result<(Vec<Answers>, usize), StoreError> {
    let mut answers: Vec<Answers> = vec![Answers::default(); people.len()];
    let bodies: Vec<&&Body> = bodies.iter().filter(|body| body.looks_up()).collect();
    if bodies.is_empty() || people.is_empty() {
        return Ok((answers, 0));
    }
    let mut reader = Reader { workspace_id, tables: HashMap::new(), rows: HashMap::new(), queries: 0 };
    let mut waiting: Vec<usize> = (0..people.len()).collect();
    for _ in 0..ROUNDS {
        let mut asks: Vec<(usize, Ask)> = Vec::new();
        for place in &waiting {
            let mut asked = HashSet::new();
            for body in &bodies {
                let recording = body.recording((people[*place].1, &answers[*place]).into());
                // What cannot be filled in is told when it is filled in for good.
                let _ = body.filled(people[*place].1, std::iter::empty(), &recording);
                asked.extend(recording.unknown());
            }
            asks.extend(asked.into_iter().map(|ask| (*place, ask)));
        }
        if asks.is_empty() {
            break;
        }
        reader.answer(tx, &asks, people, &mut answers)?;
        waiting = asks.into_iter().map(|(place, _)| place).collect();
        waiting.dedup();
    }
    Ok((answers, reader.queries))
}

/// [`look_up`] for one person.
///
/// # Errors
/// When the store fails.
pub(crate) fn look_up_one(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    bodies: &[&Body],
    person: (Option<ContactId>, &ContactFields),
) -> Result<Answers, StoreError> {
    Ok(look_up(tx, workspace_id, bodies, &[person])?.into_iter().next().unwrap_or_default())
}

/// Who asks for which key; without one that a row can have nothing is found.
type AskedByKey<'a> = (usize, &'a Ask, Option<String>);
/// Table, which of a contact's rows, and by what column.
type WhichRow<'a> = (&'a str, Which, Option<&'a str>);

/// Reads rows, each once.
struct Reader {
    workspace_id: WorkspaceId,
    tables: HashMap<String, Option<DataTable>>,
    /// Rows by table and key.
    rows: HashMap<(String, String), Option<Arc<Row>>>,
    queries: usize,
}

impl Reader {
    fn answer(
        &mut self,
        tx: &mut Tx<'_>,
        asks: &[(usize, Ask)],
        people: &[(Option<ContactId>, &ContactFields)],
        answers: &mut [Answers],
    ) -> Result<(), StoreError> {
        let mut keys: BTreeMap<&str, Vec<AskedByKey<'_>>> = BTreeMap::new();
        let mut linked: HashMap<WhichRow<'_>, Vec<(usize, &Ask)>> = HashMap::new();
        for (place, ask) in asks {
            match ask {
                Ask::OfKey { table, key } => {
                    let known = self.table(tx, table)?;
                    let key = known
                        .and_then(|table| values::key_of(table, key.iter().map(|value| Some(value.as_str()))).ok());
                    keys.entry(table).or_default().push((*place, ask, key));
                }
                Ask::OfContact { table, which, by } => {
                    linked.entry((table, *which, by.as_deref())).or_default().push((*place, ask));
                }
            }
        }
        for (table, asked) in keys {
            let known = self.table(tx, table)?.map(|table| (table.id, kinds_of(table)));
            if let Some((id, kinds)) = known {
                let mut wanted: Vec<&String> = asked.iter().filter_map(|(_, _, key)| key.as_ref()).collect();
                wanted.sort_unstable();
                wanted.dedup();
                wanted.retain(|key| !self.rows.contains_key(&(table.to_owned(), (*key).clone())));
                self.queries += 1;
                let found = tx.row_fields(self.workspace_id, id, wanted.iter().map(|key| key.as_str()))?;
                for (key, fields) in wanted.into_iter().zip(found) {
                    let row = fields.map(|fields| Arc::new(row_of(fields, &kinds)));
                    self.rows.insert((table.to_owned(), key.clone()), row);
                }
            }
            for (place, ask, key) in asked {
                let row = key.and_then(|key| self.rows.get(&(table.to_owned(), key)).cloned().flatten());
                answers[place].0.insert(ask.clone(), row);
            }
        }
        for ((table, which, by), asked) in linked {
            let workspace_id = self.workspace_id;
            self.queries += 1;
            let contacts: Vec<ContactId> = asked.iter().filter_map(|(place, _)| people[*place].0).collect();
            let found = match self.table(tx, table)? {
                Some(known) if by.is_none_or(|by| known.column(by).is_some()) => {
                    let column = by.and_then(|by| known.column(by)).cloned();
                    let (id, kinds) = (known.id, kinds_of(known));
                    let found = tx.row_of_each(workspace_id, id, (which, column.as_ref()), &contacts)?;
                    found.into_iter().map(|(contact, fields)| (contact, Arc::new(row_of(fields, &kinds)))).collect()
                }
                _ => HashMap::<ContactId, Arc<Row>>::new(),
            };
            for (place, ask) in asked {
                let row = people[place].0.and_then(|contact| found.get(&contact)).cloned();
                answers[place].0.insert(ask.clone(), row);
            }
        }
        Ok(())
    }

    fn table(&mut self, tx: &mut Tx<'_>, name: &str) -> Result<Option<&DataTable>, StoreError> {
        if !self.tables.contains_key(name) {
            let found = tx.table_of_name(self.workspace_id, name)?;
            self.tables.insert(name.to_owned(), found);
        }
        Ok(self.tables.get(name).and_then(Option::as_ref))
    }
}

/// What each column of a table holds.
fn kinds_of(table: &DataTable) -> HashMap<String, AttributeKind> {
    table.columns.iter().map(|column| (column.name.clone(), column.kind)).collect()
}

/// A row with what its columns hold; what stands in no column any more is text.
fn row_of(fields: RowFields, kinds: &HashMap<String, AttributeKind>) -> Row {
    let kind = |name: &String| kinds.get(name).copied().unwrap_or(AttributeKind::Text);
    fields.into_iter().map(|(name, value)| (name.clone(), (kind(&name), value))).collect()
}

/// Campaigns that have not ended, and snippets, whose texts look something up in a table.
pub(crate) fn users(tx: &mut Tx<'_>, workspace_id: WorkspaceId, table: &str) -> Result<Vec<String>, OutreachError> {
    let asks = |text: &str| uses(text).is_ok_and(|uses| uses.iter().any(|one| one.table == table));
    let mut users = Vec::new();
    for snippet in tx.snippets(workspace_id)? {
        if asks(&snippet.body) {
            users.push(format!("the snippet '{}'", snippet.name));
        }
    }
    let mut before = None;
    loop {
        let page = tx.campaigns(workspace_id, before, 200)?;
        let open =
            page.iter().filter(|campaign| !matches!(campaign.state, CampaignState::Finished | CampaignState::Canceled));
        for campaign in open {
            let values = campaign.input.template.iter().flat_map(|template| {
                let values = template.values.iter().chain([&template.header_value]);
                values.chain(template.buttons.iter().map(|button| &button.value)).map(String::as_str)
            });
            if crate::campaign::texts_of(&campaign.input).chain(values).any(asks) {
                users.push(format!("the campaign '{}'", campaign.input.name));
            }
        }
        match page.last() {
            Some(last) if page.len() == 200 => before = Some(last.id),
            _ => return Ok(users),
        }
    }
}

#[cfg(test)]
mod tests {
    use segue_model::{Timestamp, attribute::AttributeKind};
    use segue_store::{
        table::{LinkBy, TableColumn, TableLink},
        table_row::{NewRow, link_of},
    };

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_few_queries_serve_many_people() {
        for test in segue_testkit::engines().await {
            let (ws, id, mut contacts) = (test.workspace_id(), test.ctx.id(), Vec::new());
            for number in 0..50 {
                contacts.push(test.contact(&format!("+1212555{number:04}"), "Ana").await);
            }
            let column = |name: &str, is_key| TableColumn {
                name: name.to_owned(),
                label: name.to_owned(),
                kind: AttributeKind::Text,
                choices: Vec::new(),
                is_key,
            };
            let table = DataTable {
                id,
                name: "orders".to_owned(),
                label: "Orders".to_owned(),
                columns: vec![column("number", true), column("status", false)],
                link: Some(TableLink { column: "phone".to_owned(), by: LinkBy::Phone }),
                row_count: 0,
                created_at: Timestamp(0),
                updated_at: Timestamp(0),
                version: 1,
            };
            let rows: Vec<NewRow> = (0..50)
                .map(|number| NewRow {
                    key: number.to_string(),
                    fields: [("number", number.to_string()), ("status", format!("s{number}"))]
                        .map(|(name, value)| (name.to_owned(), value))
                        .into(),
                    link: Some(link_of(LinkBy::Phone, &format!("+1212555{number:04}"))),
                    country: None,
                })
                .collect();
            let text = "{{ newest('orders', 'number') }}/{{ lookup('orders', 'status', newest('orders', 'number')) }}";
            let (filled, queries) = test
                .store
                .write::<_, OutreachError, _>(move |tx| {
                    tx.insert_table(ws, &table)?;
                    tx.put_rows(ws, id, &rows, Timestamp(0))?;
                    let body = Body::parse(text)?;
                    let nobody = ContactFields::default();
                    let people: Vec<_> = contacts.iter().map(|id| (Some(*id), &nobody)).collect();
                    let (answers, queries) = counted(tx, ws, &[&body], &people)?;
                    let filled: Result<Vec<_>, _> = answers.iter().map(|rows| body.fill((&nobody, rows))).collect();
                    Ok((filled?, queries))
                })
                .await
                .unwrap();
            let expected: Vec<String> = (0..50).map(|number| format!("{number}/s{number}")).collect();
            assert_eq!(filled, expected, "{}", test.engine);
            assert!(queries <= 3, "{}: {queries} queries for 50 people", test.engine);
        }
    }

    #[test]
    fn what_a_text_asks_can_be_read_off_it() {
        let text = "newest (really) {{ newest('orders', \"total\", by='day') | default('x') }} \
            {% if lookup(\"prices\", \"amount\", country, newest(\"orders\", \"kind\")) %}a{% endif %} \
            {{ 'lookup(' }} {{ order.newest(1) }}";
        let found = uses(text).unwrap();
        let asked: Vec<_> = found.iter().map(|one| (one.table.as_str(), one.column.as_str(), one.keys)).collect();
        assert_eq!(asked, [("orders", "total", None), ("prices", "amount", Some(2)), ("orders", "kind", None)]);
        assert_eq!(found[0].by.as_deref(), Some("day"));
    }

    #[test]
    fn no_data_of_a_contact_chooses_table_or_column() {
        for text in [
            "{{ newest(city, 'total') }}",
            "{{ newest('orders', city) }}",
            "{{ lookup('orders') }}",
            "{{ newest('orders', 'total', 'day') }}",
            "{{ newest('orders', 'total', by=city) }}",
            "{{ newest('or' ~ city ~ 'ders', 'total') }}",
        ] {
            assert_eq!(uses(text).unwrap_err().code(), "invalid_field", "{text}");
        }
    }
}
