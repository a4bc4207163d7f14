//! What a workspace sets about consent.

use std::collections::BTreeMap;

use segue_model::{
    consent::OptOutScope,
    keyword::{ExtraWord, Keyword},
};
use serde::{Deserialize, Serialize};

/// How opt-outs are read, how far they reach and how they are answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = ConsentRules)]
pub struct ConsentSettings {
    /// How far a STOP reaches.
    pub opt_out_scope: OptOutScope,
    /// Words that count beside the built-in ones.
    pub extra_words: Vec<ExtraWord>,
    /// Answers in other languages than the workspace's own, by BCP 47 tag.
    pub replies: BTreeMap<String, KeywordReplies>,
    /// Families that are obeyed and not answered, such as when the carrier answers them.
    pub silent: Vec<Keyword>,
    /// Most words that one sender may have.
    pub keyword_quota: u32,
}

/// Answers to STOP, START and HELP in one language; an empty one falls back to the workspace's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeywordReplies {
    pub stop: String,
    pub start: String,
    pub help: String,
}

impl KeywordReplies {
    fn of(&self, keyword: Keyword) -> &str {
        match keyword {
            Keyword::Stop => &self.stop,
            Keyword::Start => &self.start,
            Keyword::Help => &self.help,
        }
    }
}

impl Default for ConsentSettings {
    fn default() -> Self {
        Self {
            opt_out_scope: OptOutScope::All,
            extra_words: Vec::new(),
            replies: defaults(),
            silent: Vec::new(),
            keyword_quota: 100,
        }
    }
}

impl ConsentSettings {
    /// The answer to a keyword in its language, when there is one.
    #[must_use]
    pub fn reply(&self, keyword: Keyword, language: &str) -> Option<&str> {
        self.replies.get(language).map(|replies| replies.of(keyword)).filter(|text| !text.trim().is_empty())
    }
}

/// `{brand}` is filled in. Every confirmation of a STOP fits into one segment and has nothing promotional.
fn defaults() -> BTreeMap<String, KeywordReplies> {
    [
        (
            "es",
            "{brand}: te has dado de baja y no recibirás más mensajes. Responde START para volver.",
            "{brand}: vuelves a recibir mensajes. Responde AYUDA para ayuda, STOP para terminar.",
            "{brand}: responde STOP para no recibir mensajes. Pueden aplicarse tarifas.",
        ),
        (
            "fr",
            "{brand} : vous êtes désabonné et ne recevrez plus de messages. Répondez START pour revenir.",
            "{brand} : vous recevez de nouveau nos messages. AIDE pour de l'aide, STOP pour arrêter.",
            "{brand} : répondez STOP pour ne plus recevoir de messages. Des frais peuvent s'appliquer.",
        ),
        (
            "de",
            "{brand}: Sie sind abgemeldet und erhalten keine Nachrichten mehr. Mit START melden Sie sich wieder an.",
            "{brand}: Sie erhalten wieder Nachrichten. HILFE für Hilfe, STOP zum Abmelden.",
            "{brand}: Mit STOP beenden Sie die Nachrichten. Es können Kosten anfallen.",
        ),
        (
            "it",
            "{brand}: iscrizione annullata, non riceverai altri messaggi. Rispondi START per tornare.",
            "{brand}: ricevi di nuovo i messaggi. AIUTO per assistenza, STOP per terminare.",
            "{brand}: rispondi STOP per non ricevere messaggi. Possono esserci costi.",
        ),
        (
            "pt",
            "{brand}: a sua inscrição foi cancelada e não vai receber mais mensagens. Responda START para voltar.",
            "{brand}: volta a receber mensagens. Responda AJUDA para ajuda, STOP para sair.",
            "{brand}: responda STOP para não receber mensagens. Podem aplicar-se tarifas.",
        ),
        (
            "nl",
            "{brand}: u bent afgemeld en krijgt geen berichten meer. Antwoord START om terug te komen.",
            "{brand}: u krijgt weer berichten. HULP voor hulp, STOP om te stoppen.",
            "{brand}: antwoord STOP om geen berichten meer te krijgen. Er kunnen kosten zijn.",
        ),
        (
            "pl",
            "{brand}: wypisano, nie otrzymasz kolejnych wiadomości. Odpisz START, aby wrócić.",
            "{brand}: znów otrzymujesz wiadomości. POMOC po pomoc, STOP, aby zakończyć.",
            "{brand}: odpisz STOP, aby nie otrzymywać wiadomości. Mogą obowiązywać opłaty.",
        ),
        (
            "tr",
            "{brand}: aboneliğiniz sona erdi, artık mesaj almayacaksınız. Dönmek için START yazın.",
            "{brand}: yeniden mesaj alacaksınız. Yardım için YARDIM, çıkmak için STOP yazın.",
            "{brand}: mesaj almamak için STOP yazın. Ücret uygulanabilir.",
        ),
        (
            "ar",
            "{brand}: تم إلغاء اشتراكك ولن تصلك رسائل أخرى. أرسل START للعودة.",
            "{brand}: ستصلك رسائلنا من جديد. أرسل مساعدة للمساعدة أو STOP للإلغاء.",
            "{brand}: أرسل STOP لإيقاف الرسائل. قد تطبق رسوم.",
        ),
        (
            "hi",
            "{brand}: आपकी सदस्यता समाप्त है, और संदेश नहीं आएँगे। लौटने के लिए START लिखें।",
            "{brand}: आपको फिर संदेश मिलेंगे। मदद के लिए मदद, रोकने के लिए STOP लिखें।",
            "{brand}: संदेश रोकने के लिए STOP लिखें। शुल्क लग सकता है।",
        ),
        (
            "id",
            "{brand}: Anda telah berhenti dan tidak akan menerima pesan lagi. Balas START untuk kembali.",
            "{brand}: Anda kembali menerima pesan. BANTUAN untuk bantuan, STOP untuk berhenti.",
            "{brand}: balas STOP untuk menghentikan pesan. Biaya dapat berlaku.",
        ),
    ]
    .into_iter()
    .map(|(language, stop, start, help)| {
        let replies = KeywordReplies { stop: stop.to_owned(), start: start.to_owned(), help: help.to_owned() };
        (language.to_owned(), replies)
    })
    .collect()
}
