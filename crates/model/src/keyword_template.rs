//! Ready-made answers to words that people text, to begin a new one from.

use crate::{
    programme::{KeywordAction, Question},
    vote::{Vote, VoteOption},
};

/// A ready-made answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct KeywordTemplate {
    /// Stable name.
    pub id: &'static str,
    pub title: &'static str,
    /// What it is for, in words.
    pub description: &'static str,
    /// A word to begin with.
    pub word: &'static str,
    pub action: KeywordAction,
}

fn question(text: &str, attribute: &str) -> Question {
    Question { text: text.to_owned(), attribute: attribute.to_owned() }
}

fn option(word: &str, label: &str) -> VoteOption {
    VoteOption { word: word.to_owned(), label: label.to_owned() }
}

/// All of them, in the order in which they are offered.
#[must_use]
pub fn keyword_templates() -> Vec<KeywordTemplate> {
    vec![
        KeywordTemplate {
            id: "text_response",
            title: "Text answer",
            description: "One text is sent back.",
            word: "HOURS",
            action: KeywordAction::Reply {
                text: "{brand}: we are open Monday to Friday, 9 to 5. Reply STOP to end.".to_owned(),
                questions: Vec::new(),
                closing: None,
                next_keyword: None,
            },
        },
        KeywordTemplate {
            id: "information_capture",
            title: "Information capture",
            description: "Questions are asked one after the other, and the answers fill the contact.",
            word: "JOIN",
            action: KeywordAction::Reply {
                text: "{brand}: two short questions.".to_owned(),
                questions: vec![question("What is your first name?", "first_name"), question("Your city?", "city")],
                closing: Some("Thank you! Reply STOP to end.".to_owned()),
                next_keyword: None,
            },
        },
        KeywordTemplate {
            id: "vote",
            title: "Vote",
            description: "Each number has one vote, counted until the vote closes.",
            word: "VOTE",
            action: KeywordAction::Vote(Vote {
                text: "{brand}: which do you like best? Reply 1 for Red or 2 for Blue.".to_owned(),
                options: vec![option("RED", "Red"), option("BLUE", "Blue")],
                changeable: false,
                closes_at: None,
                thanks: "{brand}: thank you, your vote for {option} is counted.".to_owned(),
                already: "{brand}: your vote for {option} is counted already.".to_owned(),
                closed: "{brand}: the vote is over. Thank you!".to_owned(),
            }),
        },
        KeywordTemplate {
            id: "email_opt_in",
            title: "E-mail opt-in",
            description: "Asks for the e-mail address and whether you may write there. The answer is kept as the field \
                          email_opt_in; no e-mail is sent from here.",
            word: "EMAIL",
            action: KeywordAction::Reply {
                text: String::new(),
                questions: vec![
                    question("{brand}: reply with your e-mail address to get our news by e-mail.", "email"),
                    question(
                        "Reply AGREE if {brand} may write to this address with offers. You can unsubscribe in each e-mail.",
                        "email_opt_in",
                    ),
                ],
                closing: Some("{brand}: thank you, we have noted your answer.".to_owned()),
                next_keyword: None,
            },
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consent::Medium,
        keyword::Keyword,
        revocation::{self, RevocationVerdict},
    };

    #[test]
    fn no_word_of_a_template_means_something_already() {
        let templates = keyword_templates();
        assert_eq!(
            templates.iter().map(|each| each.id).collect::<Vec<_>>(),
            ["text_response", "information_capture", "vote", "email_opt_in"]
        );
        for template in templates {
            let mut words = vec![template.word.to_owned()];
            if let KeywordAction::Vote(vote) = &template.action {
                words.extend(vote.options.iter().map(|option| option.word.clone()));
                assert!(vote.choice("1").is_some() && vote.choice("2").is_some());
            }
            if template.id == "email_opt_in" {
                words.push("AGREE".to_owned());
            }
            for word in words {
                assert!(Keyword::find(&word, Medium::Sms, &[]).is_none(), "{word}");
                assert!(Keyword::is_taken(&word, &[]).is_none(), "{word}");
                assert_eq!(revocation::read(&word).verdict, RevocationVerdict::No, "{word}");
            }
        }
    }
}
