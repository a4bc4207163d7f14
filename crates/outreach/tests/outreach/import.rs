use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use segue_model::{
    actor::Actor,
    consent::{ConsentAction, ConsentState},
};
use segue_outreach::import::{self, ImportConsent, ImportOptions, ImportTask};
use segue_store::{
    contact::{ContactQuery, ContactView},
    import::{ImportState, ImportView},
};

use crate::world::{World, phone, worlds};

fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("contacts.csv");
    std::fs::write(&path, content).unwrap();
    (directory, path)
}

fn options(mapping: &[(&str, &str)]) -> ImportOptions {
    ImportOptions {
        list_name: Some("Imported".to_owned()),
        mapping: mapping.iter().map(|(column, field)| ((*column).to_owned(), (*field).to_owned())).collect(),
        default_country: "US".to_owned(),
        ..ImportOptions::default()
    }
}

fn with_consent(options: ImportOptions, column: Option<&str>) -> ImportOptions {
    let consent = ImportConsent {
        column: column.map(str::to_owned),
        wording: Some("Yes, text me".to_owned()),
        method: Some("paper".to_owned()),
        proof: None,
    };
    ImportOptions { consent: Some(consent), ..options }
}

async fn begin(world: &World, path: PathBuf, options: ImportOptions) -> ImportTask {
    let (store, ctx) = (&world.test.store, &world.test.ctx);
    let begun = import::begin(store, ctx, world.ws(), &Actor::System, "contacts.csv", &options).await.unwrap();
    assert_eq!(begun.state, ImportState::Running);
    ImportTask { workspace_id: world.ws(), import_id: begun.id, actor: Actor::System, path, options }
}

async fn run(world: &World, content: &[u8], options: ImportOptions) -> ImportView {
    let (_directory, path) = file(content);
    let task = begin(world, path, options).await;
    import::run(&world.test.store, &world.test.ctx, &task, |_| {}).await.unwrap()
}

fn counts(import: &ImportView) -> (i64, i64, i64, i64, i64) {
    (import.rows_read, import.created, import.updated, import.rejected, import.opted_in)
}

async fn contacts(world: &World) -> BTreeMap<String, ContactView> {
    let ws = world.ws();
    let query = ContactQuery { limit: 10_000, ..ContactQuery::default() };
    let found = world.write(move |tx| tx.contacts(ws, &query)).await;
    found.into_iter().map(|contact| (contact.phone.clone().unwrap().to_string(), contact)).collect()
}

const GOLDEN: &str = "\u{feff}Mobile;First name;E-Mail;Order No.;Opt in;Zone\r\n\
    (212) 555-0100;Ana;ana@example.com;7;yes;America/New_York\r\n\
    +44 20 7946 0018;\"Smith; Ben\";;;no;\r\n\
    12;Short;;;yes;\r\n\
    ;Nobody;;;yes;\r\n\
    212-555-0100;Again;;;yes;\r\n\
    \r\n\
    2125550101;Cleo;cleo at example;;yes;\r\n\
    2125550102;Dan;;;yes;Mars/Base\r\n\
    2125550103;Eve;;;yes;;;surplus\r\n\
    '+12125550104;=1+1;;;X\r\n\
    2125550105;\"Fay\r\nof two lines\";;;;\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_everything_that_goes_wrong() {
    let mapping = [
        ("Mobile", "phone"),
        ("First name", "first_name"),
        ("E-Mail", "email"),
        ("Order No.", "Order No."),
        ("Zone", "time_zone"),
    ];
    for world in worlds().await {
        let (store, ws) = (&world.test.store, world.ws());
        let import = run(&world, GOLDEN.as_bytes(), with_consent(options(&mapping), Some("Opt in"))).await;
        assert_eq!((import.state, import.detail.as_deref()), (ImportState::Done, None));
        assert_eq!(counts(&import), (10, 4, 0, 6, 2), "{}", world.test.engine);

        let found = contacts(&world).await;
        let shown: Vec<_> = found
            .values()
            .map(|it| (it.phone.as_ref().unwrap().as_str(), it.first_name.as_deref().unwrap(), it.sms_consent))
            .collect();
        use ConsentState::{Granted, None as Nothing};
        let expected = [
            ("+12125550100", "Ana", Granted),
            ("+12125550104", "=1+1", Granted),
            ("+12125550105", "Fayof two lines", Nothing),
            ("+442079460018", "Smith; Ben", Nothing),
        ];
        assert_eq!(shown, expected);
        let ana = &found["+12125550100"];
        assert_eq!((ana.attributes["order_no"].as_str(), ana.time_zone.as_deref()), ("7", Some("America/New_York")));
        assert_eq!(ana.whatsapp_consent, Nothing, "a consent to SMS is none to WhatsApp");
        let address = "+12125550100";
        let event = world.write(move |tx| tx.consent_events(ws, address, None, 1)).await.remove(0);
        assert_eq!((event.wording.as_deref(), event.method.as_str()), (Some("Yes, text me"), "paper"));
        assert_eq!(event.proof, Some(format!("{} row 2", import.id)));
        let lists = segue_outreach::contacts::lists(store, ws).await.unwrap();
        assert_eq!((lists[0].name.as_str(), lists[0].member_count, Some(lists[0].id)), ("Imported", 4, import.list_id));

        let errors = import::errors_csv(store, ws, import.id).await.unwrap();
        let expected = "\
\"row\",\"problem\",\"Mobile\",\"First name\",\"E-Mail\",\"Order No.\",\"Opt in\",\"Zone\"\r
\"4\",\"No phone number of this country has this form. Check the digits.\",\"12\",\"Short\",\"\",\"\",\"yes\",\"\"\r
\"5\",\"The phone number is empty.\",\"\",\"Nobody\",\"\",\"\",\"yes\",\"\"\r
\"6\",\"This phone number stands in row 2 already.\",\"212-555-0100\",\"Again\",\"\",\"\",\"yes\",\"\"\r
\"7\",\"This is not an e-mail address.\",\"2125550101\",\"Cleo\",\"cleo at example\",\"\",\"yes\",\"\"\r
\"8\",\"This time zone is not known. Use a name such as America/New_York.\",\"2125550102\",\"Dan\",\"\",\"\",\"yes\",\"Mars/Base\"\r
\"9\",\"The row has 8 cells, the header has 6. A cell that holds the separator must stand in quotation marks.\",\"2125550103\",\"Eve\",\"\",\"\",\"yes\",\"\",\"\",\"surplus\"\r
";
        assert_eq!(errors, expected, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_of_refused_rows_is_harmless_and_can_be_imported_when_corrected() {
    for world in worlds().await {
        let mapping = [("Phone", "phone"), ("Name", "first_name"), ("Zone", "time_zone")];
        let content = b"Phone,Name,Zone\n+12125550100,=cmd()|x,Mars\n+12125550101,@x,Mars\n";
        let import = run(&world, content, options(&mapping)).await;
        assert_eq!(counts(&import), (2, 0, 0, 2, 0));
        let errors = import::errors_csv(&world.test.store, world.ws(), import.id).await.unwrap();
        for cell in errors.split(['\n', ',']).map(|cell| cell.trim_matches(['"', '\r'])) {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
        }
        let corrected = errors.replace("Mars", "Europe/Paris");
        let import = run(&world, corrected.as_bytes(), options(&mapping)).await;
        assert_eq!(counts(&import), (2, 2, 0, 0, 0));
        assert_eq!(contacts(&world).await["+12125550100"].first_name.as_deref(), Some("=cmd()|x"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_merges_by_phone_number_and_erases_nothing() {
    for world in worlds().await {
        let mapping = [("p", "phone"), ("f", "first_name"), ("l", "last_name"), ("a", "city"), ("b", "shoe")];
        let first = b"p,f,l,a,b\n2125550100,Ana,Lima,Rome,38\n2125550101,Ben,,,\n";
        assert_eq!(counts(&run(&world, first, options(&mapping)).await), (2, 2, 0, 0, 0));
        assert_eq!(counts(&run(&world, first, options(&mapping)).await), (2, 0, 0, 0, 0), "again: nothing changes");
        let second = b"p,f,l,a,b\n2125550100,, ,Oslo,\n2125550101,,Bo,,\n2125550102,Cleo,,,\n";
        assert_eq!(counts(&run(&world, second, options(&mapping)).await), (3, 1, 2, 0, 0));
        let found = contacts(&world).await;
        let ana = &found["+12125550100"];
        assert_eq!((ana.first_name.as_deref(), ana.last_name.as_deref()), (Some("Ana"), Some("Lima")));
        assert_eq!((ana.attributes["city"].as_str(), ana.attributes["shoe"].as_str()), ("Oslo", "38"));
        assert_eq!(found["+12125550101"].last_name.as_deref(), Some("Bo"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_needs_evidence_and_never_brings_back_who_said_no() {
    let content = b"p,ok\n2125550100,yes\n2125550101,yes\n2125550102,no\n";
    let mapping = [("p", "phone")];
    for world in worlds().await {
        world.consent("+12125550101", ConsentAction::Revoke).await;
        world.test.clock.advance(60_000);
        for (method, wording, proof) in
            [(None, Some("Yes"), Some("form 7")), (Some("paper"), None, None), (Some("paper"), Some(" "), None)]
        {
            let text = |it: Option<&str>| it.map(str::to_owned);
            let consent =
                ImportConsent { column: None, method: text(method), wording: text(wording), proof: text(proof) };
            let import = run(&world, content, ImportOptions { consent: Some(consent), ..options(&mapping) }).await;
            assert_eq!((import.state, import.opted_in), (ImportState::Done, 0));
            assert!(import.detail.unwrap().contains("without opt-in"));
        }
        let states =
            || async { contacts(&world).await.values().map(|contact| contact.sms_consent).collect::<Vec<_>>() };
        use ConsentState::{Granted, None as Nothing, Revoked};
        assert_eq!(states().await, [Nothing, Revoked, Nothing]);

        let import = run(&world, content, with_consent(options(&mapping), Some("ok"))).await;
        assert_eq!(import.opted_in, 1);
        assert_eq!(import.detail.as_deref(), Some("1 had opted out and stay opted out."));
        assert_eq!(states().await, [Granted, Revoked, Nothing], "{}", world.test.engine);

        // The same again adds nothing to the ledger.
        let import = run(&world, content, with_consent(options(&mapping), Some("ok"))).await;
        assert_eq!(import.opted_in, 1);
        let ws = world.ws();
        let ledger = world.write(move |tx| tx.consent_events(ws, "+12125550100", None, 10)).await;
        assert_eq!(ledger.len(), 1);
        let unknown = ImportConsent { method: Some("telepathy".to_owned()), ..ImportConsent::default() };
        let refused = ImportOptions { consent: Some(unknown), ..options(&mapping) };
        let (store, ctx) = (&world.test.store, &world.test.ctx);
        let refused = import::begin(store, ctx, ws, &Actor::System, "x", &refused).await.unwrap_err();
        assert_eq!(refused.field(), Some("consent"));
    }
}

fn numbers(count: u32) -> Vec<u8> {
    let mut content = String::from("phone,name\n");
    for n in 0..count {
        content.push_str(&format!("{},Person {n}\n", phone(n)));
    }
    content.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_go_in_chunks_and_tell_how_far_they_are() {
    for world in worlds().await {
        let (_directory, path) = file(&numbers(3_500));
        let task =
            begin(&world, path, with_consent(options(&[("phone", "phone"), ("name", "first_name")]), None)).await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let progress = Arc::clone(&seen);
        let import = import::run(&world.test.store, &world.test.ctx, &task, |import| {
            progress.lock().unwrap().push(import.rows_read);
        });
        let import = import.await.unwrap();
        assert_eq!(counts(&import), (3_500, 3_500, 0, 0, 3_500), "{}", world.test.engine);
        let seen = seen.lock().unwrap().clone();
        assert!(seen.len() >= 5 && seen.is_sorted(), "{seen:?}");
        assert!(seen.windows(2).all(|pair| pair[1] - pair[0] <= import::CHUNK as i64), "{seen:?}");
        let told = world.events().await.into_iter().filter(|(kind, _)| kind == "import.progress").collect::<Vec<_>>();
        assert_eq!(told.last().unwrap().1["import"]["state"], "done");
        assert!(!world.events().await.iter().any(|(kind, _)| kind == "consent.changed"), "told as a whole");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_whole_chunks_and_the_same_file_again_completes_it() {
    for world in worlds().await {
        let content = numbers(2_700);
        let chosen = with_consent(options(&[("phone", "phone")]), None);
        let (_directory, path) = file(&content);
        let task = begin(&world, path, chosen.clone()).await;
        // The process ends right after the first chunk's commit.
        let (store, ctx, dying) = (world.test.store.clone(), world.test.ctx.clone(), task.clone());
        let died = tokio::spawn(async move {
            import::run(&store, &ctx, &dying, |_| std::panic::resume_unwind(Box::new("the process ends"))).await
        });
        assert!(died.await.is_err());
        let left = contacts(&world).await.len();
        assert!((900..2_700).contains(&left), "{left}");

        world.test.clock.advance(import::INTERRUPTED_AFTER - 1);
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        let get = || import::get(&world.test.store, world.ws(), task.import_id);
        assert_eq!(get().await.unwrap().state, ImportState::Running);
        world.test.clock.advance(2);
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        let interrupted = get().await.unwrap();
        assert_eq!(interrupted.state, ImportState::Failed);
        assert!(interrupted.detail.unwrap().contains("Import the same file again"));

        let again = run(&world, &content, chosen).await;
        assert_eq!((again.created, again.opted_in), (2_700 - left as i64, 2_700), "{}", world.test.engine);
        assert_eq!(contacts(&world).await.len(), 2_700);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_off_keeps_its_rows_and_says_why() {
    for world in worlds().await {
        let mut content = numbers(1_500);
        content.extend(b"+12125559999,\"never closed\n");
        content.extend(b"x,y\n".repeat(400_000));
        let import = run(&world, &content, options(&[("phone", "phone")])).await;
        assert_eq!(import.state, ImportState::Failed);
        assert!(import.detail.unwrap().contains("quotation mark"));
        assert!(import.rows_read >= 900, "{}", import.rows_read);
        let missing = run(&world, b"tel\n1\n", options(&[("phone", "phone")])).await;
        assert_eq!(missing.state, ImportState::Failed);
        assert!(missing.detail.unwrap().contains("no column 'phone'"));
    }
}

#[test]
fn a_preview_suggests_fields_by_name_and_by_content() {
    let (_directory, path) = file(GOLDEN.as_bytes());
    let preview = import::preview(&path, "US").unwrap();
    let columns: Vec<_> =
        preview.columns.iter().map(|column| (column.name.as_str(), column.suggestion.as_deref())).collect();
    let expected = [
        ("Mobile", Some("phone")),
        ("First name", Some("first_name")),
        ("E-Mail", Some("email")),
        ("Order No.", None),
        ("Opt in", None),
        ("Zone", None),
    ];
    assert_eq!(columns, expected);
    assert_eq!(preview.columns[3].samples, ["7"]);
    assert_eq!(preview.rows_estimated, 10);

    let (_directory, path) = file(b"who,what\nAna,(212) 555-0100\nBen,+44 20 7946 0018\n");
    let preview = import::preview(&path, "US").unwrap();
    assert_eq!(preview.columns[1].suggestion.as_deref(), Some("phone"));

    let (_directory, path) = file(&numbers(20_000));
    let estimated = import::preview(&path, "US").unwrap().rows_estimated;
    assert!((18_000..=22_000).contains(&estimated), "{estimated}");
}
