//! From the YAML an author writes to a checked definition, with the line and column of everything that is wrong.
//!
//! The source is read into a plain value once, together with the place of every node; the published JSON Schema, the
//! conversion into [`Definition`] and the lints then only name places in that value.

use std::{collections::HashMap, sync::LazyLock};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};

use crate::{
    Definition, Problem, lint,
    problem::{Finding, path_of},
};

/// Longest source, in bytes.
const LONGEST: usize = 256 * 1024;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(Definition).to_value());

static VALIDATOR: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::validator_for(&SCHEMA).expect("the schema of our own types is a schema"));

/// The JSON Schema of a definition, for editors and authors.
#[must_use]
pub fn schema() -> Value {
    SCHEMA.clone()
}

/// Reads and checks a definition.
///
/// # Errors
/// Everything that is wrong with it, in the order of the source. Syntax, schema and lints are checked in this order;
/// problems of one kind hide those of the next.
pub fn parse(source: &str) -> Result<Definition, Vec<Problem>> {
    let (value, places) = read(source)?;
    let findings = schema_findings(&value);
    if !findings.is_empty() {
        return Err(places.locate(findings));
    }
    let definition = serde_json::from_value::<Definition>(value)
        .map_err(|error| places.locate(vec![Finding::new("", error.to_string())]))?;
    let findings = lint::findings(&definition);
    if findings.is_empty() { Ok(definition) } else { Err(places.locate(findings)) }
}

/// What somebody else found in a definition that [`parse`] took, by place (JSON pointer) and words, with the lines of
/// its source.
#[must_use]
pub fn located(source: &str, found: Vec<(String, String)>) -> Vec<Problem> {
    let findings = found.into_iter().map(|(pointer, message)| Finding { pointer, message }).collect();
    match read(source) {
        Ok((_, places)) => places.locate(findings),
        Err(problems) => problems,
    }
}

/// The plain value of a source, and where its parts are.
fn read(source: &str) -> Result<(Value, Places), Vec<Problem>> {
    if source.len() > LONGEST {
        let message = format!("The flow is longer than {} KiB. Split it into several.", LONGEST / 1024);
        return Err(vec![Problem { line: 1, column: 1, path: String::new(), message }]);
    }
    let options = serde_saphyr::options! { strict_booleans: true };
    let tree = serde_saphyr::from_str_with_options::<Spanned<Node>>(source, options).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line().max(1), at.column().max(1)));
        let message = UserMessageFormatter.format_message(error.without_snippet()).into_owned();
        vec![Problem { line, column, path: String::new(), message }]
    })?;
    let mut places = Places::default();
    let value = places.read(String::new(), tree);
    Ok((value, places))
}

fn schema_findings(value: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for error in VALIDATOR.iter_errors(value) {
        describe(&error, &mut findings);
    }
    findings
}

/// Says in an author's words what the schema refuses.
fn describe(error: &jsonschema::ValidationError<'_>, findings: &mut Vec<Finding>) {
    use jsonschema::error::ValidationErrorKind::{AdditionalProperties, AnyOf, Enum, Required};
    let pointer = error.instance_path().as_str();
    match error.kind() {
        // A part that may be left out is "this or null": what counts is why it is not "this".
        AnyOf { context } if context.len() == 2 && !error.instance().is_null() => {
            for reason in context.iter().take(1).flatten() {
                describe(reason, findings);
            }
        }
        AdditionalProperties { unexpected } => findings.extend(unexpected.iter().map(|name| {
            let message = format!("'{name}' is not known here. Check the spelling.");
            Finding::new(format!("{pointer}/{}", escaped(name)), message)
        })),
        Required { property } => {
            let name = property.as_str().unwrap_or_default();
            findings.push(Finding::new(pointer, format!("'{name}' is missing.")));
        }
        Enum { options } => {
            let words = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
            findings.push(Finding::new(pointer, format!("This must be one of: {}.", words.join(", "))));
        }
        _ => findings.push(Finding::new(pointer, format!("{error}."))),
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Where every node of the source is, by JSON pointer.
#[derive(Default)]
struct Places(HashMap<String, (u64, u64)>);

impl Places {
    /// Notes the places below `pointer` and gives the plain value.
    fn read(&mut self, pointer: String, node: Spanned<Node>) -> Value {
        // An entry of a mapping is found at its key, which was noted before.
        self.0.entry(pointer.clone()).or_insert_with(|| place(node.referenced));
        match node.value {
            Node::Scalar(value) => value,
            Node::List(items) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| self.read(format!("{pointer}/{index}"), item))
                .collect(),
            Node::Map(entries) => entries
                .into_iter()
                .map(|(key, item)| {
                    let below = format!("{pointer}/{}", escaped(&key.value));
                    self.0.insert(below.clone(), place(key.referenced));
                    (key.value, self.read(below, item))
                })
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    fn locate(&self, findings: Vec<Finding>) -> Vec<Problem> {
        let mut problems = findings
            .into_iter()
            .map(|finding| {
                let (line, column) = self.nearest(&finding.pointer);
                Problem { line, column, path: path_of(&finding.pointer), message: finding.message }
            })
            .collect::<Vec<_>>();
        problems.sort();
        problems.dedup();
        problems
    }

    /// The place of a node, or of the nearest one above it that is in the source.
    fn nearest(&self, pointer: &str) -> (u64, u64) {
        let mut pointer = pointer;
        loop {
            match (self.0.get(pointer), pointer.rfind('/')) {
                (Some(place), _) => return *place,
                (None, Some(end)) => pointer = &pointer[..end],
                (None, None) => return (1, 1),
            }
        }
    }
}

fn place(location: Location) -> (u64, u64) {
    (location.line().max(1), location.column().max(1))
}

/// A YAML node with the places of its parts.
enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;

        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Scalar(Value::Null))
            }

            fn visit_none<E>(self) -> Result<Node, E> {
                Ok(Node::Scalar(Value::Null))
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
                Node::deserialize(deserializer)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Node::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Node::Map(entries))
            }
        }

        deserializer.deserialize_any(NodeVisitor)
    }
}
