//! Checks of a definition beyond its schema: the shape of the graph. Texts are checked in [`lint_text`](crate::lint_text).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Definition,
    answer::pattern,
    definition::{Action, AnswerType, Ask, Step},
    lint_text,
    problem::Finding,
};

/// Everything wrong with a definition that its schema allows.
pub(crate) fn findings(definition: &Definition) -> Vec<Finding> {
    let mut findings = Vec::new();
    step_shapes(definition, &mut findings);
    lint_text::check(definition, &mut findings);
    // Ways through steps of no clear kind cannot be followed.
    if definition.steps.iter().all(|step| step.action().is_some()) {
        graph(definition, &mut findings);
    }
    findings
}

fn step_shapes(definition: &Definition, findings: &mut Vec<Finding>) {
    let mut ids = BTreeSet::new();
    for (index, step) in definition.steps.iter().enumerate() {
        let at = format!("/steps/{index}");
        if !ids.insert(step.id.as_str()) {
            findings.push(Finding::new(
                format!("{at}/id"),
                format!("There is another step '{}'. Ids must differ.", step.id),
            ));
        }
        match step.action() {
            None => findings.push(Finding::new(
                &at,
                "A step does exactly one thing: say, send, ask, set, if, update, handover, end or goto. Split it or complete it.",
            )),
            Some(Action::Ask(ask)) => {
                question(ask, &format!("{at}/ask"), findings);
                form(ask, &format!("{at}/ask"), findings);
            }
            Some(Action::Send(send)) if send.media_id().is_none() => findings
                .push(Finding::new(format!("{at}/send/file"), "This is not the id of a file; one begins with med_.")),
            Some(Action::If(branches)) => {
                if branches.is_empty() {
                    findings.push(Finding::new(format!("{at}/if"), "An if needs a branch."));
                }
                for (number, branch) in branches.iter().enumerate() {
                    if branch.when.is_none() && number + 1 < branches.len() {
                        findings.push(Finding::new(
                            format!("{at}/if/{number}"),
                            "Only the last branch may have no 'when': the ones after it are never taken.",
                        ));
                    }
                }
            }
            Some(Action::Update(fields)) => {
                for field in fields.keys() {
                    if !is_field(field) {
                        findings.push(Finding::new(
                            format!("{at}/update/{field}"),
                            "Write the field as contact.<name> or lead.<name>, in small letters.",
                        ));
                    }
                }
            }
            Some(_) => {}
        }
        if step.goto.is_some() && (step.branches.is_some() || step.handover.is_some() || step.end.is_some()) {
            findings.push(Finding::new(format!("{at}/goto"), "Nothing follows this step by goto; take it out."));
        }
    }
}

fn is_field(field: &str) -> bool {
    field.strip_prefix("contact.").or_else(|| field.strip_prefix("lead.")).is_some_and(|name| {
        name.starts_with(|letter: char| letter.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

fn question(ask: &Ask, at: &str, findings: &mut Vec<Finding>) {
    let mut find = |place: &str, message: &str| findings.push(Finding::new(format!("{at}{place}"), message));
    if ask.on_fail.is_none() {
        find("", "The question has no way out: add on_fail with the step after too many answers that do not fit.");
    }
    match (ask.kind, &ask.pattern) {
        (AnswerType::Regex, None) => find("", "A regex question needs a pattern."),
        (AnswerType::Regex, Some(text)) => {
            if let Err(error) = pattern(text) {
                find("/pattern", &format!("The pattern cannot be read: {error}"));
            }
        }
        (_, Some(_)) => find("/pattern", "Only a regex question has a pattern."),
        (_, None) => {}
    }
    match (ask.kind, ask.options.len()) {
        (AnswerType::Choice, 1..=10) => {}
        (AnswerType::Choice, 0) => find("", "A choice needs options."),
        (AnswerType::Choice, _) => find("/options", "WhatsApp shows at most ten options."),
        (_, 0) => {}
        (_, _) => find("/options", "Only a choice has options."),
    }
    let mut ids = BTreeSet::new();
    let mut labels = BTreeSet::new();
    for (index, option) in ask.options.iter().enumerate() {
        if !ids.insert(&option.id) || !labels.insert(&option.label) {
            find(&format!("/options/{index}"), "There is another option with this id or label.");
        }
    }
    if (ask.min.is_some() || ask.max.is_some()) && ask.kind != AnswerType::Number {
        find("", "Only a number question has min and max.");
    }
    if let (Some(min), Some(max)) = (ask.min, ask.max)
        && min > max
    {
        find("/min", "No number is at least min and at most max.");
    }
}

/// What only a question with a form has.
fn form(ask: &Ask, at: &str, findings: &mut Vec<Finding>) {
    let mut find = |place: &str, message: &str| findings.push(Finding::new(format!("{at}{place}"), message));
    if ask.kind != AnswerType::Form {
        for (place, is_there) in
            [("/form", ask.form.is_some()), ("/button", ask.button.is_some()), ("/fields", !ask.fields.is_empty())]
        {
            if is_there {
                find(place, "Only a question of the type form has this.");
            }
        }
        return;
    }
    if ask.form.is_none() {
        find("", "A form question needs the form's name: add form.");
    }
    for (place, is_there) in
        [("/into", ask.into.is_some()), ("/save", ask.save.is_some()), ("/label", ask.label.is_some())]
    {
        if is_there {
            find(place, "A form's answers go where its fields say. Write this below the field.");
        }
    }
    let (mut names, mut variables) = (BTreeSet::new(), BTreeSet::new());
    for (index, field) in ask.fields.iter().enumerate() {
        let place = format!("/fields/{index}");
        if !is_name(field.variable()) {
            find(&place, "The field's name cannot be that of a variable. Add into with one in small letters.");
        }
        if !names.insert(&field.name) || !variables.insert(field.variable()) {
            find(&place, "There is another field with this name or variable.");
        }
    }
}

/// Whether it can name a variable.
fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A way from one step to the next.
struct Way<'a> {
    /// Where the author wrote it, below the step.
    place: String,
    to: &'a str,
}

fn way(place: impl Into<String>, to: &str) -> Way<'_> {
    Way { place: place.into(), to }
}

/// The ways written at a step, without falling through to the next one.
fn written_ways(step: &Step) -> Vec<Way<'_>> {
    let mut ways = Vec::new();
    ways.extend(step.goto.as_deref().map(|to| way("/goto", to)));
    match step.action() {
        Some(Action::Ask(ask)) => {
            ways.extend(ask.on_fail.as_deref().map(|to| way("/ask/on_fail", to)));
            let silence = ask.no_input.as_ref().and_then(|silence| silence.goto.as_deref());
            ways.extend(silence.map(|to| way("/ask/no_input/goto", to)));
            ways.extend(ask.options.iter().enumerate().filter_map(|(index, option)| {
                Some(way(format!("/ask/options/{index}/goto"), option.goto.as_deref()?))
            }));
        }
        Some(Action::If(branches)) => {
            ways.extend(
                branches.iter().enumerate().map(|(index, branch)| way(format!("/if/{index}/goto"), &branch.goto)),
            );
        }
        _ => {}
    }
    ways
}

/// Whether the conversation may go on at the next step of the list.
fn falls_through(step: &Step) -> bool {
    match step.action() {
        Some(Action::Handover(_) | Action::End(_) | Action::Goto(_)) | None => false,
        Some(Action::If(branches)) => branches.iter().all(|branch| branch.when.is_some()),
        Some(Action::Ask(ask)) => {
            let all_lead_away = !ask.options.is_empty() && ask.options.iter().all(|option| option.goto.is_some());
            step.goto.is_none() && (!all_lead_away || ask.skip_if.is_some())
        }
        Some(Action::Say(_) | Action::Send(_) | Action::Set(_) | Action::Update(_)) => step.goto.is_none(),
    }
}

fn graph(definition: &Definition, findings: &mut Vec<Finding>) {
    let before = findings.len();
    let steps = &definition.steps;
    let index = steps.iter().enumerate().map(|(index, step)| (step.id.as_str(), index)).collect::<BTreeMap<_, _>>();
    let mut next = vec![BTreeSet::new(); steps.len()];
    let unknown = |to: &str| format!("There is no step '{to}'.");
    for (from, step) in steps.iter().enumerate() {
        for way in written_ways(step) {
            match index.get(way.to) {
                Some(to) => {
                    next[from].insert(*to);
                }
                None => findings.push(Finding::new(format!("/steps/{from}{}", way.place), unknown(way.to))),
            }
        }
        if falls_through(step) {
            if from + 1 < steps.len() {
                next[from].insert(from + 1);
            } else {
                findings.push(Finding::new(
                    format!("/steps/{from}"),
                    "The conversation runs off the end here. Add a handover, an end or a goto.",
                ));
            }
        }
    }
    let mut starts = vec![0];
    for (number, trigger) in definition.triggers.iter().enumerate() {
        match index.get(trigger.goto.as_str()) {
            Some(to) => starts.push(*to),
            None => findings.push(Finding::new(format!("/triggers/{number}/goto"), unknown(&trigger.goto))),
        }
    }
    if findings.len() > before {
        // What cannot be reached or left may be so because of a way that is missing.
        return;
    }
    let reachable = closure(&next, starts);
    let terminal = |at: &usize| matches!(steps[*at].action(), Some(Action::Handover(_) | Action::End(_)));
    for at in 0..steps.len() {
        let id = &steps[at].id;
        if !reachable.contains(&at) {
            findings.push(Finding::new(format!("/steps/{at}"), format!("No way leads to the step '{id}'.")));
        } else if !closure(&next, vec![at]).iter().any(terminal) {
            let message = format!("From the step '{id}' no way leads to a handover or an end.");
            findings.push(Finding::new(format!("/steps/{at}"), message));
        }
        if waits(&steps[at]) {
            continue;
        }
        // A way back to itself through steps none of which waits for the customer.
        let silent = next
            .iter()
            .enumerate()
            .map(|(from, ways)| if waits(&steps[from]) { BTreeSet::new() } else { ways.clone() });
        let silent = silent.collect::<Vec<_>>();
        if closure(&silent, next[at].iter().copied().collect()).contains(&at) {
            let message =
                format!("The step '{id}' is in a circle without a question: the conversation would never stop.");
            findings.push(Finding::new(format!("/steps/{at}"), message));
        }
    }
}

/// Whether the step always waits for the customer. A question that may be skipped does not.
fn waits(step: &Step) -> bool {
    step.ask.as_ref().is_some_and(|ask| ask.skip_if.is_none())
}

/// All steps that can be reached from `open`, these included.
fn closure(next: &[BTreeSet<usize>], mut open: Vec<usize>) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    while let Some(at) = open.pop() {
        if seen.insert(at) {
            open.extend(&next[at]);
        }
    }
    seen
}
