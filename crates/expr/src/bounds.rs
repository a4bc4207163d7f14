//! What the parser is given at most: it calls itself for every bracket and every link of a chain, so a text of a few
//! thousand brackets would use up the stack and end the process. Looked at before anything is parsed.

use crate::{Place, ReadProblem};

/// Brackets within brackets.
const DEEPEST: usize = 24;
/// Words and signs between two of `&&`, `||` and `,`: a test has about ten.
const LONGEST_CHAIN: usize = 24;

/// Refuses what is nested or chained too deep.
pub(crate) fn check(text: &str) -> Result<(), ReadProblem> {
    let (mut depth, mut chain) = (0_usize, 0_usize);
    let (mut line, mut column) = (1, 0);
    let mut quote: Option<char> = None;
    let mut before = ' ';
    let mut escaped = false;
    for letter in text.chars() {
        column += 1;
        if letter == '\n' {
            (line, column) = (line + 1, 0);
        }
        if let Some(open) = quote {
            let ends = letter == open && !escaped;
            escaped = letter == '\\' && !escaped;
            if ends {
                quote = None;
            }
            before = letter;
            continue;
        }
        match letter {
            '"' | '\'' => {
                quote = Some(letter);
                chain += 1;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '&' | '|' | ',' => chain = 0,
            _ if is_word(letter) => chain += usize::from(!is_word(before)),
            _ if letter.is_whitespace() => {}
            _ => chain += 1,
        }
        before = letter;
        let place = Some(Place { line, column });
        if depth > DEEPEST {
            let message =
                format!("The condition is nested deeper than {DEEPEST} brackets. Split it into two segments.");
            return Err(ReadProblem::at(message, place));
        }
        if chain > LONGEST_CHAIN {
            return Err(ReadProblem::at("This test is too long. Join tests with && and ||.", place));
        }
    }
    Ok(())
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}
