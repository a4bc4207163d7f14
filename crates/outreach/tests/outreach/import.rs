use std::{
    collections::BTreeMap,
    io::{Seek as _, SeekFrom, Write as _},
    sync::{Arc, Mutex},
};

use segue_model::{
    ContactId, ImportId,
    actor::Actor,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose},
};
use segue_outreach::import::{self, ImportConsent, ImportFileView, ImportOptions, ImportRequest, Runner, undo};
use segue_store::{
    contact::ContactView,
    contact_page::ContactQuery,
    import::{ImportMode, ImportState, ImportView, UNDO_WINDOW},
};

use crate::world::{World, phone, worlds};

async fn upload(world: &World, content: &[u8]) -> Result<ImportFileView, segue_outreach::OutreachError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    import::take_in(&world.test.store, &world.test.ctx, world.ws(), "contacts.csv", file).await
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
        ..ImportConsent::default()
    };
    ImportOptions { consent: Some(consent), ..options }
}

async fn begin(world: &World, content: &[u8], mode: ImportMode, options: ImportOptions) -> ImportId {
    let (store, ctx) = (&world.test.store, &world.test.ctx);
    let file_id = upload(world, content).await.unwrap().id;
    let request = ImportRequest { file_id, mode, options };
    let begun = import::begin(store, ctx, world.ws(), &Actor::System, request, Runner::Caller).await.unwrap();
    assert_eq!(begun.state, ImportState::Running);
    begun.id
}

async fn go_on(world: &World, id: ImportId) -> ImportView {
    import::run(&world.test.store, &world.test.ctx, world.ws(), id, |_| {}).await.unwrap()
}

async fn run(world: &World, content: &[u8], options: ImportOptions) -> ImportView {
    let id = begin(world, content, ImportMode::Import, options).await;
    go_on(world, id).await
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
async fn no_row_takes_a_contact_past_the_most_attributes() {
    for world in worlds().await {
        let (ws, engine) = (world.ws(), world.test.engine);
        let with = async |names: std::ops::Range<usize>, numbers: &[u32]| {
            let columns = names.map(|number| (format!("a{number}"), format!("a{number}"))).collect::<Vec<_>>();
            let mut mapping: Vec<(&str, &str)> = columns.iter().map(|(c, n)| (c.as_str(), n.as_str())).collect();
            mapping.push(("p", "phone"));
            let header = columns.iter().map(|(column, _)| format!(",{column}")).collect::<String>();
            let rows =
                numbers.iter().map(|it| format!("{}{}\n", phone(*it), ",x".repeat(columns.len()))).collect::<String>();
            run(&world, format!("p{header}\n{rows}").as_bytes(), options(&mapping)).await
        };
        assert_eq!(counts(&with(0..95, &[1]).await), (1, 1, 0, 0, 0), "{engine}");
        let full = with(90..103, &[1, 2]).await;
        assert_eq!(counts(&full), (2, 1, 0, 1, 0), "{engine}");
        assert_eq!(full.rejections["too_many_attributes"], 1, "{engine}");
        let errors = world.write(move |tx| tx.import_errors(ws, full.id, 0, 10)).await;
        let why =
            |error: &segue_store::import::StoredImportError| error.message.contains("have 103 attributes; it has 95");
        assert!(errors.iter().any(why), "{engine}: {errors:?}");
        assert_eq!(contacts(&world).await[&phone(1)].attributes.len(), 95, "{engine}: nothing of the row is written");
        assert_eq!(counts(&with(90..100, &[1]).await), (1, 0, 1, 0, 0), "{engine}: as many as fit");
        assert_eq!(counts(&with(0..100, &[1]).await), (1, 0, 0, 0, 0), "{engine}: no new ones");
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
            let consent = ImportConsent {
                method: text(method),
                wording: text(wording),
                proof: text(proof),
                ..ImportConsent::default()
            };
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

        // The same again is claimed by each import that could be left alone: the one before can still be undone.
        let import = run(&world, content, with_consent(options(&mapping), Some("ok"))).await;
        assert_eq!(import.opted_in, 1);
        let ws = world.ws();
        let ledger = world.write(move |tx| tx.consent_events(ws, "+12125550100", None, 10)).await;
        assert_eq!(ledger.len(), 2);
        let unknown = ImportConsent { method: Some("telepathy".to_owned()), ..ImportConsent::default() };
        let refused = ImportOptions { consent: Some(unknown), ..options(&mapping) };
        let (store, ctx) = (&world.test.store, &world.test.ctx);
        let file_id = upload(&world, content).await.unwrap().id;
        let request = ImportRequest { file_id, mode: ImportMode::Import, options: refused };
        let refused = import::begin(store, ctx, ws, &Actor::System, request, Runner::Caller).await.unwrap_err();
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
        let chosen = with_consent(options(&[("phone", "phone"), ("name", "first_name")]), None);
        let id = begin(&world, &numbers(3_500), ImportMode::Import, chosen).await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let progress = Arc::clone(&seen);
        let import = import::run(&world.test.store, &world.test.ctx, world.ws(), id, |import| {
            assert_eq!(import.rows_total, 3_500);
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
async fn a_crash_leaves_whole_chunks_and_the_import_goes_on_after_the_last() {
    for world in worlds().await {
        let mut content = numbers(2_700);
        // A repeat of a row from before the crash is found after it.
        content.extend(format!("{},Again\n", phone(1)).bytes());
        let chosen = with_consent(options(&[("phone", "phone")]), None);
        let id = begin(&world, &content, ImportMode::Import, chosen).await;
        // The process ends right after the first chunk's commit.
        let (store, ctx, ws) = (world.test.store.clone(), world.test.ctx.clone(), world.ws());
        let died = tokio::spawn(async move {
            import::run(&store, &ctx, ws, id, |_| std::panic::resume_unwind(Box::new("the process ends"))).await
        });
        assert!(died.await.is_err());
        let left = contacts(&world).await.len();
        assert!((900..2_700).contains(&left), "{left}");

        let jobs = || async { world.jobs_of(import::RUN_IMPORT).await.len() };
        world.test.clock.advance(import::INTERRUPTED_AFTER - 1);
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        assert_eq!(jobs().await, 0, "it may still be at work");
        world.test.clock.advance(2);
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        assert_eq!(jobs().await, 1);
        // Two workers take it up at once: each chunk is written by one of them.
        tokio::join!(go_on(&world, id), go_on(&world, id));
        let import = import::get(&world.test.store, world.ws(), id).await.unwrap();
        assert_eq!(import.state, ImportState::Done);
        assert_eq!(counts(&import), (2_701, 2_700, 0, 1, 2_700), "{}", world.test.engine);
        assert_eq!(import.rejections["duplicate_in_file"], 1);
        assert_eq!(contacts(&world).await.len(), 2_700);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_does_not_fit_is_refused_before_anything_is_imported() {
    for world in worlds().await {
        let mut content = numbers(1_500);
        content.extend(b"+12125559999,\"never closed\n");
        content.extend(b"x,y\n".repeat(400_000));
        let refused = upload(&world, &content).await.unwrap_err();
        assert!(refused.to_string().contains("quotation mark"));
        assert!(upload(&world, b"phone\n").await.unwrap_err().to_string().contains("no rows"));
        let file_id = upload(&world, b"tel\n1\n").await.unwrap().id;
        let (store, ctx) = (&world.test.store, &world.test.ctx);
        let request = ImportRequest { file_id, mode: ImportMode::Import, options: options(&[("phone", "phone")]) };
        let refused = import::begin(store, ctx, world.ws(), &Actor::System, request, Runner::Caller).await.unwrap_err();
        assert!(refused.to_string().contains("no column 'phone'"));
        // Half a file counts for nothing, and goes with the sweep.
        world.test.clock.advance(import::KEEP_FILES + 1);
        segue_outreach::sweep(store, ctx).await.unwrap();
        assert!(import::file(store, world.ws(), file_id).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_what_the_import_then_does_and_changes_nothing() {
    let mapping = [("Mobile", "phone"), ("First name", "first_name"), ("E-Mail", "email"), ("Zone", "time_zone")];
    for world in worlds().await {
        let chosen = with_consent(options(&mapping), Some("Opt in"));
        let before = world.events().await.len();
        let id = begin(&world, GOLDEN.as_bytes(), ImportMode::DryRun, chosen.clone()).await;
        let rehearsed = go_on(&world, id).await;
        assert_eq!((rehearsed.state, counts(&rehearsed)), (ImportState::Done, (10, 4, 0, 6, 2)));
        assert_eq!(contacts(&world).await.len(), 0, "{}", world.test.engine);
        let (store, ws) = (&world.test.store, world.ws());
        assert_eq!(segue_outreach::contacts::lists(store, ws).await.unwrap().len(), 0);
        let ledger = world.write(move |tx| tx.consent_events(ws, "+12125550100", None, 10)).await;
        assert_eq!(ledger.len(), 0);
        assert!(world.events().await[before..].iter().all(|(kind, _)| kind == "import.progress"));
        assert!(import::errors_csv(store, ws, id).await.unwrap().contains("Cleo"), "its error file is there");
        assert!(import::list(store, ws, None, 10).await.unwrap().is_empty(), "it is no import");
        assert_eq!(undo::begin(store, &world.test.ctx, ws, id).await.unwrap_err().code(), "import_state");

        let import = run(&world, GOLDEN.as_bytes(), chosen).await;
        assert_eq!(counts(&import), counts(&rehearsed));
        assert_eq!(import.rejections, rehearsed.rejections);
        let reasons: Vec<_> = import.rejections.keys().map(String::as_str).collect();
        let expected = [
            "duplicate_in_file",
            "email_invalid",
            "phone_invalid",
            "phone_missing",
            "time_zone_unknown",
            "too_many_cells",
        ];
        assert_eq!(reasons, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_can_be_undone_but_for_what_happened_since() {
    let mapping = [("p", "phone"), ("f", "first_name"), ("c", "city")];
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let first = b"p,f,c\n2125550100,Ana,Rome\n2125550101,Ben,Rome\n";
        run(&world, first, options(&mapping)).await;
        world.test.clock.advance(1_000);
        let second = b"p,f,c\n2125550100,Anna,Oslo\n2125550101,Benn,Oslo\n2125550102,Cleo,Oslo\n2125550103,Dan,Oslo\n\
            2125550104,Eve,Oslo\n";
        let import = run(
            &world,
            second,
            ImportOptions { list_name: Some("Second".to_owned()), ..with_consent(options(&mapping), None) },
        )
        .await;
        assert_eq!(counts(&import), (5, 3, 2, 0, 5));
        // Since then: a name was changed by hand, somebody was edited, somebody said STOP.
        world.test.clock.advance(1_000);
        let found = contacts(&world).await;
        let change = |first_name: &str| segue_outreach::contacts::ContactInput {
            first_name: Some(Some(first_name.to_owned())),
            ..Default::default()
        };
        for (number, name) in [("+12125550101", "Benno"), ("+12125550103", "Daniel")] {
            segue_outreach::contacts::change(store, ctx, ws, found[number].id, change(name)).await.unwrap();
        }
        world.consent("+12125550104", ConsentAction::Revoke).await;
        world.test.clock.advance(1_000);

        let expected = undo::look(store, ctx, ws, import.id).await.unwrap();
        let figures = (expected.removed, expected.kept, expected.restored, expected.changed_since);
        assert_eq!((figures, expected.unlisted, expected.withdrawn), ((1, 2, 2, 0), 4, 5), "{}", world.test.engine);
        assert_eq!(contacts(&world).await.len(), 5, "looking changes nothing");
        undo::begin(store, ctx, ws, import.id).await.unwrap();
        assert_eq!(world.jobs_of(import::UNDO_IMPORT).await[0]["import_id"], import.id.to_string());
        let undone = undo::run(store, ctx, ws, import.id).await.unwrap();
        assert_eq!((undone.state, undone.undo), (ImportState::Undone, Some(expected)));

        let found = contacts(&world).await;
        use ConsentState::Revoked;
        let shown: Vec<_> = found
            .values()
            .map(|it| (it.first_name.as_deref().unwrap(), it.attributes["city"].as_str(), it.sms_consent))
            .collect();
        let expected = [
            ("Ana", "Rome", ConsentState::None),
            ("Benno", "Rome", ConsentState::None),
            ("Daniel", "Oslo", ConsentState::None),
            ("Eve", "Oslo", Revoked),
        ];
        assert_eq!(shown, expected, "{}: her own no stands", world.test.engine);
        let lists = segue_outreach::contacts::lists(store, ws).await.unwrap();
        assert_eq!(lists.iter().find(|list| list.name == "Second").unwrap().member_count, 0);
        assert_eq!(lists.iter().find(|list| list.name == "Imported").unwrap().member_count, 2);
        let ledger = world.write(move |tx| tx.consent_events(ws, "+12125550102", None, 10)).await;
        assert_eq!(ledger.len(), 2, "nothing is deleted from the ledger");
        assert_eq!((ledger[0].action, ledger[0].method), (ConsentAction::Correct, ConsentMethod::ImportUndo));
        assert_eq!(undo::begin(store, ctx, ws, import.id).await.unwrap_err().code(), "import_state");

        // An opt-in that was taken back by an undo can be claimed again; a STOP stays.
        world.test.clock.advance(1_000);
        let again = run(&world, second, with_consent(options(&mapping), None)).await;
        assert_eq!((again.opted_in, again.kept_out), (4, 1));
        let states: Vec<_> = contacts(&world).await.values().map(|contact| contact.sms_consent).collect();
        use ConsentState::Granted;
        assert_eq!(states, [Granted, Granted, Granted, Granted, Revoked], "{}", world.test.engine);
        world.test.clock.advance(UNDO_WINDOW + 1);
        assert!(undo::begin(store, ctx, ws, again.id).await.unwrap_err().to_string().contains("30 days"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_takes_back_what_the_import_claimed_and_no_yes_of_the_person() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let file = format!("p,proof,day\n{},form 7,\n{},,\n{},,2026-03-31\n", phone(1), phone(2), phone(3));
        let chosen = with_consent(options(&[("p", "phone")]), None);
        let consent = ImportConsent {
            proof_column: Some("proof".to_owned()),
            date_column: Some("day".to_owned()),
            ..chosen.consent.clone().unwrap()
        };
        let import = run(&world, file.as_bytes(), ImportOptions { consent: Some(consent), ..chosen }).await;
        assert_eq!(import.opted_in, 3, "{}", world.test.engine);
        world.test.clock.advance(1_000);
        // Something else was recorded for the one; the others said yes themselves.
        let mut said = world.said(&phone(1), ConsentAction::Grant);
        said.medium = Medium::WhatsApp;
        let its_ctx = ctx.clone();
        store.write(move |tx| tx.record_consent(ws, &said, &its_ctx)).await.unwrap();
        for number in [2, 3] {
            crate::keyword::text(&world, &phone(number), "START").await;
        }
        world.test.clock.advance(1_000);
        undo::begin(store, ctx, ws, import.id).await.unwrap();
        let undone = undo::run(store, ctx, ws, import.id).await.unwrap().undo.unwrap();
        assert_eq!((undone.removed, undone.kept, undone.withdrawn), (0, 3, 3), "{}", world.test.engine);
        let mut states = Vec::new();
        for number in 1..4 {
            states.push(crate::keyword::consents(&world, &phone(number)).await);
        }
        use ConsentState::{Granted, None as Nothing};
        let expected = [[Nothing, Granted], [Granted, Nothing], [Granted, Nothing]];
        assert_eq!(states, expected, "{}", world.test.engine);
        let corrected = world.write(move |tx| tx.consent_events(ws, &phone(3), None, 1)).await.remove(0);
        assert_eq!(corrected.action, ConsentAction::Correct);
        assert_eq!(corrected.occurred_at.to_string(), "2026-03-31T04:00:00.000Z", "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_leaves_a_number_to_whoever_has_it_by_then() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let create = async |value: serde_json::Value| {
            let input = serde_json::from_value(value).unwrap();
            segue_outreach::contacts::create(store, ctx, ws, input).await.unwrap()
        };
        create(serde_json::json!({ "phone": phone(1), "external_key": "K-1" })).await;
        let mapping = [("key", "external_key"), ("phone", "phone")];
        // Ana has another number now, and somebody is new.
        let file = format!("key,phone\nK-1,{}\nK-2,{}\n", phone(7), phone(8));
        let import = run(&world, file.as_bytes(), with_consent(options(&mapping), None)).await;
        assert_eq!(counts(&import), (2, 1, 1, 0, 2), "{}", world.test.engine);
        world.test.clock.advance(1_000);
        create(serde_json::json!({ "phone": phone(1), "first_name": "Ben" })).await;

        undo::begin(store, ctx, ws, import.id).await.unwrap();
        let undone = undo::run(store, ctx, ws, import.id).await.unwrap();
        let figures = undone.undo.unwrap();
        assert_eq!(undone.state, ImportState::Undone, "{}", world.test.engine);
        assert_eq!(
            (figures.changed_since, figures.restored, figures.removed, figures.withdrawn),
            (1, 0, 1, 2),
            "{}",
            world.test.engine
        );
        let found = contacts(&world).await;
        assert_eq!(found[&phone(1)].first_name.as_deref(), Some("Ben"), "{}", world.test.engine);
        let ana = &found[&phone(7)];
        assert_eq!((ana.external_key.as_deref(), ana.sms_consent), (Some("K-1"), ConsentState::None));
        assert_eq!(found.len(), 2, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_is_killed_goes_on_where_it_was() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let import = run(&world, &numbers(1_200), options(&[("phone", "phone")])).await;
        undo::begin(store, ctx, ws, import.id).await.unwrap();
        let (dying, its_ctx) = (store.clone(), ctx.clone());
        let id = import.id;
        let task = tokio::spawn(async move { undo::run(&dying, &its_ctx, ws, id).await });
        while contacts(&world).await.len() == 1_200 {
            tokio::task::yield_now().await;
        }
        task.abort();
        let _ = task.await;
        let undone = undo::run(store, ctx, ws, import.id).await.unwrap();
        assert_eq!((undone.state, undone.undo.unwrap().removed), (ImportState::Undone, 1_200), "{}", world.test.engine);
        assert_eq!(contacts(&world).await.len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_bring_their_own_country_evidence_and_opt_outs() {
    let content = "Number,Country,Agreed,Text,When,Out\n\
        030 123456,DE,yes,\"Ja, bitte\",31.03.2026,\n\
        020 7946 0018,GB,yes,,2026-03-31,\n\
        212 555 0100,,unsubscribed,,,\n\
        212 555 0101,,yes,Yes,2026-03-31,yes\n\
        212 555 0102,Germany,yes,Yes,2026-03-31,\n\
        212 555 0103,,yes,Yes,2030-03-31,\n\
        2.12555E+09,,yes,Yes,,\n";
    for world in worlds().await {
        let consent = ImportConsent {
            column: Some("Agreed".to_owned()),
            opt_out_column: Some("Out".to_owned()),
            method: Some("web_form".to_owned()),
            wording_column: Some("Text".to_owned()),
            date_column: Some("When".to_owned()),
            ..ImportConsent::default()
        };
        let chosen = ImportOptions {
            country_column: Some("Country".to_owned()),
            consent: Some(consent),
            ..options(&[("Number", "phone")])
        };
        world.consent("+12125550100", ConsentAction::Grant).await;
        world.test.clock.advance(1_000);
        let import = run(&world, content.as_bytes(), chosen.clone()).await;
        assert_eq!(counts(&import), (7, 4, 0, 3, 1), "{}", world.test.engine);
        assert_eq!((import.opted_out, import.without_evidence), (2, 1));
        let reasons: Vec<_> = import.rejections.keys().map(String::as_str).collect();
        assert_eq!(reasons, ["consent_date_invalid", "country_unknown", "phone_lost_digits"]);
        let ws = world.ws();
        let event = world.write(move |tx| tx.consent_events(ws, "+4930123456", None, 1)).await.remove(0);
        assert_eq!(event.wording.as_deref(), Some("Ja, bitte"));
        assert_eq!(event.occurred_at.to_string(), "2026-03-31T04:00:00.000Z");
        let state = |address: &'static str| {
            world.write(move |tx| tx.consent_state(ws, Medium::Sms, address, Purpose::Marketing))
        };
        assert_eq!(state("+12125550100").await.state, ConsentState::Revoked, "an opt-out is taken from any file");
        assert_eq!(state("+12125550101").await.state, ConsentState::Revoked);
        assert_eq!(state("+442079460018").await.state, ConsentState::None);

        // Files with the same columns, in whatever order, are read alike next time; the list is not remembered.
        let file = upload(&world, b"Out,When,Text,Agreed,Country,Number\n,,,,,2125550100\n").await.unwrap();
        assert_eq!(file.remembered, Some(ImportOptions { list_name: None, ..chosen }));
        assert_eq!(upload(&world, b"Out,When\nx,y\n").await.unwrap().remembered, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_stands_in_the_column_of_opt_outs_is_one_unless_it_says_no() {
    for world in worlds().await {
        let engine = &world.test.engine;
        let consent = ImportConsent {
            opt_out_column: Some("status".to_owned()),
            method: Some("web_form".to_owned()),
            wording: Some("Offers by text".to_owned()),
            ..ImportConsent::default()
        };
        let chosen = ImportOptions { consent: Some(consent), ..options(&[("p", "phone")]) };
        let said = [
            "opt out",
            "2025-01-04",
            "DNC",
            "removed",
            "",
            "No",
            "NULL",
            "n/a",
            "HAYIR",
            "Subscribed",
            "#N/A",
            "—",
            "https://shop.example/out?c=1",
        ];
        let rows = said.iter().enumerate().map(|(row, said)| format!("{},{said}\n", phone(row as u32)));
        let content = format!("p,status\n{}", rows.collect::<String>());
        let import = run(&world, content.as_bytes(), chosen).await;
        assert_eq!((import.opted_out, import.opted_in), (4, 9), "{engine}");
        for row in 0..13 {
            let expected = if row < 4 { ConsentState::Revoked } else { ConsentState::Granted };
            assert_eq!(crate::keyword::consents(&world, &phone(row)).await[0], expected, "{engine} {row}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_is_taken_from_a_row_that_is_refused() {
    let columns = [("Number", "phone"), ("Mail", "email"), ("Zone", "time_zone"), ("Key", "external_key")];
    for world in worlds().await {
        let (engine, ws) = (&world.test.engine, world.ws());
        let value = serde_json::json!({ "phone": phone(100), "external_key": "K-7" });
        let input = serde_json::from_value(value).unwrap();
        segue_outreach::contacts::create(&world.test.store, &world.test.ctx, ws, input).await.unwrap();
        // A number that stands twice, bad fields before and after the number, two people, a country that is none, one cell
        // too many behind the rest, and a row of which nobody knows which cell is which.
        let content = format!(
            "Mail,Number,Country,Zone,Key,Agreed,When\n\
            ,{0},,,,yes,\n,{0},,,,stop,\n,{1},,Mars,,unsubscribed,\nno mail,{2},,,,stop,\n,{3},,,K-7,stop,\n\
            ,{4},Somewhere,,,stop,\n,12,,,,stop,\n,{5},,,,stop,,more\n,{6},,,,yes,some day\n,{7},,,,yes,\n\
            ,{8},,,one,two,yes,stop\n",
            phone(1),
            phone(2),
            phone(3),
            phone(4),
            phone(5),
            phone(6),
            phone(7),
            phone(8),
            phone(9),
        );
        // K-7 has another number, which is another contact's.
        world.test.contact(&phone(4), "Ana").await;
        let consent = ImportConsent {
            column: Some("Agreed".to_owned()),
            date_column: Some("When".to_owned()),
            wording: Some("Offers by text".to_owned()),
            method: Some("web_form".to_owned()),
            ..ImportConsent::default()
        };
        let chosen =
            ImportOptions { country_column: Some("Country".to_owned()), consent: Some(consent), ..options(&columns) };
        let id = begin(&world, content.as_bytes(), ImportMode::DryRun, chosen.clone()).await;
        let rehearsed = go_on(&world, id).await;
        let import = run(&world, content.as_bytes(), chosen).await;
        for import in [&rehearsed, &import] {
            assert_eq!((import.rows_read, import.rejected, import.opted_out), (11, 9, 6), "{engine}: {import:?}");
        }
        let mut states = Vec::new();
        for number in 1..10 {
            let state =
                world.write(move |tx| tx.consent_state(ws, Medium::Sms, &phone(number), Purpose::Marketing)).await;
            states.push(state.state);
        }
        use ConsentState::{Granted, None as Nothing, Revoked};
        assert_eq!(
            states,
            [Revoked, Revoked, Revoked, Revoked, Revoked, Revoked, Nothing, Granted, Nothing],
            "{engine}"
        );
        let refused = import::errors_csv(&world.test.store, ws, import.id).await.unwrap();
        let spare: Vec<_> = refused.lines().filter(|line| line.contains("quotation marks")).collect();
        assert_eq!(spare.len(), 2, "{engine}: {refused}");
        assert!(spare[0].contains("The opt-out in it counts all the same."), "{engine}: {}", spare[0]);
        assert!(spare[1].contains("An opt-out in it is not recorded"), "{engine}: {}", spare[1]);
        let event = world.write(move |tx| tx.consent_events(ws, &phone(1), None, 1)).await.remove(0);
        assert_eq!((event.action, event.proof), (ConsentAction::Revoke, Some(format!("{} row 3", import.id))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_say_until_when_their_consent_counts() {
    let content = "Number,When,Until\n\
        212 555 0100,2026-03-31,2030-03-31\n\
        212 555 0101,2026-03-31,\n\
        212 555 0102,2020-03-31,2021-03-31\n\
        212 555 0103,2026-03-31,some day\n";
    for world in worlds().await {
        let consent = ImportConsent {
            method: Some("web_form".to_owned()),
            wording: Some("Offers by text".to_owned()),
            date_column: Some("When".to_owned()),
            expires_column: Some("Until".to_owned()),
            ..ImportConsent::default()
        };
        let chosen = ImportOptions { consent: Some(consent), ..options(&[("Number", "phone")]) };
        let import = run(&world, content.as_bytes(), chosen.clone()).await;
        assert_eq!(import.rejections.keys().map(String::as_str).collect::<Vec<_>>(), ["consent_end_invalid"]);
        let ws = world.ws();
        let state = async |address: &'static str| {
            let state = world.write(move |tx| tx.consent_state(ws, Medium::Sms, address, Purpose::Marketing)).await;
            (state.state, state.expires_at.map(|at| at.to_string()))
        };
        let end = "2030-03-31T04:00:00.000Z".to_owned();
        assert_eq!(state("+12125550100").await, (ConsentState::Granted, Some(end)), "{}", world.test.engine);
        assert_eq!(state("+12125550101").await, (ConsentState::Granted, None));
        assert_eq!(state("+12125550102").await, (ConsentState::None, None), "it was over before it came");
        // When it is over, the same file brings it back no more.
        world.test.clock.set(segue_model::Timestamp(1_901_145_600_000 + 86_400_000));
        let ctx = world.test.ctx.clone();
        let expired =
            world.test.store.write::<_, segue_store::consent::ConsentError, _>(move |tx| tx.expire_consents(ws, &ctx));
        assert_eq!(expired.await.unwrap(), 1);
        assert_eq!(state("+12125550100").await.0, ConsentState::Expired, "{}", world.test.engine);
        run(&world, content.as_bytes(), chosen).await;
        assert_eq!(state("+12125550100").await.0, ConsentState::Expired, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_are_read_in_the_workspaces_country_whatever_that_of_the_numbers() {
    let content = "Number,When,Until\n+12125550100,02/03/2026,04/05/2030\n";
    for (of_workspace, of_numbers, expected) in
        [("GB", "US", ["2026-03-02", "2030-05-04"]), ("US", "GB", ["2026-02-03", "2030-04-05"])]
    {
        for world in worlds().await {
            let ws = world.ws();
            world
                .write(move |tx| {
                    let mut workspace = tx.workspace(ws)?.unwrap();
                    workspace.country = of_workspace.to_owned();
                    workspace.time_zone = "UTC".to_owned();
                    tx.update_workspace(&workspace)
                })
                .await;
            let consent = ImportConsent {
                method: Some("web_form".to_owned()),
                wording: Some("Offers by text".to_owned()),
                date_column: Some("When".to_owned()),
                expires_column: Some("Until".to_owned()),
                ..ImportConsent::default()
            };
            let chosen = ImportOptions {
                consent: Some(consent),
                default_country: of_numbers.to_owned(),
                ..options(&[("Number", "phone")])
            };
            assert_eq!(run(&world, content.as_bytes(), chosen).await.opted_in, 1, "{}", world.test.engine);
            let event = world.write(move |tx| tx.consent_events(ws, "+12125550100", None, 1)).await.remove(0);
            let dates = [event.occurred_at, event.expires_at.unwrap()].map(|at| at.to_string());
            assert_eq!(dates, expected.map(|day| format!("{day}T00:00:00.000Z")), "{}", world.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_can_be_stopped_and_what_it_read_stays() {
    for world in worlds().await {
        let id = begin(&world, &numbers(10), ImportMode::Import, options(&[("phone", "phone")])).await;
        let stopped = import::stop(&world.test.store, &world.test.ctx, world.ws(), id).await.unwrap();
        assert_eq!(stopped.state, ImportState::Failed);
        let import = go_on(&world, id).await;
        assert_eq!((import.state, contacts(&world).await.len()), (ImportState::Failed, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_suggests_fields_by_name_and_by_content() {
    let world = worlds().await.remove(0);
    let preview = upload(&world, GOLDEN.as_bytes()).await.unwrap();
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
    assert_eq!((preview.row_count, preview.remembered), (10, None));

    let by_content = b"who,what\nAna,(212) 555-0100\nBen,+44 20 7946 0018\n";
    let preview = upload(&world, by_content).await.unwrap();
    assert_eq!(preview.columns[1].suggestion.as_deref(), Some("phone"));
    assert_eq!(upload(&world, &numbers(5_500)).await.unwrap().row_count, 5_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_key_and_a_row_of_two_people_is_refused() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        for (number, key) in [(1, "K-1"), (2, "K-2")] {
            let value = serde_json::json!({ "phone": phone(number), "external_key": key });
            let input = serde_json::from_value(value).unwrap();
            segue_outreach::contacts::create(store, ctx, ws, input).await.unwrap();
        }
        let rows = [("K-1", 7, "Ana"), ("K-2", 1, "Mixed"), ("K-3", 3, "Cleo"), ("K-3", 4, "Again")];
        let rows = rows.map(|(key, number, name)| format!("{key},{},{name}\n", phone(number))).concat();
        let file = format!("External ID,Phone,Name\n{rows}");
        let options = options(&[("External ID", "external_key"), ("Phone", "phone"), ("Name", "first_name")]);
        let id = begin(&world, file.as_bytes(), ImportMode::DryRun, options.clone()).await;
        let rehearsed = go_on(&world, id).await;
        let import = run(&world, file.as_bytes(), options).await;
        for import in [&rehearsed, &import] {
            assert_eq!(counts(import), (4, 1, 1, 2, 0), "{}", world.test.engine);
            assert_eq!((import.rejections["key_conflict"], import.rejections["duplicate_in_file"]), (1, 1));
        }
        let found = contacts(&world).await;
        let key = |number: u32| found.get(&phone(number)).and_then(|contact| contact.external_key.as_deref());
        assert_eq!((key(7), key(2), key(3)), (Some("K-1"), Some("K-2"), Some("K-3")));
        assert_eq!(found.len(), 3, "the number of K-1 has changed");
        let id = import.id;
        let errors = world.write(move |tx| tx.import_errors(ws, id, 0, 10)).await;
        assert!(
            errors.iter().any(|error| error.message.contains("two contacts") && error.fields[0] == "K-2"),
            "{errors:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_renewed_in_a_file_counts_until_its_new_end() {
    let consent = ImportConsent {
        method: Some("web_form".to_owned()),
        wording: Some("Offers by text".to_owned()),
        expires_column: Some("until".to_owned()),
        ..ImportConsent::default()
    };
    let chosen = ImportOptions { consent: Some(consent), ..options(&[("p", "phone")]) };
    for world in worlds().await {
        let ws = world.ws();
        // While the one before can be undone, each claims it on its own.
        for (wait, until, stands, entries) in [
            (1_000, "2027-03-31", Some("2027-03-31T04:00:00.000Z"), 1),
            (UNDO_WINDOW + 1, "2027-01-31", Some("2027-03-31T04:00:00.000Z"), 1),
            (1_000, "2028-03-31", Some("2028-03-31T04:00:00.000Z"), 2),
            (1_000, "2028-03-31", Some("2028-03-31T04:00:00.000Z"), 3),
            (1_000, "", None, 4),
            (1_000, "2029-03-31", None, 5),
            (1_000, "2029-03-31", None, 6),
            // Often enough: as many as three would have to be undone.
            (1_000, "2029-03-31", None, 6),
            (UNDO_WINDOW + 1, "2029-03-31", None, 6),
        ] {
            world.test.clock.advance(wait);
            let import = run(&world, format!("p,until\n{},{until}\n", phone(1)).as_bytes(), chosen.clone()).await;
            assert_eq!(import.opted_in, 1, "{} {until}", world.test.engine);
            let address = phone(1);
            let (state, ledger) = world
                .write(move |tx| {
                    let state = tx.consent_state(ws, Medium::Sms, &address, Purpose::Marketing)?;
                    Ok((state, tx.consent_events(ws, &address, None, 10)?.len()))
                })
                .await;
            let end = state.expires_at.map(|at| at.to_string());
            assert_eq!((state.state, end.as_deref()), (ConsentState::Granted, stands), "{}", world.test.engine);
            assert_eq!(ledger, entries, "{} {until}", world.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_a_file_that_renewed_a_consent_leaves_the_one_before() {
    let consent = ImportConsent {
        method: Some("web_form".to_owned()),
        wording: Some("Offers by text".to_owned()),
        date_column: Some("day".to_owned()),
        expires_column: Some("until".to_owned()),
        ..ImportConsent::default()
    };
    let chosen = ImportOptions { consent: Some(consent), ..options(&[("p", "phone")]) };
    let file = |until: &str| {
        let rows: String = (1..5).map(|n| format!("{},2026-03-31,{until}\n", phone(n))).collect();
        format!("p,day,until\n{rows}")
    };
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let states = async || {
            let mut states = Vec::new();
            for number in 1..5 {
                let of = move |tx: &mut segue_store::Tx<'_>| {
                    tx.consent_state(ws, Medium::Sms, &phone(number), Purpose::Marketing)
                };
                states.push(world.write(of).await);
            }
            states
        };
        run(&world, file("2027-03-31").as_bytes(), chosen.clone()).await;
        let before = states().await;
        assert!(before.iter().all(|consent| consent.state == ConsentState::Granted), "{engine}: {before:?}");
        world.test.clock.advance(1_000);
        // Renewed, of the very same day.
        let renewed = run(&world, file("2028-03-31").as_bytes(), chosen.clone()).await;
        assert_eq!(renewed.opted_in, 4, "{engine}");
        assert_ne!(states().await, before, "{engine}");
        world.test.clock.advance(1_000);
        crate::keyword::text(&world, &phone(2), "STOP").await;
        for words in ["STOP", "START"] {
            world.test.clock.advance(1_000);
            crate::keyword::text(&world, &phone(3), words).await;
        }
        let meanwhile = states().await;
        world.test.clock.advance(1_000);
        undo::begin(store, ctx, ws, renewed.id).await.unwrap();
        let undone = undo::run(store, ctx, ws, renewed.id).await.unwrap().undo.unwrap();
        assert_eq!((undone.withdrawn, undone.removed), (4, 0), "{engine}");
        let after = states().await;
        assert_eq!([after[0], after[3]], [before[0], before[3]], "{engine}: as before the import");
        assert_eq!(after[1].state, ConsentState::Revoked, "{engine}: a no in between stays");
        assert_eq!(after[2], meanwhile[2], "{engine}: so does the person's own yes");
        world.write(move |tx| tx.rebuild_consents(ws)).await;
        assert_eq!(states().await, after, "{engine}: the ledger alone says it");
        let ledger = world.write(move |tx| tx.consent_events(ws, &phone(1), None, 10)).await;
        assert_eq!(ledger.len(), 3, "{engine}: nothing is deleted from the ledger");
        // It can be renewed again; then the first file is undone, too.
        world.test.clock.advance(1_000);
        let again = run(&world, file("2028-03-31").as_bytes(), chosen.clone()).await;
        assert_eq!((again.opted_in, again.kept_out), (3, 1), "{engine}");
        assert_eq!(states().await[0].expires_at.unwrap().to_string(), "2028-03-31T04:00:00.000Z", "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_imports_did_is_forgotten_part_by_part() {
    use segue_model::contact::FieldChanges;
    use segue_store::{
        REMOVED_AT_ONCE,
        import::ImportError,
        import_change::{ChangeKind, ImportChange},
    };
    for world in worlds().await {
        let ws = world.ws();
        let import = run(&world, format!("p\n{}\n", phone(1)).as_bytes(), options(&[("p", "phone")])).await.id;
        let ctx = world.test.ctx.clone();
        let many = REMOVED_AT_ONCE + 4;
        world
            .write(move |tx| {
                for number in 0..many {
                    let change = ImportChange {
                        contact_id: ctx.id(),
                        kind: ChangeKind::Unchanged,
                        fields: FieldChanges::default(),
                        listed: false,
                        opted_in: Vec::new(),
                    };
                    tx.insert_import_change(ws, import, &change)?;
                    let (message, fields) = ("no".to_owned(), Vec::new());
                    let error = ImportError { row_number: i64::from(number) + 2, code: "no", message, fields };
                    tx.insert_import_error(ws, import, &error)?;
                }
                Ok(())
            })
            .await;
        let now = world.test.now();
        let mut removed = Vec::new();
        for before in [now, now.plus(1), now.plus(1), now.plus(1)] {
            let part = move |tx: &mut segue_store::Tx<'_>| {
                Ok((tx.delete_import_changes(ws, before)?, tx.delete_import_errors(ws, before)?))
            };
            removed.push(world.write(part).await);
        }
        let whole = u64::from(REMOVED_AT_ONCE);
        // One change is that of the file itself.
        assert_eq!(removed, [(0, 0), (whole, whole), (5, 4), (0, 0)], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_opt_in_for_another_reason_than_a_no_is_counted_apart() {
    for world in worlds().await {
        let consent = ImportConsent {
            method: Some("web_form".to_owned()),
            wording: Some("Offers by text".to_owned()),
            expires_column: Some("until".to_owned()),
            ..ImportConsent::default()
        };
        world.subscriber(&phone(2), "Ben").await;
        world.test.clock.advance(1_000);
        crate::keyword::text(&world, &phone(2), "Sorry, not interested").await;
        assert_eq!(crate::keyword::consents(&world, &phone(2)).await[0], ConsentState::InReview);
        world.consent(&phone(3), ConsentAction::Revoke).await;
        let file = format!("p,until\n{},2020-03-31\n{},\n{},\n", phone(1), phone(2), phone(3));
        let chosen = ImportOptions { consent: Some(consent), ..options(&[("p", "phone")]) };
        let import = run(&world, file.as_bytes(), chosen).await;
        assert_eq!((import.opted_in, import.kept_out, import.held_back), (0, 1, 2), "{}", world.test.engine);
        let detail = import.detail.unwrap();
        assert!(detail.contains("1 had opted out") && detail.contains("2 have no opt-in"), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_in_a_file_counts_for_every_writing_of_the_number() {
    for world in worlds().await {
        let consent = ImportConsent { opt_out_column: Some("out".to_owned()), ..ImportConsent::default() };
        let chosen = ImportOptions { consent: Some(consent), ..options(&[("p", "phone")]) };
        let import = run(&world, b"p,out\n+5511999990000,yes\n", chosen.clone()).await;
        assert_eq!(import.opted_out, 1, "{}", world.test.engine);
        for address in ["+5511999990000", "+551199990000"] {
            let state = crate::keyword::consents(&world, address).await[0];
            assert_eq!(state, ConsentState::Revoked, "{} {address}", world.test.engine);
        }
        let again = run(&world, b"p,out\n+551199990000,yes\n", chosen).await;
        assert_eq!(again.opted_out, 0, "{}: said already", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_keeps_a_contact_to_which_somebody_added_a_number() {
    use segue_outreach::contact_addresses::{self, AddressInput};
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let file = format!("p\n{}\n{}\n", phone(1), phone(2));
        let import = run(&world, file.as_bytes(), options(&[("p", "phone")])).await;
        let ana = contacts(&world).await[&phone(1)].id;
        let added = AddressInput { kind: segue_store::contact_address::AddressKind::Phone, address: phone(9) };
        contact_addresses::set(store, ctx, ws, ana, vec![added]).await.unwrap();
        let looked = undo::look(store, ctx, ws, import.id).await.unwrap();
        assert_eq!((looked.removed, looked.kept), (1, 1), "{}", world.test.engine);
        undo::begin(store, ctx, ws, import.id).await.unwrap();
        undo::run(store, ctx, ws, import.id).await.unwrap();
        assert_eq!(contacts(&world).await.into_keys().collect::<Vec<_>>(), [phone(1)], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_rows_go_with_the_file_of_a_dry_run_and_when_an_import_cannot_be_undone_any_more() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let file = format!("p\n{}\n12\n", phone(1));
        let dry = begin(&world, file.as_bytes(), ImportMode::DryRun, options(&[("p", "phone")])).await;
        go_on(&world, dry).await;
        let import = run(&world, file.as_bytes(), options(&[("p", "phone")])).await.id;
        let clean = async || {
            segue_outreach::sweep(store, ctx).await.unwrap();
            let before = world.test.now().plus(-UNDO_WINDOW);
            world.write(move |tx| tx.delete_import_errors(ws, before)).await;
            world
                .write(move |tx| {
                    Ok([tx.import_errors(ws, dry, 0, 9)?.len(), tx.import_errors(ws, import, 0, 9)?.len()])
                })
                .await
        };
        assert_eq!(clean().await, [2, 2], "{}: with their headers", world.test.engine);
        world.test.clock.advance(import::KEEP_FILES + 1);
        assert_eq!(clean().await, [0, 2], "{}", world.test.engine);
        world.test.clock.advance(UNDO_WINDOW);
        assert_eq!(clean().await, [0, 0], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_that_changed_a_contact_one_after_the_other_are_undone_in_any_order() {
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let mapping = [("p", "phone"), ("f", "first_name"), ("c", "city"), ("s", "shoe")];
        let imported = async |name: &str, city: &str, shoe: &str| {
            world.test.clock.advance(1_000);
            let file = format!("p,f,c,s\n{},{name},{city},{shoe}\n", phone(1));
            run(&world, file.as_bytes(), options(&mapping)).await.id
        };
        let undo = async |id: ImportId| {
            undo::begin(store, ctx, ws, id).await.unwrap();
            undo::run(store, ctx, ws, id).await.unwrap();
            let ana = contacts(&world).await.remove(&phone(1)).unwrap();
            let attribute = |name: &str| ana.attributes.get(name).cloned().unwrap_or_default();
            format!("{} {} {}", ana.first_name.as_deref().unwrap_or_default(), attribute("city"), attribute("shoe"))
        };
        imported("Ana", "Oslo", "").await;
        let wrong = imported("Anna", "Rome", "38").await;
        let right = imported("Anna", "Paris", "").await;
        let last = imported("Anne", "", "").await;
        assert_eq!(undo(wrong).await, "Anne Paris ", "{engine}: what the later ones said stays");
        assert_eq!(undo(last).await, "Ana Paris ", "{engine}: nothing of the first one comes back");
        assert_eq!(undo(right).await, "Ana Oslo ", "{engine}");

        let first = imported("Ana", "Rome", "").await;
        let second = imported("Ana", "Paris", "").await;
        assert_eq!(
            (undo(second).await, undo(first).await),
            ("Ana Rome ".to_owned(), "Ana Oslo ".to_owned()),
            "{engine}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_the_wrong_import_leaves_what_a_later_one_brought_too() {
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let file = format!("p\n{}\n{}\n{}\n", phone(1), phone(2), phone(3));
        let chosen = || with_consent(options(&[("p", "phone")]), None);
        let wrong = run(&world, file.as_bytes(), chosen()).await;
        world.test.clock.advance(1_000);
        let right = run(&world, file.as_bytes(), chosen()).await;
        assert_eq!((right.created, right.unchanged, right.opted_in), (0, 3, 3), "{engine}");
        world.test.clock.advance(1_000);
        let undone = async |import: ImportId| {
            let looked = undo::look(store, ctx, ws, import).await.unwrap();
            undo::begin(store, ctx, ws, import).await.unwrap();
            let undone = undo::run(store, ctx, ws, import).await.unwrap().undo.unwrap();
            assert_eq!(undone, looked, "{engine}");
            (undone.removed, undone.kept, undone.unlisted)
        };
        let members = async || {
            let lists = segue_outreach::contacts::lists(store, ws).await.unwrap();
            lists.iter().find(|list| list.name == "Imported").unwrap().member_count
        };
        assert_eq!(undone(wrong.id).await, (0, 3, 0), "{engine}");
        let found = contacts(&world).await;
        assert_eq!((found.len(), members().await), (3, 3), "{engine}");
        assert!(found.values().all(|contact| contact.sms_consent == ConsentState::Granted), "{engine}: {found:?}");
        // They are the later one's now.
        world.test.clock.advance(1_000);
        assert_eq!(undone(right.id).await, (3, 0, 0), "{engine}");
        assert_eq!((contacts(&world).await.len(), members().await), (0, 0), "{engine}");
        let state = world.write(move |tx| tx.consent_state(ws, Medium::Sms, &phone(1), Purpose::Marketing)).await;
        assert_eq!(state.state, ConsentState::None, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_rows_that_reach_one_contact_are_undone() {
    use segue_outreach::contact_addresses::{self, AddressInput};
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let value = serde_json::json!({ "phone": phone(1), "first_name": "Ana", "attributes": { "city": "Rome" } });
        let input = serde_json::from_value(value).unwrap();
        let ana = segue_outreach::contacts::create(store, ctx, ws, input).await.unwrap().id;
        let added = AddressInput { kind: segue_store::contact_address::AddressKind::Phone, address: phone(9) };
        contact_addresses::set(store, ctx, ws, ana, vec![added]).await.unwrap();
        world.test.clock.advance(1_000);
        let file = format!("p,f,c\n{},Anna,\n{},Annie,Oslo\n", phone(1), phone(9));
        let mapping = [("p", "phone"), ("f", "first_name"), ("c", "city")];
        let import = run(&world, file.as_bytes(), with_consent(options(&mapping), None)).await;
        assert_eq!((import.updated, import.opted_in), (2, 2), "{engine}");
        world.test.clock.advance(1_000);
        undo::begin(store, ctx, ws, import.id).await.unwrap();
        undo::run(store, ctx, ws, import.id).await.unwrap();
        let after = contacts(&world).await.remove(&phone(1)).unwrap();
        assert_eq!((after.first_name.as_deref(), after.attributes["city"].as_str()), (Some("Ana"), "Rome"), "{engine}");
        for number in [1, 9] {
            let state = world.write(move |tx| tx.consent_state(ws, Medium::Sms, &phone(number), Purpose::Marketing));
            assert_eq!(state.await.state, ConsentState::None, "{engine} {number}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_agreed_today_agreed_where_the_day_has_begun() {
    for world in worlds().await {
        let ws = world.ws();
        world
            .write(move |tx| {
                let mut workspace = tx.workspace(ws)?.unwrap();
                workspace.time_zone = "Pacific/Auckland".to_owned();
                tx.update_workspace(&workspace)
            })
            .await;
        let zone = jiff::tz::TimeZone::get("Pacific/Auckland").unwrap();
        // Ten in the morning there, while it is the day before at Greenwich.
        let now = jiff::Timestamp::from_millisecond(world.test.now().0).unwrap().to_zoned(zone);
        let morning = now.date().tomorrow().unwrap().at(10, 0, 0, 0).to_zoned(now.time_zone().clone()).unwrap();
        world.test.clock.set(segue_model::Timestamp(morning.timestamp().as_millisecond()));
        let (today, tomorrow) = (morning.date(), morning.date().tomorrow().unwrap());
        let consent = ImportConsent {
            method: Some("web_form".to_owned()),
            wording: Some("Offers by text".to_owned()),
            date_column: Some("day".to_owned()),
            ..ImportConsent::default()
        };
        let chosen = ImportOptions { consent: Some(consent), ..options(&[("p", "phone")]) };
        let file = format!("p,day\n{},{today}\n{},{tomorrow}\n", phone(1), phone(2));
        let import = run(&world, file.as_bytes(), chosen).await;
        assert_eq!((import.opted_in, import.rejected), (1, 1), "{}", world.test.engine);
        assert_eq!(import.rejections["consent_date_invalid"], 1, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_recorded_beside_that_of_another_number() {
    use segue_outreach::contact_addresses::{self, AddressInput};
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        world.subscriber(&phone(1), "Ana").await;
        // She said no, came back, and then said no with another number of hers.
        for (number, words) in [(1, "STOP"), (1, "START"), (9, "STOP")] {
            world.test.clock.advance(1_000);
            crate::keyword::text(&world, &phone(number), words).await;
        }
        world.test.clock.advance(1_000);
        let ana = contacts(&world).await[&phone(1)].id;
        let added = AddressInput { kind: segue_store::contact_address::AddressKind::Phone, address: phone(9) };
        contact_addresses::set(store, ctx, ws, ana, vec![added]).await.unwrap();
        assert_eq!(crate::keyword::consents(&world, &phone(1)).await[0], ConsentState::Revoked, "{engine}");
        world.test.clock.advance(1_000);
        let consent = ImportConsent { opt_out_column: Some("out".to_owned()), ..ImportConsent::default() };
        let chosen = ImportOptions { consent: Some(consent), ..options(&[("p", "phone")]) };
        let file = format!("p,out\n{},yes\n", phone(1));
        for expected in [1, 0] {
            let import = run(&world, file.as_bytes(), chosen.clone()).await;
            assert_eq!(import.opted_out, expected, "{engine}: once");
        }
        contact_addresses::set(store, ctx, ws, ana, Vec::new()).await.unwrap();
        assert_eq!(crate::keyword::consents(&world, &phone(1)).await[0], ConsentState::Revoked, "{engine}: her own no");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_an_import_takes_no_number_that_was_a_further_one() {
    use segue_outreach::contact_addresses::{self, AddressInput};
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let create = async |value: serde_json::Value| {
            let input = serde_json::from_value(value).unwrap();
            segue_outreach::contacts::create(store, ctx, ws, input).await.unwrap().id
        };
        let set = async |id: ContactId, number: u32| {
            let added = AddressInput { kind: segue_store::contact_address::AddressKind::Phone, address: phone(number) };
            contact_addresses::set(store, ctx, ws, id, vec![added]).await.unwrap();
        };
        let numbers = async |id: ContactId| {
            let phones = world.write(move |tx| tx.phones_of_contact(ws, id)).await;
            phones.into_iter().map(|(phone, _)| phone).collect::<Vec<_>>()
        };
        let undone = async |id: ImportId| {
            world.test.clock.advance(1_000);
            undo::begin(store, ctx, ws, id).await.unwrap();
            undo::run(store, ctx, ws, id).await.unwrap().undo.unwrap()
        };
        // Ben has a further number alone.
        let ben = create(serde_json::json!({ "last_name": "Okri" })).await;
        set(ben, 1).await;
        let file = format!("p,f\n{},Ben\n", phone(1));
        let import = run(&world, file.as_bytes(), options(&[("p", "phone"), ("f", "first_name")])).await;
        assert_eq!(counts(&import), (1, 0, 1, 0, 0), "{engine}");
        let found = segue_outreach::contacts::get(store, ws, ben).await.unwrap();
        assert_eq!((found.first_name.as_deref(), found.phone), (Some("Ben"), None), "{engine}");
        assert_eq!(numbers(ben).await, [phone(1)], "{engine}");
        assert_eq!(undone(import.id).await.restored, 1, "{engine}");
        assert_eq!(numbers(ben).await, [phone(1)], "{engine}");
        assert_eq!(segue_outreach::contacts::get(store, ws, ben).await.unwrap().first_name, None, "{engine}");

        // Ana got another number of her own; the one before was added as a further one since.
        let ana = create(serde_json::json!({ "phone": phone(2), "external_key": "K-1" })).await;
        let file = format!("key,phone\nK-1,{}\n", phone(3));
        let import = run(&world, file.as_bytes(), options(&[("key", "external_key"), ("phone", "phone")])).await;
        set(ana, 2).await;
        assert_eq!(numbers(ana).await, [phone(3), phone(2)], "{engine}");
        assert_eq!(undone(import.id).await.restored, 1, "{engine}");
        assert_eq!(numbers(ana).await, [phone(2)], "{engine}: what the import brought is gone");
        let own = segue_outreach::contacts::get(store, ws, ana).await.unwrap().phone.unwrap();
        assert_eq!(own.as_str(), phone(2), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_imported_again_and_again_keeps_nothing_of_whoever_no_undo_could_take() {
    static CHANGES: segue_store::Sql = segue_store::Sql::portable(
        "CHANGES",
        "SELECT COUNT(*) FROM import_changes WHERE workspace_id = $1 AND import_id = $2",
    );
    for world in worlds().await {
        let (ws, engine) = (world.ws(), &world.test.engine);
        for (first, chosen) in [(0, options(&[("p", "phone")])), (100, with_consent(options(&[("p", "phone")]), None))]
        {
            let again = async |people: u32, wait: i64| {
                world.test.clock.advance(wait);
                let rows: String = (first..first + people).map(|number| format!("{}\n", phone(number))).collect();
                let import = run(&world, format!("p\n{rows}").as_bytes(), chosen.clone()).await;
                let id = import.id;
                let kept = world.write(move |tx| tx.query_one(&CHANGES, &[&ws, &id], |row| row.next::<i64>())).await;
                (import.created, import.unchanged, kept)
            };
            assert_eq!(again(2, 1_000).await, (2, 0, 2), "{engine}");
            assert_eq!(again(2, UNDO_WINDOW / 2).await, (0, 2, 2), "{engine}: the first can be undone");
            assert_eq!(again(2, UNDO_WINDOW / 2 + 1).await, (0, 2, 0), "{engine}: it cannot any more");
            assert_eq!(again(2, 1_000).await, (0, 2, 0), "{engine}: nor did the others bring them");
            assert_eq!(again(3, 1_000).await, (1, 2, 1), "{engine}: somebody new");
            assert_eq!(again(3, 1_000).await, (0, 3, 1), "{engine}: who would go with the one before");
        }
    }
}
