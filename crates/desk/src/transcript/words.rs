//! What an entry says apart from its text, in words.

use segue_store::{
    message::{AuthorKind, MessageView},
    message_details::SharedCard,
    session::SessionView,
};

/// Who wrote an entry.
pub(super) fn author(session: &SessionView, entry: &MessageView) -> String {
    match (entry.author.kind, &entry.author.name) {
        (AuthorKind::Customer, _) => session.customer.name.clone(),
        (_, Some(name)) => name.clone(),
        (AuthorKind::Bot, None) => "Automatic message".to_owned(),
        (AuthorKind::System, None) => "Segue".to_owned(),
        (AuthorKind::Agent, None) => "A program".to_owned(),
    }
}

/// The file of an entry, by name.
pub(super) fn file(entry: &MessageView) -> Option<String> {
    let media = entry.media.as_ref()?;
    Some(media.file_name.clone().unwrap_or_else(|| format!("{} ({})", media.id, media.mime)))
}

/// Where an outbound entry is, and why it did not arrive.
pub(super) fn state(entry: &MessageView) -> (String, String) {
    let state = entry.state.map(|state| state.to_string()).unwrap_or_default();
    let reason = entry.error.as_ref().map(|error| format!("{} ({})", error.reason, error.code)).unwrap_or_default();
    (state, reason)
}

/// Everything else, a line each.
pub(super) fn lines(entry: &MessageView) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let with = |title: &str, description: &Option<String>| match description {
        Some(description) => format!("{title}: {description}"),
        None => title.to_owned(),
    };
    lines.extend(entry.buttons.iter().map(|button| format!("Button: {}", with(&button.title, &button.description))));
    for section in &entry.sections {
        lines.extend(section.rows.iter().map(|row| format!("Choice: {}", with(&row.title, &row.description))));
    }
    lines.extend(entry.template.iter().map(|template| format!("Template: {} ({})", template.name, template.language)));
    if let Some(id) = entry.reply_to {
        lines.push(format!("About: {id}"));
    }
    let Some(details) = &entry.details else { return lines };
    if let Some(place) = &details.place {
        let name =
            [place.name.as_deref(), place.address.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(", ");
        lines.push(format!("Place: {name} ({}, {})", place.latitude, place.longitude).replace(":  (", ": ("));
    }
    lines.extend(details.cards.iter().map(card));
    for product in &details.order {
        let price = match (product.price, &product.currency) {
            (Some(price), Some(currency)) => format!(", {price} {currency} each"),
            (Some(price), None) => format!(", {price} each"),
            _ => String::new(),
        };
        lines.push(format!("Ordered: {} of {}{price}", product.quantity, product.product));
    }
    lines.extend(details.form.iter().map(|answer| format!("{}: {}", answer.field, answer.answer)));
    if let Some(choice) = &details.choice {
        lines.push(format!("Chose: {}", with(&choice.id, &choice.description)));
    }
    if let Some(came_from) = &details.came_from {
        let words = [&came_from.kind, &came_from.headline, &came_from.url];
        lines.push(format!("Came from: {}", words.into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")));
    }
    lines.extend(details.link.iter().map(|link| format!("Button: {} ({})", link.label, link.url)));
    lines.extend(details.offers.iter().map(|form| format!("Button: {} (form {})", form.label, form.name)));
    lines.extend(details.header.iter().map(|header| format!("Above: {header}")));
    lines.extend(details.footer.iter().map(|footer| format!("Below: {footer}")));
    lines.extend(details.asks_for.iter().map(|asked| format!("Asks for: {asked}")));
    lines.extend(details.product.iter().map(|product| format!("About the product: {product}")));
    for (is_so, words) in [
        (details.forwarded, "Forwarded"),
        (details.edited, "Edited"),
        (details.deleted_at.is_some(), "Deleted by the customer"),
        (details.voice, "Voice message"),
        (details.written_in_app, "Written in the WhatsApp Business app"),
    ] {
        if is_so {
            lines.push(words.to_owned());
        }
    }
    lines
}

fn card(card: &SharedCard) -> String {
    let words: Vec<&str> = card
        .name
        .iter()
        .chain(&card.phones)
        .chain(&card.emails)
        .chain(&card.organisation)
        .map(String::as_str)
        .collect();
    format!("Contact card: {}", words.join(", "))
}
