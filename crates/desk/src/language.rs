//! Which language a customer writes in.
//!
//! Read from the customer's own texts alone, never from what stood in a link, a button or a file, and only when it is
//! plain: a message that leaves doubt says nothing, and several short ones together may say what none of them does. A
//! language that a person has said is never replaced. It is noted in the transaction that takes the message in, so a crash
//! leaves both or neither.

use std::sync::LazyLock;

use segue_channels::whatsapp::Content;
use segue_model::{Ctx, MessagingUserId, SessionId, WorkspaceId, actor::Actor, language};
use segue_store::{
    Store, StoreError, Tx,
    customer_language::{CustomerLanguage, LanguageBy},
    session::Session,
};
use whatlang::{Detector, Lang, Script};

use crate::{
    DeskError,
    inbound::Desk,
    notice::Notices,
    sessions::{self, Standing},
};

/// So many letters it takes, where a letter is a sound.
const LETTERS: usize = 20;
/// So many where a letter is a syllable or a word.
const SIGNS: usize = 6;
/// So certain it has to be, in per cent.
const CERTAIN: u8 = 85;
/// So many messages of a session are listened to: a language shows in the first ones or not at all, and to tell it costs more
/// than to store a message.
const HEARD: u32 = 6;
/// And so many where nothing could make what is known more certain: whoever changes the language does it at the begin.
const HEARD_WHEN_CERTAIN: u32 = 3;
/// Most texts that are read together, and most characters of them.
const TEXTS: u32 = HEARD;
const TOGETHER: usize = 600;

/// The languages that are told apart, with their tags. Rare ones that short texts are easily taken for are left out.
const LANGUAGES: &[(Lang, &str)] = &[
    (Lang::Ara, "ar"),
    (Lang::Ben, "bn"),
    (Lang::Bul, "bg"),
    (Lang::Cat, "ca"),
    (Lang::Ces, "cs"),
    (Lang::Cmn, "zh"),
    (Lang::Dan, "da"),
    (Lang::Deu, "de"),
    (Lang::Ell, "el"),
    (Lang::Eng, "en"),
    (Lang::Est, "et"),
    (Lang::Fin, "fi"),
    (Lang::Fra, "fr"),
    (Lang::Heb, "he"),
    (Lang::Hin, "hi"),
    (Lang::Hrv, "hr"),
    (Lang::Hun, "hu"),
    (Lang::Ind, "id"),
    (Lang::Ita, "it"),
    (Lang::Jpn, "ja"),
    (Lang::Kat, "ka"),
    (Lang::Kor, "ko"),
    (Lang::Lav, "lv"),
    (Lang::Lit, "lt"),
    (Lang::Nld, "nl"),
    (Lang::Nob, "nb"),
    (Lang::Pes, "fa"),
    (Lang::Pol, "pl"),
    (Lang::Por, "pt"),
    (Lang::Ron, "ro"),
    (Lang::Rus, "ru"),
    (Lang::Slk, "sk"),
    (Lang::Slv, "sl"),
    (Lang::Spa, "es"),
    (Lang::Srp, "sr"),
    (Lang::Swe, "sv"),
    (Lang::Tam, "ta"),
    (Lang::Tha, "th"),
    (Lang::Tur, "tr"),
    (Lang::Ukr, "uk"),
    (Lang::Urd, "ur"),
    (Lang::Vie, "vi"),
];

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::with_allowlist(LANGUAGES.iter().map(|(language, _)| *language).collect()));

/// The language of a text and how certain that is, when it is plain.
pub(crate) fn detect(text: &str) -> Option<(&'static str, u8)> {
    // Addresses and codes are no words of a language.
    let words: Vec<&str> =
        text.split_whitespace().filter(|word| !word.contains("://") && !word.contains('@')).collect();
    let words = words.join(" ");
    let letters = words.chars().filter(|character| character.is_alphabetic()).count();
    if letters < SIGNS {
        return None;
    }
    let enough = match whatlang::detect_script(&words)? {
        Script::Mandarin | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Thai => SIGNS,
        _ => LETTERS,
    };
    if letters < enough {
        return None;
    }
    let found = DETECTOR.detect(&words)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
    let certainty = (found.confidence().clamp(0.0, 1.0) * 100.0).round() as u8;
    if certainty < CERTAIN {
        return None;
    }
    LANGUAGES.iter().find(|(language, _)| *language == found.lang()).map(|(_, tag)| (*tag, certainty))
}

/// Looks at what a customer has just written. `is_own` is false for a text that stood in a link.
pub(crate) fn hear(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &Session,
    content: &Content,
    is_own: bool,
) -> Result<(), StoreError> {
    let Content::Text { body } = content else { return Ok(()) };
    if !is_own || session.numbers.customer_messages > HEARD {
        return Ok(());
    }
    let (workspace_id, user_id) = (desk.workspace_id(), session.messaging_user_id);
    let known = tx.customer_language(workspace_id, user_id)?;
    let is_certain = |known: &CustomerLanguage| {
        known.by == LanguageBy::Person
            || (known.certainty == Some(100) && session.numbers.customer_messages > HEARD_WHEN_CERTAIN)
    };
    if known.as_ref().is_some_and(is_certain) {
        return Ok(());
    }
    let found = match detect(body) {
        // Once something is known, only a text that is plain by itself changes it.
        None if known.is_none() && session.numbers.customer_messages > 1 => {
            detect_together(tx, workspace_id, session.id)?
        }
        found => found,
    };
    let Some((language, certainty)) = found else { return Ok(()) };
    let is_news = known.is_none_or(|known| known.language != language || known.certainty < Some(certainty));
    if is_news {
        tx.detect_customer_language(workspace_id, user_id, (language, certainty), desk.ctx.now())?;
    }
    Ok(())
}

/// The language of the customer's latest texts in a session, read as one.
fn detect_together(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session_id: SessionId,
) -> Result<Option<(&'static str, u8)>, StoreError> {
    let mut texts = tx.own_texts(workspace_id, session_id, TEXTS)?;
    texts.reverse();
    let together: String = texts.join(" ").chars().take(TOGETHER).collect();
    Ok(detect(&together))
}

/// The language to write to a customer in: the one a person said, else that of the contact, else the one detected.
pub(crate) fn of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    user_id: MessagingUserId,
    locale: Option<String>,
) -> Result<Option<String>, StoreError> {
    let known = tx.customer_language(workspace_id, user_id)?;
    Ok(match (known, locale.filter(|locale| !locale.trim().is_empty())) {
        (Some(known), _) if known.by == LanguageBy::Person => Some(known.language),
        (_, Some(locale)) => Some(locale),
        (known, None) => known.map(|known| known.language),
    })
}

/// An agent says which language the customer of a session has; `None` reads it from the customer's latest texts again.
///
/// # Errors
/// [`DeskError::NotOwner`], [`DeskError::InvalidField`] for what is no language, or when there is no such session.
pub async fn set(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    said: Option<String>,
) -> Result<Option<CustomerLanguage>, DeskError> {
    let said = said.map(|said| language::tag(&said));
    if let Some(said) = &said
        && !language::is_tag(said)
    {
        let message = format!("'{said}' is no language. Write it like de or pt-BR.");
        return Err(DeskError::InvalidField { field: "language", message });
    }
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let session = sessions::to_change(tx, workspace_id, session_id)?;
            sessions::require(&actor, &session, Standing::OwnerOrSupervisor)?;
            let user_id = session.messaging_user_id;
            match &said {
                Some(said) => tx.say_customer_language(workspace_id, user_id, said, ctx.now())?,
                None => {
                    tx.forget_customer_language(workspace_id, user_id)?;
                    if let Some(found) = detect_together(tx, workspace_id, session_id)? {
                        tx.detect_customer_language(workspace_id, user_id, found, ctx.now())?;
                    }
                }
            }
            let mut notices = Notices::new(workspace_id);
            notices.session_updated(session_id);
            notices.tell(tx, ctx.now())?;
            Ok(tx.customer_language(workspace_id, user_id)?)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_texts_are_known_and_none_is_taken_for_another() {
        for (text, expected) in [
            ("Guten Tag, meine Bestellung ist noch nicht angekommen", Some("de")),
            ("Die Schuhe sind leider zu klein", Some("de")),
            ("Buongiorno, il mio ordine non è ancora arrivato", Some("it")),
            ("Olá, o meu pedido ainda não chegou", Some("pt")),
            ("Dzień dobry, moje zamówienie jeszcze nie dotarło", Some("pl")),
            ("Quiero cancelar el pedido y que me devuelvan el dinero por favor", Some("es")),
            ("नमस्ते, मेरा ऑर्डर अभी तक नहीं आया है", Some("hi")),
            ("こんにちは、注文した商品がまだ届いていません", Some("ja")),
            ("您好,我的订单还没有到,可以帮我查一下吗", Some("zh")),
            ("안녕하세요 주문한 물건이 아직 도착하지 않았습니다", Some("ko")),
            ("Xin chào, đơn hàng của tôi vẫn chưa đến", Some("vi")),
            // Doubtful: nothing is said rather than something wrong.
            ("Las zapatillas me quedan pequeñas", None),
            ("Hej, min bestilling er ikke kommet endnu", None),
            ("Order 12345 bitte stornieren, danke", None),
            ("My name is Maria Lopez Hernandez", None),
        ] {
            assert_eq!(detect(text).map(|(language, _)| language), expected, "{text}");
        }
    }

    #[test]
    fn what_is_short_or_no_words_says_nothing() {
        for text in ["", "Ja bitte", "Danke schön!", "ok", "👍👍👍", "AB-123456", "+49 151 1234567", "你好"] {
            assert_eq!(detect(text), None, "{text}");
        }
        let address = "https://shop.example.com/die/schuhe/sind/leider/zu/klein maria.lopez@example.com";
        assert_eq!(detect(address), None);
        assert!(detect("Die Schuhe sind leider zu klein https://shop.example.com/x").is_some());
    }

    #[test]
    fn short_texts_together_say_what_none_says_alone() {
        let texts = ["Dank je wel voor je snelle antwoord", "Ik wil graag mijn bestelling annuleren"];
        assert!(texts.iter().all(|text| detect(text).is_none()));
        assert_eq!(detect(&texts.join(" ")).map(|(language, _)| language), Some("nl"));
    }
}
