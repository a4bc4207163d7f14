//! What is wrong with a definition is found, named and located.

use proptest::prelude::*;
use segue_flow::{Problem, located, parse, schema};

const PALETTE: &str = include_str!("conversations/palette.yaml");
const GOOD: &str = "\
flow: test
name: Test
agent: {queue: sales}
steps:
  - id: name
    ask:
      type: text
      prompt: Name?
      on_fail: out
  - id: out
    handover: {message: Wait}
";

fn problems(source: &str) -> Vec<Problem> {
    parse(source).err().unwrap_or_default()
}

/// The source with one line changed has exactly one problem, at this line and column, which says this.
#[test]
fn one_mistake_one_problem() {
    assert_eq!(problems(GOOD), []);
    for (from, to, line, column, path, part) in [
        ("flow: test", "flow: Test 1", 1, 1, "flow", "does not match"),
        ("name: Test\n", "", 1, 1, "", "'name' is missing"),
        ("agent: {queue: sales}", "agent: {queue: sales, que: x}", 3, 23, "agent.que", "'que' is not known"),
        ("type: text", "type: colour", 7, 7, "steps[0].ask.type", "one of: text, number"),
        ("prompt: Name?", "prompt: 12", 8, 7, "steps[0].ask.prompt", "string"),
        ("      on_fail: out\n", "", 6, 5, "steps[0].ask", "on_fail"),
        ("on_fail: out", "on_fail: outt", 9, 7, "steps[0].ask.on_fail", "no step 'outt'"),
        ("prompt: Name?", "prompt: \"Hi {{ nmae }}\"", 8, 7, "steps[0].ask.prompt", "'nmae' is not known"),
        ("prompt: Name?", "prompt: \"Hi {{ name\"", 8, 7, "steps[0].ask.prompt", "cannot be read"),
        ("prompt: Name?", "prompt: \" \"", 8, 7, "steps[0].ask.prompt", "empty"),
        (
            "      on_fail: out",
            "      on_fail: out\n      skip_if: \"name ==\"",
            10,
            7,
            "steps[0].ask.skip_if",
            "condition",
        ),
        ("handover: {message: Wait}", "say: {text: Bye}", 10, 5, "steps[1]", "runs off the end"),
        (
            "handover: {message: Wait}",
            "handover: {message: Wait}\n  - id: lost\n    end: {}",
            12,
            5,
            "steps[2]",
            "No way leads",
        ),
        ("- id: out", "- id: out\n    say: {text: Two}", 10, 5, "steps[1]", "exactly one thing"),
        ("- id: out", "- id: Out", 10, 5, "steps[1].id", "does not match"),
        ("type: text", "type: regex", 6, 5, "steps[0].ask", "needs a pattern"),
        ("type: text", "type: regex\n      pattern: \"(\"", 8, 7, "steps[0].ask.pattern", "cannot be read"),
        ("type: text", "type: text\n      pattern: x", 8, 7, "steps[0].ask.pattern", "Only a regex"),
        ("type: text", "type: choice", 6, 5, "steps[0].ask", "needs options"),
        ("type: text", "type: text\n      min: 3", 6, 5, "steps[0].ask", "Only a number"),
        ("type: text", "type: text\n      save: name", 8, 7, "steps[0].ask.save", "does not match"),
        (
            "type: text",
            "type: text\n      no_input: {after_minutes: 2000}",
            8,
            18,
            "steps[0].ask.no_input.after_minutes",
            "1380",
        ),
        (
            "handover: {message: Wait}",
            "handover: {message: Wait}\n    goto: name",
            12,
            5,
            "steps[1].goto",
            "take it out",
        ),
        (
            "agent: {queue: sales}",
            "agent: {queue: sales}\ntriggers: [{keywords: [menu], goto: gone}]",
            4,
            31,
            "triggers[0].goto",
            "no step 'gone'",
        ),
        (
            "agent: {queue: sales}",
            "agent: {queue: sales, keywords: [\"!\"]}",
            3,
            34,
            "agent.keywords[0]",
            "letter or digit",
        ),
        (
            "agent: {queue: sales}",
            "agent: {queue: sales}\ntexts: {yes: \"Yes, I would love that\"}",
            4,
            9,
            "texts.yes",
            "at most 20",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let found = problems(&GOOD.replacen(from, to, 1));
        assert_eq!(found.len(), 1, "{from} -> {to}: {found:#?}");
        assert_eq!((found[0].line, found[0].column, found[0].path.as_str()), (line, column, path), "{to}: {found:#?}");
        assert!(found[0].message.contains(part), "{to}: {found:#?}");
    }
}

#[test]
fn files_and_forms_are_written_in_full() {
    let form = "type: form\n      form: visit";
    for (to, path, part) in [
        ("type: form", "steps[0].ask", "needs the form's name"),
        ("type: text\n      form: visit", "steps[0].ask.form", "Only a question of the type form"),
        ("type: text\n      fields: [{name: day}]", "steps[0].ask.fields", "Only a question of the type form"),
        (&format!("{form}\n      into: day"), "steps[0].ask.into", "below the field"),
        (&format!("{form}\n      save: contact.day"), "steps[0].ask.save", "below the field"),
        (&format!("{form}\n      fields: [{{name: Screen-1}}]"), "steps[0].ask.fields[0]", "Add into"),
        (
            &format!("{form}\n      fields: [{{name: a}}, {{name: b, into: a}}]"),
            "steps[0].ask.fields[1]",
            "another field",
        ),
        (&format!("{form}\n      button: A label that is too long"), "steps[0].ask.button", "at most 20"),
        (&format!("{form}\n      retry: [\"{{{{ name }}}}\"]"), "steps[0].ask.retry[0]", "'name' is not known"),
        (&format!("{form}\n      retry: [{}]", "x".repeat(1025)), "steps[0].ask.retry[0]", "1024"),
    ] {
        let found = problems(&GOOD.replacen("type: text", to, 1));
        assert_eq!(found.len(), 1, "{to}: {found:#?}");
        assert!(found[0].path == path && found[0].message.contains(part), "{to}: {found:#?}");
    }
    let fields =
        format!("{form}\n      retry: [\"{{{{ day }}}}\"]\n      fields: [{{name: day}}, {{name: D-1, into: d}}]");
    assert_eq!(problems(&GOOD.replacen("type: text", &fields, 1)), []);
    let send = |file: &str, rest: &str| {
        let step = format!("- id: leaflet\n    send: {{file: {file}{rest}}}\n  - id: out");
        problems(&GOOD.replacen("- id: out", &step, 1))
    };
    const FILE: &str = "med_01hzy8vbk0e7m9qz3v5c6d7f8g";
    assert_eq!(send(FILE, ", caption: Look"), []);
    for (found, path) in [
        (send("prices.pdf", ""), "steps[1].send.file"),
        (send("med_81hzy8vbk0e7m9qz3v5c6d7f8g", ""), "steps[1].send.file"),
        (send(FILE, ", caption: \" \""), "steps[1].send.caption"),
        (send(FILE, &format!(", caption: {}", "x".repeat(1025))), "steps[1].send.caption"),
        (send(FILE, ", caption: \"{{ nmae }}\""), "steps[1].send.caption"),
    ] {
        assert!(found.len() == 1 && found[0].path == path, "{path}: {found:#?}");
    }
}

#[test]
fn what_others_find_has_its_line() {
    let found = located(GOOD, vec![("/steps/0/ask/type".to_owned(), "No.".to_owned())]);
    assert_eq!((found[0].line, found[0].column, found[0].path.as_str()), (7, 7, "steps[0].ask.type"));
}

#[test]
fn syntax_errors_have_a_place() {
    for (source, line) in
        [("flow: test\nname: [", 2), ("flow: test\nname: x\n  bad: y", 3), ("flow: test\nflow: test", 2), ("", 1)]
    {
        let found = problems(source);
        assert!(!found.is_empty() && found[0].line.abs_diff(line) <= 1, "{source:?}: {found:#?}");
    }
    assert!(problems(&"#".repeat(300_000))[0].message.contains("longer than"));
}

#[test]
fn whatsapp_limits() {
    let choice = |options: &str| GOOD.replacen("type: text", &format!("type: choice\n      options: [{options}]"), 1);
    let option = |index: usize, label: &str| format!("{{id: o{index}, label: \"{label}\"}}");
    let many = |count: usize, label: &str| {
        (0..count).map(|index| option(index, &format!("{label}{index}"))).collect::<Vec<_>>().join(", ")
    };
    for (options, fits) in [
        (many(3, &"x".repeat(19)), true),
        (many(3, &"x".repeat(20)), false),
        (many(4, &"x".repeat(23)), true),
        (many(4, &"x".repeat(24)), false),
        (many(10, "x"), true),
        (many(11, "x"), false),
        ("{id: a, label: A, description: shown in lists only}".to_owned(), false),
        (format!("{}, {{id: z, label: Z, description: {}}}", many(3, "x"), "d".repeat(72)), true),
        (format!("{}, {{id: z, label: Z, description: {}}}", many(3, "x"), "d".repeat(73)), false),
        (format!("{}, {}", option(1, "A"), option(2, "A")), false),
        ("{id: a, label: \"{{ name }}\"}".to_owned(), false),
    ] {
        assert_eq!(problems(&choice(&options)).is_empty(), fits, "{options}: {:#?}", problems(&choice(&options)));
    }
    let prompt = |source: &str, length: usize| source.replacen("Name?", &"x".repeat(length), 1);
    assert!(problems(&prompt(GOOD, 4096)).is_empty());
    assert!(!problems(&prompt(GOOD, 4097)).is_empty());
    let source = choice(&many(2, "x"));
    assert!(problems(&prompt(&source, 1024)).is_empty());
    assert!(!problems(&prompt(&source, 1025)).is_empty());
}

#[test]
fn circles_and_dead_ends() {
    let flow = |steps: &str| format!("flow: test\nname: Test\nagent: {{queue: sales}}\nsteps:\n{steps}");
    let found = problems(&flow("  - {id: a, say: {text: A}}\n  - {id: b, goto: a}\n"));
    assert!(found.iter().any(|problem| problem.message.contains("circle") && problem.line == 5), "{found:#?}");
    assert!(found.iter().any(|problem| problem.message.contains("no way leads to a handover")), "{found:#?}");
    let asking = "  - {id: a, ask: {type: text, prompt: A, on_fail: c}}\n  - {id: b, if: [{when: \"a == 'x'\", goto: c}, {goto: a}]}\n  - {id: c, end: {}}\n";
    assert_eq!(problems(&flow(asking)), [], "a circle with a question in it is a conversation");
    let skipping = asking.replace("on_fail: c}", "on_fail: c, skip_if: \"a\"}");
    let found = problems(&flow(&skipping));
    assert!(
        found.iter().any(|problem| problem.message.contains("circle")),
        "a question that is skipped does not stop it"
    );
    let late_else = "  - {id: b, if: [{goto: c}, {when: \"locale == 'x'\", goto: c}]}\n  - {id: c, end: {}}\n";
    assert!(problems(&flow(late_else)).iter().any(|problem| problem.message.contains("Only the last branch")));
    let twice = "  - {id: a, say: {text: A}}\n  - {id: a, end: {}}\n";
    assert!(problems(&flow(twice)).iter().any(|problem| problem.path == "steps[1].id"));
    let field = "  - {id: a, update: {\"contact.First Name\": x}}\n  - {id: b, end: {}}\n";
    assert!(problems(&flow(field)).iter().any(|problem| problem.message.contains("contact.<name>")));
}

#[test]
fn the_published_schema_describes_the_definition() {
    let schema = schema();
    assert_eq!(schema["title"], "Definition");
    assert!(schema["properties"]["steps"]["description"].is_string());
    assert_eq!(schema["additionalProperties"], false);
}

proptest! {
    #[test]
    fn any_damage_is_survived(at in 0usize..2000, length in 0usize..40, put in "[ a-z:{}\\[\\]\"'#\n-]{0,12}") {
        let mut source = PALETTE.to_owned();
        let at = (0..=at.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap();
        let end = (at + length).min(source.len());
        let end = (end..=source.len()).find(|end| source.is_char_boundary(*end)).unwrap();
        source.replace_range(at..end, &put);
        if let Err(found) = parse(&source) {
            prop_assert!(!found.is_empty());
            let lines = source.lines().count() as u64 + 1;
            for problem in found {
                prop_assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{}", problem);
                prop_assert!(!problem.message.is_empty());
            }
        }
    }
}
