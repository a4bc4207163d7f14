//! CEL text to a condition.

use cel::{
    common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators},
    parser::{ParseErrors, Parser},
};
use segue_model::{
    attribute::AttributeKind,
    consent::{ConsentState, Medium},
};

use crate::{
    Case, Compare, Condition, Event, FieldName, LONGEST, MOST_DAYS, MOST_TESTS, MOST_VALUES, Order, Pattern, Place,
    ReadProblem, Subject, TableName, Test, condition,
};

/// How deep the parser may go; what `bounds` lets through stays below.
const DEEPEST: u16 = 96;
/// Bytes of stack for the parser; several times what the worst text that `bounds` lets through uses in a debug build.
const STACK: usize = 32 << 20;
/// Mistakes after which the parser gives up; the first is shown.
const MOST_MISTAKES: u32 = 5;

/// What stands on one side of a comparison.
enum Side {
    Field(FieldName, Case),
    Whole(FieldName),
    Decimal(FieldName),
    Consent(Medium),
    /// Rows of a table that are linked to the contact and meet a condition.
    Rows(TableName, Condition),
    /// A column of a row, taken for a day.
    Day(FieldName),
    Text(String),
    Int(i64),
    Float(f64),
}

struct Reader<'s> {
    text: &'s str,
    places: SourceInfo,
    tests: usize,
    /// Whose fields are asked for at this place.
    subject: Subject,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// What is wrong, where, and what to write instead.
    pub fn read(text: &str) -> Result<Self, ReadProblem> {
        Self::read_of(text, Subject::Contact)
    }

    /// Reads a condition over the columns of a table's rows: `row.status == "open"`.
    ///
    /// # Errors
    /// As [`Condition::read`].
    pub fn read_row(text: &str) -> Result<Self, ReadProblem> {
        Self::read_of(text, Subject::Row)
    }

    fn read_of(text: &str, subject: Subject) -> Result<Self, ReadProblem> {
        if text.trim().is_empty() {
            return Err(ReadProblem::new("Write a condition. To mean everybody, write true."));
        }
        if text.chars().count() > LONGEST {
            return Err(ReadProblem::new(format!("The condition is longer than {LONGEST} characters.")));
        }
        crate::bounds::check(text)?;
        // The parser's frames are large; the caller's stack may be small or half used.
        std::thread::scope(|scope| {
            let parser = std::thread::Builder::new().name("condition".to_owned()).stack_size(STACK);
            let parsed = parser.spawn_scoped(scope, || parse(text, subject)).ok().and_then(|parser| parser.join().ok());
            parsed.unwrap_or_else(|| Err(ReadProblem::new("The condition cannot be read. Write it more simply.")))
        })
    }
}

fn parse(text: &str, subject: Subject) -> Result<Condition, ReadProblem> {
    let parser = Parser::new().max_recursion_depth(DEEPEST).error_recovery_limit(MOST_MISTAKES);
    let (tree, places) = parser.parse_with_source_info(text).map_err(|errors| syntax(text, &errors))?;
    Reader { text, places, tests: 0, subject }.condition(&tree)
}

/// The first mistake the parser found, in words.
fn syntax(text: &str, errors: &ParseErrors) -> ReadProblem {
    let Some(first) = errors.errors.iter().min_by_key(|error| error.pos) else {
        return ReadProblem::new("The condition cannot be read.");
    };
    let at = |number: isize| usize::try_from(number).ok().filter(|number| *number > 0);
    let place = at(first.pos.0).zip(at(first.pos.1)).map(|(line, column)| Place { line, column });
    let said = first.msg.to_lowercase();
    let message = if said.contains("recursion") || said.contains("depth") || said.contains("nesting") {
        "The condition is nested too deep. Split it into two segments.".to_owned()
    } else if said.contains("<eof>") {
        "The condition ends too early: a value, a quote or a bracket is missing.".to_owned()
    } else if said.contains("token recognition") {
        "This character cannot stand here. Texts are written in double quotes.".to_owned()
    } else {
        match text.lines().nth(first.pos.0.unsigned_abs().saturating_sub(1)) {
            Some(line) if line.contains(" AND ") || line.contains(" OR ") || line.contains(" and ") => {
                "The condition cannot be read here. Join tests with && and ||.".to_owned()
            }
            _ => "The condition cannot be read here. Compare a field with a value, such as contact.city == \"Berlin\"."
                .to_owned(),
        }
    };
    ReadProblem::at(message, place)
}

/// Most rows of one contact that a condition may ask for.
const MOST_ROWS: i64 = 1_000_000;

impl Reader<'_> {
    /// Whether this is the word for whose fields are asked for here.
    fn is_subject(&self, of: &IdedExpr) -> bool {
        matches!(&of.expr, Expr::Ident(name) if name == self.subject.word())
    }

    fn place(&self, of: &IdedExpr) -> Option<Place> {
        let (start, _) = self.places.offset_for(of.id)?;
        let before = self.text.get(..start as usize)?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Some(Place { line, column })
    }

    fn refuse<T>(&self, of: &IdedExpr, message: impl Into<String>) -> Result<T, ReadProblem> {
        Err(ReadProblem::at(message, self.place(of)))
    }

    /// Gives a problem of a part its place.
    fn placed<T>(&self, of: &IdedExpr, found: Result<T, ReadProblem>) -> Result<T, ReadProblem> {
        found.map_err(|problem| ReadProblem { place: problem.place.or_else(|| self.place(of)), ..problem })
    }

    fn test(&mut self, of: &IdedExpr, test: Test) -> Result<Condition, ReadProblem> {
        self.tests += 1;
        if self.tests > MOST_TESTS {
            return self.refuse(of, format!("A condition has at most {MOST_TESTS} tests. Split it into two segments."));
        }
        Ok(Condition::Test(test))
    }

    fn condition(&mut self, of: &IdedExpr) -> Result<Condition, ReadProblem> {
        match &of.expr {
            Expr::Literal(LiteralValue::Boolean(value)) => {
                Ok(if *value.inner() { Condition::everybody() } else { Condition::Any(Vec::new()) })
            }
            Expr::Select(select) if select.test => match (&select.operand.expr, FieldName::new(select.field.clone())) {
                (Expr::Ident(name), Ok(field)) if name == self.subject.word() => self.test(of, Test::Filled(field)),
                _ => self.refuse(of, "has() asks for a field of the contact: has(contact.city)."),
            },
            Expr::Call(call) => self.call(of, call),
            _ => match self.side(of)? {
                Side::Field(field, _) => {
                    let field = self.subject.name(&field);
                    self.refuse(of, format!("Compare {field} with something, or write has({field}) for any value."))
                }
                _ => self.refuse(of, "This is a value. Compare it with a field of the contact."),
            },
        }
    }

    fn parts(&mut self, call: &CallExpr) -> Result<Vec<Condition>, ReadProblem> {
        call.args.iter().map(|part| self.condition(part)).collect()
    }

    fn call(&mut self, of: &IdedExpr, call: &CallExpr) -> Result<Condition, ReadProblem> {
        let order = match call.func_name.as_str() {
            operators::LOGICAL_AND => return Ok(Condition::all(self.parts(call)?)),
            operators::LOGICAL_OR => return Ok(Condition::any(self.parts(call)?)),
            operators::LOGICAL_NOT => return Ok(Condition::not(Condition::all(self.parts(call)?))),
            operators::NOT_EQUALS => return Ok(Condition::not(self.comparison(of, call, Order::Equal)?)),
            operators::IN => return self.one_of(of, call),
            operators::EQUALS => Order::Equal,
            operators::LESS => Order::Less,
            operators::LESS_EQUALS => Order::LessOrEqual,
            operators::GREATER => Order::More,
            operators::GREATER_EQUALS => Order::MoreOrEqual,
            name => return self.function(of, name, call),
        };
        self.comparison(of, call, order)
    }

    fn comparison(&mut self, of: &IdedExpr, call: &CallExpr, order: Order) -> Result<Condition, ReadProblem> {
        let [left, right] = call.args.as_slice() else { return self.refuse(of, "A comparison has two sides.") };
        let (left, right) = (self.side(left)?, self.side(right)?);
        let turned = match order {
            Order::Equal => Order::Equal,
            Order::Less => Order::More,
            Order::LessOrEqual => Order::MoreOrEqual,
            Order::More => Order::Less,
            Order::MoreOrEqual => Order::LessOrEqual,
        };
        let is_value = |side: &Side| matches!(side, Side::Text(_) | Side::Int(_) | Side::Float(_));
        let (left, right, order) =
            if is_value(&left) && !is_value(&right) { (right, left, turned) } else { (left, right, order) };
        match (left, right) {
            (Side::Field(field, case), Side::Text(value)) if order == Order::Equal => {
                self.text_test(of, field, case, Compare::Equals(value))
            }
            (Side::Day(field), Side::Text(day)) if order != Order::Equal => self.day_test(of, field, order, &day),
            (Side::Day(field), _) => {
                let name = self.subject.name(&field);
                self.refuse(of, format!("Compare a day with an earlier or later one: day({name}) >= \"2026-03-31\"."))
            }
            (Side::Rows(table, having), Side::Int(count)) => {
                let count = self.placed(of, row_count(count))?;
                self.test(of, Test::Rows { table, having: Box::new(having), order, count })
            }
            (Side::Rows(..), _) => self.refuse(of, "Compare count_rows() with a whole number."),
            (Side::Field(field, _), Side::Text(_)) if self.subject == Subject::Row => {
                let name = self.subject.name(&field);
                self.refuse(
                    of,
                    format!("Texts have no order here. For days write day({name}), for numbers double({name})."),
                )
            }
            (Side::Field(field, _), Side::Text(_)) => {
                let field = self.subject.name(&field);
                self.refuse(of, format!("Texts have no order here. For numbers write int({field}) and a number."))
            }
            (Side::Field(field, _), Side::Int(value)) => {
                let field = self.subject.name(&field);
                self.refuse(of, format!("{field} is a text: compare with \"{value}\", or write int({field}) {value}."))
            }
            (Side::Field(field, _), Side::Float(value)) => {
                let field = self.subject.name(&field);
                self.refuse(of, format!("{field} is a text: write double({field}) to compare with {value}."))
            }
            // Columns of numbers may have decimals, so they are compared with them.
            #[expect(clippy::cast_precision_loss, reason = "a number that a person wrote")]
            (Side::Whole(field), Side::Int(value)) if self.subject == Subject::Row => {
                self.test(of, Test::Decimal { field, order, value: value as f64 })
            }
            (Side::Whole(field), Side::Int(value)) => self.test(of, Test::Number { field, order, value }),
            (Side::Decimal(field), Side::Float(value)) => self.test(of, Test::Decimal { field, order, value }),
            #[expect(clippy::cast_precision_loss, reason = "a number that a person wrote")]
            (Side::Decimal(field), Side::Int(value)) => {
                self.test(of, Test::Decimal { field, order, value: value as f64 })
            }
            (Side::Whole(field), Side::Float(_)) => {
                let field = self.subject.name(&field);
                self.refuse(of, format!("int() is for whole numbers. Write double({field}) here."))
            }
            (Side::Consent(medium), Side::Text(state)) if order == Order::Equal => {
                let state = self.placed(of, consent_state(&state))?;
                self.test(of, Test::Consent { medium, state })
            }
            (Side::Text(_) | Side::Int(_) | Side::Float(_), _) => {
                self.refuse(of, "Neither side is a field of the contact. Write contact. and the field's name.")
            }
            _ => self.refuse(of, "Compare with a value: a text in quotes or a number."),
        }
    }

    fn text_test(
        &mut self,
        of: &IdedExpr,
        field: FieldName,
        case: Case,
        compare: Compare,
    ) -> Result<Condition, ReadProblem> {
        let values = match &compare {
            Compare::OneOf(values) => values.as_slice(),
            Compare::Equals(value)
            | Compare::Contains(value)
            | Compare::StartsWith(value)
            | Compare::EndsWith(value) => std::slice::from_ref(value),
        };
        if case == Case::Ignored && values.iter().any(|value| value.bytes().any(|byte| byte.is_ascii_uppercase())) {
            let message = "lowerAscii() makes the field lower case, so the text must be lower case too.";
            return self.refuse(of, message);
        }
        match &compare {
            Compare::Equals(value) if value.is_empty() => {
                return self.test(of, Test::Filled(field)).map(Condition::not);
            }
            Compare::Contains(part) | Compare::StartsWith(part) | Compare::EndsWith(part) if part.is_empty() => {
                return self.refuse(of, "Write the text to look for between the quotes.");
            }
            _ => {}
        }
        self.test(of, Test::Text { field, case, compare })
    }

    fn one_of(&mut self, of: &IdedExpr, call: &CallExpr) -> Result<Condition, ReadProblem> {
        let [left, right] = call.args.as_slice() else { return self.refuse(of, "A comparison has two sides.") };
        let Expr::List(list) = &right.expr else {
            return self.refuse(right, "After in stands a list of texts: [\"Berlin\", \"Hamburg\"].");
        };
        if list.elements.is_empty() || list.elements.len() > MOST_VALUES {
            return self.refuse(right, format!("The list has between 1 and {MOST_VALUES} values."));
        }
        let mut values = Vec::new();
        for element in &list.elements {
            match self.side(element)? {
                Side::Text(value) => values.push(value),
                _ => return self.refuse(element, "The list holds texts in quotes."),
            }
        }
        match self.side(left)? {
            Side::Field(field, case) => self.text_test(of, field, case, Compare::OneOf(values)),
            Side::Consent(medium) => {
                let mut states = Vec::new();
                for value in &values {
                    let state = self.placed(right, consent_state(value))?;
                    states.push(self.test(of, Test::Consent { medium, state })?);
                }
                Ok(Condition::any(states))
            }
            _ => self.refuse(left, "Before in stands a field of the contact."),
        }
    }

    fn day_test(&mut self, of: &IdedExpr, field: FieldName, order: Order, day: &str) -> Result<Condition, ReadProblem> {
        let day = self.placed(of, day_of(day))?;
        self.test(of, Test::Day { field, order, day })
    }

    /// The table and the condition of `has_row` and `count_rows`.
    fn rows(&mut self, of: &IdedExpr, arguments: &[IdedExpr]) -> Result<(TableName, Condition), ReadProblem> {
        if self.subject == Subject::Row {
            return self.refuse(of, "A condition over rows asks for columns of the row: row.status == \"open\".");
        }
        let (table, having) = match arguments {
            [table] => (table, None),
            [table, having] => (table, Some(having)),
            _ => return self.refuse(of, "Write has_row(\"orders\") or has_row(\"orders\", row.status == \"open\")."),
        };
        let Side::Text(name) = self.side(table)? else {
            return self.refuse(table, "Write the table's name in quotes: has_row(\"orders\").");
        };
        let name = self.placed(table, TableName::new(name))?;
        let Some(having) = having else { return Ok((name, Condition::everybody())) };
        self.subject = Subject::Row;
        let having = self.condition(having);
        self.subject = Subject::Contact;
        Ok((name, having?))
    }

    /// What can be asked of a row alone.
    fn row_function(&mut self, of: &IdedExpr, name: &str, call: &CallExpr) -> Result<Condition, ReadProblem> {
        let side = match name {
            "within" => condition::Side::Past,
            "ahead" => condition::Side::Ahead,
            _ => {
                let message = "Of a row can be asked for its columns, and with day(), within() and ahead() for days.";
                return self.refuse(of, message);
            }
        };
        let [column, days] = call.args.as_slice() else {
            return self.refuse(of, format!("Write {name}(row.due, 30) with a column and a number of days."));
        };
        match (self.side(column)?, self.side(days)?) {
            (Side::Field(field, Case::Exact), Side::Int(days)) => {
                let days = self.placed(of, days_back(days))?;
                self.test(of, Test::DayNear { field, side, days })
            }
            _ => self.refuse(of, format!("Write {name}(row.due, 30) with a column and a number of days.")),
        }
    }

    fn function(&mut self, of: &IdedExpr, name: &str, call: &CallExpr) -> Result<Condition, ReadProblem> {
        if name == "has_row" && call.target.is_none() {
            let (table, having) = self.rows(of, &call.args)?;
            return self.test(of, Test::has_row(table, having));
        }
        if name == "count_rows" && call.target.is_none() {
            return self.refuse(of, "Compare the number of rows: count_rows(\"orders\") >= 3.");
        }
        if self.subject == Subject::Row && call.target.is_none() {
            return self.row_function(of, name, call);
        }
        if let Some(target) = &call.target {
            return self.method(of, name, target, &call.args);
        }
        let sides: Vec<Side> = call.args.iter().map(|argument| self.side(argument)).collect::<Result<_, _>>()?;
        if let Ok(event) = Event::parse(name) {
            let (campaign, days) = match sides.as_slice() {
                [] => (None, None),
                [Side::Int(days)] => (None, Some(*days)),
                [Side::Text(campaign)] => (Some(campaign), None),
                [Side::Text(campaign), Side::Int(days)] => (Some(campaign), Some(*days)),
                _ => {
                    let message = format!("Write {event}(), {event}(30) for days, or {event}(\"cmp_…\", 30).");
                    return self.refuse(of, message);
                }
            };
            let campaign = match campaign.map(|id| id.parse()).transpose() {
                Ok(campaign) => campaign,
                Err(_) => return self.refuse(of, "This is not the id of a campaign; it begins with cmp_."),
            };
            let days = self.placed(of, days.map(days_back).transpose())?;
            return self.test(of, Test::Happened { event, campaign, days });
        }
        match (name, sides.as_slice()) {
            ("on_list", [Side::Text(id)]) => match id.parse() {
                Ok(id) => self.test(of, Test::OnList(id)),
                Err(_) => self.refuse(of, "This is not the id of a list; it begins with lst_."),
            },
            ("on_list", _) => self.refuse(of, "Write on_list(\"lst_…\") with the id of a list."),
            ("created_within", [Side::Int(days)]) => {
                let days = self.placed(of, days_back(*days))?;
                self.test(of, Test::CreatedWithin(days))
            }
            ("created_within", _) => self.refuse(of, "Write created_within(30) with a number of days."),
            ("suppressed", []) => self.test(of, Test::Suppressed),
            ("suppressed", _) => self.refuse(of, "suppressed() takes nothing between its brackets."),
            ("consent", _) => self.refuse(of, "Compare consent with a state: consent(\"sms\") == \"granted\"."),
            ("int" | "double", _) => self.refuse(of, "Compare the number with another: int(contact.points) >= 100."),
            _ if name.starts_with(|letter: char| letter.is_alphabetic()) => {
                let known = Event::ALL.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", ");
                let message = format!(
                    "There is no function {name}. Known are {known}, consent, on_list, has_row, \
                     count_rows, created_within and suppressed."
                );
                self.refuse(of, message)
            }
            _ => self.refuse(of, "Only comparisons, &&, || and ! can stand here; there is no calculating."),
        }
    }

    fn method(
        &mut self,
        of: &IdedExpr,
        name: &str,
        target: &IdedExpr,
        arguments: &[IdedExpr],
    ) -> Result<Condition, ReadProblem> {
        let Side::Field(field, case) = self.side(target)? else {
            return self.refuse(of, format!("{name}() belongs to a field of the contact."));
        };
        let known = ["contains", "startsWith", "endsWith", "matches"];
        if !known.contains(&name) {
            return self.refuse(of, format!("A field has no {name}(). Known are {}.", known.join(", ")));
        }
        let [argument] = arguments else { return self.refuse(of, format!("{name}() takes one text.")) };
        let Side::Text(value) = self.side(argument)? else {
            return self.refuse(argument, format!("{name}() takes a text in quotes."));
        };
        let compare = match name {
            "contains" => Compare::Contains(value),
            "startsWith" => Compare::StartsWith(value),
            "endsWith" => Compare::EndsWith(value),
            "matches" if self.subject == Subject::Row => {
                return self
                    .refuse(of, "Rows cannot be asked with matches(). Use contains(), startsWith() or endsWith().");
            }
            "matches" if case == Case::Ignored => {
                return self.refuse(of, "Write (?i) at the begin of the pattern instead of lowerAscii().");
            }
            _ => {
                let pattern = self.placed(argument, Pattern::new(&value))?;
                return self.test(of, Test::Matches { field, pattern });
            }
        };
        self.text_test(of, field, case, compare)
    }

    fn side(&mut self, of: &IdedExpr) -> Result<Side, ReadProblem> {
        match &of.expr {
            Expr::Literal(LiteralValue::String(value)) => Ok(Side::Text(value.inner().to_owned())),
            Expr::Literal(LiteralValue::Int(value)) => Ok(Side::Int(*value.inner())),
            Expr::Literal(LiteralValue::Double(value)) => Ok(Side::Float(*value.inner())),
            Expr::Literal(_) => self.refuse(of, "Values are texts in quotes and numbers."),
            Expr::Select(select) if !select.test && self.is_subject(&select.operand) => {
                Ok(Side::Field(self.placed(of, FieldName::new(select.field.clone()))?, Case::Exact))
            }
            Expr::Call(call) => self.side_call(of, call),
            Expr::Ident(name) if name == "contact" && self.subject == Subject::Row => {
                self.refuse(of, "A condition over rows asks for columns of the row, such as row.status.")
            }
            Expr::Select(_) if self.subject == Subject::Row => {
                self.refuse(of, "A condition over rows asks for columns of the row, such as row.status.")
            }
            Expr::Ident(name) if name == "contact" => {
                self.refuse(of, "Write the field after a dot, such as contact.city.")
            }
            Expr::Ident(name) => self.refuse(
                of,
                format!("Nothing is named {name}. For a field write contact.{name}, for a text \"{name}\"."),
            ),
            _ => self.refuse(of, "This cannot stand here. Compare a field of the contact with a value."),
        }
    }

    fn side_call(&mut self, of: &IdedExpr, call: &CallExpr) -> Result<Side, ReadProblem> {
        match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
            (operators::INDEX, None, [target, name]) if self.is_subject(target) => match self.side(name)? {
                Side::Text(name) => Ok(Side::Field(self.placed(of, FieldName::new(name))?, Case::Exact)),
                _ => self.refuse(name, "Write the field's name in quotes: contact[\"loyalty level\"]."),
            },
            (operators::NEGATE, None, [value]) => match self.side(value)? {
                Side::Int(value) => Ok(Side::Int(value.saturating_neg())),
                Side::Float(value) => Ok(Side::Float(-value)),
                _ => self.refuse(of, "Only numbers can be negative."),
            },
            ("lowerAscii", Some(target), []) => match self.side(target)? {
                Side::Field(field, _) => Ok(Side::Field(field, Case::Ignored)),
                _ => self.refuse(of, "lowerAscii() belongs to a field of the contact."),
            },
            ("count_rows", None, arguments) => {
                let (table, having) = self.rows(of, arguments)?;
                Ok(Side::Rows(table, having))
            }
            ("day", None, [argument]) if self.subject == Subject::Row => match self.side(argument)? {
                Side::Field(field, Case::Exact) => Ok(Side::Day(field)),
                _ => self.refuse(of, "day() takes a column of the row."),
            },
            ("int", None, [argument]) => match self.side(argument)? {
                Side::Field(field, Case::Exact) => Ok(Side::Whole(field)),
                _ => self.refuse(of, "int() takes a field of the contact."),
            },
            ("double", None, [argument]) => match self.side(argument)? {
                Side::Field(field, Case::Exact) => Ok(Side::Decimal(field)),
                _ => self.refuse(of, "double() takes a field of the contact."),
            },
            ("consent", None, [argument]) if self.subject == Subject::Contact => match self.side(argument)? {
                Side::Text(medium) => match Medium::parse(&medium) {
                    Ok(medium) => Ok(Side::Consent(medium)),
                    Err(_) => self.refuse(argument, "Consent is asked for \"sms\" or \"whatsapp\"."),
                },
                _ => self.refuse(argument, "Consent is asked for \"sms\" or \"whatsapp\"."),
            },
            _ => self.refuse(of, "This cannot be compared. Compare a field of the contact with a value."),
        }
    }
}

/// A number of rows to compare with.
pub(crate) fn row_count(count: i64) -> Result<i64, ReadProblem> {
    let found = Some(count).filter(|count| (0..=MOST_ROWS).contains(count));
    found.ok_or_else(|| ReadProblem::new(format!("The number of rows is between 0 and {MOST_ROWS}.")))
}

/// A day in its usual form.
pub(crate) fn day_of(text: &str) -> Result<String, ReadProblem> {
    AttributeKind::Date.checked("The day", &[], text).map_err(|_| ReadProblem::new("Write the day as \"2026-03-31\"."))
}

fn consent_state(word: &str) -> Result<ConsentState, ReadProblem> {
    let known = "The state of consent is \"granted\", \"revoked\" or \"none\".";
    ConsentState::parse(word).map_err(|_| ReadProblem::new(known))
}

/// A number of days to look back.
pub(crate) fn days_back(days: i64) -> Result<u32, ReadProblem> {
    let found = u32::try_from(days).ok().filter(|days| (1..=MOST_DAYS).contains(days));
    found.ok_or_else(|| ReadProblem::new(format!("The number of days is between 1 and {MOST_DAYS}.")))
}
