//! The page before the chat: what a computer shows instead of opening WhatsApp, and where a marketer puts the legal
//! words. It works without scripts, and speaks the language that the browser asks for.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use segue_outreach::redirect::LandingPage;
use segue_store::click::Device;

use super::pages;

/// The page's words in one language.
struct Words {
    language: &'static str,
    /// With `{brand}`.
    title: &'static str,
    lead: &'static str,
    scan: &'static str,
    picture: &'static str,
    button: &'static str,
}

const WORDS: &[Words] = &[
    Words {
        language: "en",
        title: "Chat with {brand}",
        lead: "The conversation opens in WhatsApp. You only have to send the text that stands ready.",
        scan: "Scan the code with your phone's camera, or open WhatsApp on this computer.",
        picture: "QR code that opens the chat",
        button: "Open the chat",
    },
    Words {
        language: "de",
        title: "Chat mit {brand}",
        lead: "Das Gespräch öffnet sich in WhatsApp. Senden Sie einfach den vorbereiteten Text ab.",
        scan: "Scannen Sie den Code mit der Kamera Ihres Telefons oder öffnen Sie WhatsApp auf diesem Computer.",
        picture: "QR-Code, der den Chat öffnet",
        button: "Chat öffnen",
    },
    Words {
        language: "es",
        title: "Chatea con {brand}",
        lead: "La conversación se abre en WhatsApp. Solo tienes que enviar el texto preparado.",
        scan: "Escanea el código con la cámara de tu teléfono o abre WhatsApp en este ordenador.",
        picture: "Código QR que abre el chat",
        button: "Abrir el chat",
    },
    Words {
        language: "fr",
        title: "Discuter avec {brand}",
        lead: "La conversation s'ouvre dans WhatsApp. Il suffit d'envoyer le texte déjà prêt.",
        scan: "Scannez le code avec l'appareil photo de votre téléphone, ou ouvrez WhatsApp sur cet ordinateur.",
        picture: "Code QR qui ouvre la discussion",
        button: "Ouvrir la discussion",
    },
    Words {
        language: "it",
        title: "Chatta con {brand}",
        lead: "La conversazione si apre in WhatsApp. Basta inviare il testo già pronto.",
        scan: "Inquadra il codice con la fotocamera del telefono oppure apri WhatsApp su questo computer.",
        picture: "Codice QR che apre la chat",
        button: "Apri la chat",
    },
    Words {
        language: "pt",
        title: "Converse com {brand}",
        lead: "A conversa abre no WhatsApp. Basta enviar o texto que já está pronto.",
        scan: "Leia o código com a câmera do celular ou abra o WhatsApp neste computador.",
        picture: "Código QR que abre a conversa",
        button: "Abrir a conversa",
    },
];

/// The first language of an `Accept-Language` header that the page speaks; English when there is none.
fn words(accepted: &str) -> &'static Words {
    let spoken = |tag: &str| {
        let language = tag.trim().split(['-', ';']).next().unwrap_or_default();
        WORDS.iter().find(|words| words.language.eq_ignore_ascii_case(language))
    };
    accepted.split(',').take(20).find_map(spoken).unwrap_or(&WORDS[0])
}

/// Text that stands for itself in HTML, also within quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// The page for a recipient.
pub(super) fn page(page: &LandingPage, accepted: &str) -> Response {
    let words = words(accepted);
    let (title, code) = (escape(&words.title.replace("{brand}", &page.brand)), escape(&page.code));
    let mut body = format!("<h1>{title}</h1><p>{}</p>", escape(words.lead));
    if page.device == Device::Desktop {
        let (scan, picture) = (escape(words.scan), escape(words.picture));
        body.push_str(&format!(
            "<img src=\"/l/{code}/qr.svg\" width=\"240\" height=\"240\" alt=\"{picture}\"><p>{scan}</p>"
        ));
    }
    let button = escape(words.button);
    if page.consent_wording.is_empty() {
        body.push_str(&format!("<p><a class=\"button\" href=\"{}\">{button}</a></p>", escape(&page.chat)));
    } else {
        body.push_str(&format!(
            "<form method=\"post\" action=\"/l/{code}\"><label><input type=\"checkbox\" name=\"consent\" \
             value=\"yes\"> <span>{}</span></label><button class=\"button\">{button}</button></form>",
            escape(&page.consent_wording)
        ));
    }
    for paragraph in page.legal_text.lines().filter(|line| !line.trim().is_empty()) {
        body.push_str(&format!("<p class=\"legal\">{}</p>", escape(paragraph.trim())));
    }
    let mut response = pages::document(StatusCode::OK, words.language, &title, &body);
    let headers = response.headers_mut();
    // The form must tell this server where it comes from, and may then lead into the chat.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let origin = page.chat.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    if let Ok(policy) =
        HeaderValue::try_from(pages::POLICY.replace("form-action 'self'", &format!("form-action 'self' {origin}")))
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_first_language_that_is_spoken() {
        for (accepted, expected) in [
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("ja, pt-BR;q=0.7", "pt"),
            ("", "en"),
            ("ja", "en"),
            ("*", "en"),
            ("FR", "fr"),
        ] {
            assert_eq!(words(accepted).language, expected, "{accepted}");
        }
    }

    #[test]
    fn nothing_of_the_words_is_read_as_markup() {
        assert_eq!(escape("<b a=\"1\" b='2'>&"), "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;");
    }
}
