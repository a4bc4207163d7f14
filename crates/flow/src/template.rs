//! Texts with `{{ variables }}` and conditions, by minijinja with bounded work.
//!
//! While a flow is checked an unknown variable is an error; in a conversation a missing value is simply empty, because
//! the customer must get an answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use minijinja::{Environment, UndefinedBehavior};

use crate::run::Value;

/// Instructions one text or condition may take.
const FUEL: u64 = 20_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment
}

/// A text or condition that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(String);

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        // The detail of a syntax error names tokens of the definition, never a customer's words.
        Self(error.detail().map_or_else(|| error.kind().to_string(), str::to_owned))
    }
}

fn context(variables: &BTreeMap<String, Value>) -> minijinja::Value {
    let values = variables.iter().map(|(name, value)| (name.clone(), value.into()));
    minijinja::Value::from(values.collect::<BTreeMap<String, minijinja::Value>>())
}

/// The text with the variables' values.
///
/// # Errors
/// When the text is malformed or takes too much work.
pub fn render(text: &str, variables: &BTreeMap<String, Value>) -> Result<String, TemplateError> {
    if !text.contains('{') {
        return Ok(text.to_owned());
    }
    Ok(ENVIRONMENT.render_str(text, context(variables))?)
}

/// Whether a condition holds.
///
/// # Errors
/// When the condition is malformed, compares what cannot be compared, or takes too much work.
pub fn holds(condition: &str, variables: &BTreeMap<String, Value>) -> Result<bool, TemplateError> {
    let expression = ENVIRONMENT.compile_expression_owned(condition.to_owned())?;
    Ok(expression.eval(context(variables))?.is_true())
}

/// Names a text uses.
///
/// # Errors
/// When the text is malformed.
pub fn names_in_text(text: &str) -> Result<BTreeSet<String>, TemplateError> {
    let environment = environment();
    let template = environment.template_from_str(text)?;
    Ok(template.undeclared_variables(false).into_iter().collect())
}

/// Names a condition uses.
///
/// # Errors
/// When the condition is malformed.
pub fn names_in_condition(condition: &str) -> Result<BTreeSet<String>, TemplateError> {
    let expression = ENVIRONMENT.compile_expression_owned(condition.to_owned())?;
    Ok(expression.undeclared_variables(false).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> BTreeMap<String, Value> {
        [("name", Value::Text("Ana".into())), ("count", Value::Integer(3)), ("member", Value::Bool(true))]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    #[test]
    fn texts() {
        for (text, expected) in [
            ("Hi", "Hi"),
            ("Hi {{ name }}!", "Hi Ana!"),
            ("Hi {{ nobody }}!", "Hi !"),
            ("Hi {{ nobody or 'there' }}!", "Hi there!"),
            ("{{ count }} left", "3 left"),
            ("{% if member %}Welcome back{% else %}Hello{% endif %}", "Welcome back"),
            ("a { b } c", "a { b } c"),
            ("<b>{{ name }}</b> & co", "<b>Ana</b> & co"),
        ] {
            assert_eq!(render(text, &variables()), Ok(expected.to_owned()));
        }
        assert!(render("{{ name", &variables()).is_err());
    }

    #[test]
    fn conditions() {
        for (condition, expected) in [
            ("name == 'Ana'", true),
            ("name != \"Ana\"", false),
            ("count > 2 and count <= 3", true),
            ("not member or count == 4", false),
            ("'na' in name", true),
            ("nobody is defined", false),
            ("name is defined", true),
            ("nobody", false),
        ] {
            assert_eq!(holds(condition, &variables()), Ok(expected), "{condition}");
        }
        assert!(holds("name ==", &variables()).is_err());
    }

    #[test]
    fn work_is_bounded() {
        let endless = "{% for a in range(9000) %}{% for b in range(9000) %}x{% endfor %}{% endfor %}";
        assert!(render(endless, &variables()).is_err());
    }

    #[test]
    fn names() {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(names_in_text("Hi {{ name }} {% if a.b %}{{ c }}{% endif %}"), Ok(set(&["name", "a", "c"])));
        assert_eq!(names_in_condition("a == b and 'x' in c"), Ok(set(&["a", "b", "c"])));
    }
}
