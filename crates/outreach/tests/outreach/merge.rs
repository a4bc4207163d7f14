use segue_model::{
    ContactId, LeadId, MessagingUserId, PhoneNumber, Timestamp,
    actor::Actor,
    campaign::CampaignAction,
    consent::{ConsentAction, ConsentState},
};
use segue_outreach::{
    campaign::plan::{Planned, Step},
    contact_addresses::{self, AddressInput},
    contacts::{self, ContactInput},
    grid,
    merge::{self, MergeInput},
};
use segue_store::{
    Sql,
    contact_address::AddressKind,
    crm::{CaseState, CaseView, LeadStatus, LeadView},
    duplicate::{DuplicateReason, SearchState},
};
use serde_json::Value;

use crate::world::{World, phone, worlds};

static INSERT_USER: Sql = Sql::portable(
    "INSERT_USER",
    "INSERT INTO messaging_users (workspace_id, id, channel_id, contact_id, linked_by, created_at, version)
        VALUES ($1, $2, $3, $4, 'phone', 1, 1)",
);
static USER: Sql = Sql::portable("USER", "SELECT contact_id FROM messaging_users WHERE workspace_id = $1 AND id = $2");
static LEAD: Sql = Sql::portable("LEAD", "SELECT contact_id FROM leads WHERE workspace_id = $1 AND id = $2");
static RECIPIENTS: Sql = Sql::portable(
    "RECIPIENTS",
    "SELECT campaign_id, position, contact_id FROM recipients WHERE workspace_id = $1 ORDER BY campaign_id, position",
);
static CONSENTS: Sql = Sql::portable(
    "CONSENTS",
    "SELECT address, medium, purpose, state, since FROM consents WHERE workspace_id = $1 ORDER BY address, medium, purpose",
);
static CONTACT: Sql = Sql::portable(
    "CONTACT",
    "SELECT phone, first_name, last_name, email, attributes, search, created_at, version FROM contacts
        WHERE workspace_id = $1 AND id = $2",
);
static MEMBERS: Sql = Sql::portable(
    "MEMBERS",
    "SELECT list_id, contact_id, added_at FROM list_members WHERE workspace_id = $1 ORDER BY list_id, contact_id",
);

/// Everything that a merge can touch, as texts.
async fn picture(world: &World, contacts: [ContactId; 2], user: MessagingUserId, lead: LeadId) -> Vec<String> {
    let ws = world.ws();
    world
        .write(move |tx| {
            let mut lines = Vec::new();
            for id in contacts {
                lines.extend(tx.query(&CONTACT, &[&ws, &id], |row| {
                    let texts: Vec<Option<String>> = (0..6).map(|_| row.next()).collect::<Result<_, _>>()?;
                    // The kept contact was written twice; whoever edited it sees that.
                    let created: Timestamp = row.next()?;
                    Ok(format!("{id} {texts:?} {created}"))
                })?);
                lines.extend(tx.contact_addresses(ws, id)?.into_iter().map(|address| format!("{id} {address:?}")));
            }
            lines.extend(tx.query(&MEMBERS, &[&ws], |row| {
                Ok(format!("{:?}", (row.next::<segue_model::ListId>()?, row.next::<ContactId>()?)))
            })?);
            lines.extend(tx.query(&USER, &[&ws, &user], |row| Ok(format!("{:?}", row.next::<Option<ContactId>>()?)))?);
            lines.extend(tx.query(&LEAD, &[&ws, &lead], |row| Ok(format!("{:?}", row.next::<Option<ContactId>>()?)))?);
            lines.extend(tx.query(&RECIPIENTS, &[&ws], |row| {
                let campaign: segue_model::CampaignId = row.next()?;
                Ok(format!("{campaign} {} {}", row.next::<i64>()?, row.next::<ContactId>()?))
            })?);
            lines.extend(tx.query(&CONSENTS, &[&ws], |row| {
                let texts: Vec<String> = (0..4).map(|_| row.next()).collect::<Result<_, _>>()?;
                Ok(format!("{texts:?} {}", row.next::<Timestamp>()?))
            })?);
            Ok(lines)
        })
        .await
}

fn email(text: &str) -> ContactInput {
    ContactInput { email: Some(Some(text.to_owned())), ..ContactInput::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_moves_everything_and_is_taken_back_exactly() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let kept = world.subscriber("+12125550100", "Ana").await;
        let merged = world.test.contact("+12125550101", "Anna").await;
        world.consent("+12125550101", ConsentAction::Revoke).await;
        contacts::change(store, ctx, ws, merged, email("anna@example.com")).await.unwrap();
        let further = vec![AddressInput { kind: AddressKind::Phone, address: "+44 20 7946 0018".to_owned() }];
        contact_addresses::set(store, ctx, ws, merged, further).await.unwrap();
        let (both, own) = (
            contacts::create_list(store, ctx, ws, "Both").await.unwrap().id,
            contacts::create_list(store, ctx, ws, "Own").await.unwrap().id,
        );
        grid::change_list(store, ctx, ws, both, grid::ListAction::Add, vec![kept, merged]).await.unwrap();
        grid::change_list(store, ctx, ws, own, grid::ListAction::Add, vec![merged]).await.unwrap();
        // Both are recipients of the first campaign, the dissolved one alone of the second.
        world.sent(world.input()).await;
        let mut second = world.input();
        second.audience.list_id = Some(own);
        world.sent(second).await;
        let (user, lead) = (ctx.id::<MessagingUserId>(), ctx.id::<LeadId>());
        let (channel, now) = (world.whatsapp.id, world.test.now());
        world
            .write(move |tx| {
                tx.execute(&INSERT_USER, &[&ws, &user, &channel, &merged])?;
                let view = LeadView {
                    id: lead,
                    name: "Anna".to_owned(),
                    phone: None,
                    email: None,
                    note: None,
                    status: LeadStatus::New,
                    contact_id: Some(merged),
                    session_id: None,
                    campaign_id: None,
                    created_at: now,
                };
                tx.insert_lead(ws, &view, None)
            })
            .await;
        let before = picture(&world, [kept, merged], user, lead).await;

        world.test.clock.advance(1_000);
        let input = MergeInput { kept_id: kept, merged_id: merged, take: vec!["first_name".to_owned()] };
        let done = merge::merge(store, ctx, ws, &Actor::System, input.clone()).await.unwrap();
        let now = contacts::get(store, ws, kept).await.unwrap();
        assert_eq!((now.first_name.as_deref(), now.email.as_deref()), (Some("Anna"), Some("anna@example.com")));
        assert_eq!(now.phone.unwrap().as_str(), "+12125550100");
        assert!(contacts::get(store, ws, merged).await.is_err());
        let addresses = contact_addresses::list(store, ws, kept).await.unwrap();
        let shown: Vec<_> = addresses.iter().map(|address| address.address.as_str()).collect();
        assert_eq!(shown, ["+12125550101", "+442079460018"]);
        let during = picture(&world, [kept, merged], user, lead).await.join("\n");
        let pointing = |line: &str| {
            (line.starts_with("(lst") || line.starts_with("Some")).then_some(line.contains(&kept.to_string()))
        };
        assert_eq!(
            during.lines().filter_map(pointing).collect::<Vec<_>>(),
            [true; 4],
            "two lists, a chat and a lead: {during}"
        );
        let recipients: Vec<_> = during.lines().filter(|line| line.starts_with("cmp_")).collect();
        assert_eq!(recipients.iter().filter(|line| line.ends_with(&kept.to_string())).count(), 2, "{recipients:?}");
        assert_eq!(recipients.iter().filter(|line| line.ends_with(&merged.to_string())).count(), 1, "was both");

        // The stricter counts, and nobody can take the number for a contact of its own.
        let stranger = ContactInput { phone: Some(Some("+12125550101".to_owned())), ..ContactInput::default() };
        assert_eq!(contacts::create(store, ctx, ws, stranger.clone()).await.unwrap_err().code(), "phone_taken");
        assert_eq!(contacts::get(store, ws, kept).await.unwrap().sms_consent, ConsentState::Revoked);
        let found = world.write(move |tx| tx.contact_by_phone(ws, &"+12125550101".parse().unwrap())).await;
        assert_eq!(found.map(|contact| contact.id), Some(kept), "an inbound message finds the person");

        let back = merge::unmerge(store, ctx, ws, &Actor::System, done.id).await.unwrap();
        assert!(back.unmerged_at.is_some());
        assert_eq!(picture(&world, [kept, merged], user, lead).await, before, "{}", world.test.engine);
        assert_eq!(contacts::get(store, ws, kept).await.unwrap().sms_consent, ConsentState::Granted);
        assert_eq!(contacts::get(store, ws, merged).await.unwrap().sms_consent, ConsentState::Revoked);
        assert_eq!(merge::unmerge(store, ctx, ws, &Actor::System, done.id).await.unwrap_err().code(), "merge_state");
        let same = MergeInput { merged_id: kept, ..input };
        assert_eq!(merge::merge(store, ctx, ws, &Actor::System, same).await.unwrap_err().field(), Some("merged_id"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_since_stays_and_a_later_merge_is_taken_back_first() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let first = world.test.contact("+12125550100", "Ana").await;
        let second = world.test.contact("+12125550101", "Anna").await;
        let third = world.test.contact("+12125550102", "Annie").await;
        let merge = |kept_id, merged_id| {
            let input = MergeInput { kept_id, merged_id, take: vec!["first_name".to_owned()] };
            merge::merge(store, ctx, ws, &Actor::System, input)
        };
        let one = merge(first, second).await.unwrap();
        let two = merge(third, first).await.unwrap();
        let early = merge::unmerge(store, ctx, ws, &Actor::System, one.id).await.unwrap_err();
        assert_eq!(early.code(), "merge_state");
        assert!(early.to_string().contains("first"));
        let rename = ContactInput { first_name: Some(Some("Anne".to_owned())), ..ContactInput::default() };
        contacts::change(store, ctx, ws, third, rename).await.unwrap();
        merge::unmerge(store, ctx, ws, &Actor::System, two.id).await.unwrap();
        merge::unmerge(store, ctx, ws, &Actor::System, one.id).await.unwrap();
        let mut names = Vec::new();
        for id in [first, second, third] {
            let contact = contacts::get(store, ws, id).await.unwrap();
            assert!(contact_addresses::list(store, ws, id).await.unwrap().is_empty());
            names.push(contact.first_name.unwrap());
        }
        assert_eq!(names, ["Ana", "Anna", "Anne"], "{}", world.test.engine);
        assert_eq!(merge::list(store, ws, None, 10).await.unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_several_merged_contacts_had_stays_until_the_last_of_them_is_apart() {
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let vip = contacts::create_list(store, ctx, ws, "VIP").await.unwrap().id;
        // With an e-mail address of its own, and without, where that of the first one fills the gap.
        for (start, own) in [(0, Some("ana@example.com")), (10, None)] {
            let kept = world.test.contact(&phone(start), "Ana").await;
            if let Some(own) = own {
                contacts::change(store, ctx, ws, kept, email(own)).await.unwrap();
            }
            let shared = format!("anna{start}@example.com");
            let mut merges = Vec::new();
            for number in 1..3 {
                let other = world.test.contact(&phone(start + number), "Anna").await;
                contacts::change(store, ctx, ws, other, email(&shared)).await.unwrap();
                let now = world.test.now();
                assert!(world.write(move |tx| tx.add_to_list(ws, vip, other, now)).await);
                let input = MergeInput { kept_id: kept, merged_id: other, take: Vec::new() };
                merges.push(merge::merge(store, ctx, ws, &Actor::System, input).await.unwrap());
            }
            let has = async || {
                let lists = world.write(move |tx| tx.lists_of_contact(ws, kept)).await;
                let contact = contacts::get(store, ws, kept).await.unwrap();
                let addresses = contact_addresses::list(store, ws, kept).await.unwrap();
                let mails = addresses.iter().filter(|address| address.kind == AddressKind::Email);
                let mails = mails.map(|address| address.address.clone()).chain(contact.email).collect::<Vec<_>>();
                let phones = addresses.iter().filter(|address| address.kind == AddressKind::Phone).count();
                (lists.len(), mails.contains(&shared), phones)
            };
            assert_eq!(has().await, (1, true, 2), "{engine} {own:?}");
            merge::unmerge(store, ctx, ws, &Actor::System, merges[0].id).await.unwrap();
            assert_eq!(has().await, (1, true, 1), "{engine} {own:?}: the other one had them, too");
            let apart = contacts::get(store, ws, merges[0].merged_id).await.unwrap();
            assert_eq!(apart.email.as_deref(), Some(shared.as_str()), "{engine} {own:?}");
            merge::unmerge(store, ctx, ws, &Actor::System, merges[1].id).await.unwrap();
            assert_eq!(has().await, (0, false, 0), "{engine} {own:?}");
            assert_eq!(contacts::get(store, ws, kept).await.unwrap().email.as_deref(), own, "{engine}");
            for merge in &merges {
                let id = merge.merged_id;
                assert_eq!(world.write(move |tx| tx.lists_of_contact(ws, id)).await.len(), 1, "{engine} {own:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_is_taken_back_leaves_the_kept_contact_its_number_whatever_was_edited_since() {
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let edit = async |id, number: &str| {
            let phone = Some(Some(number.to_owned()));
            contacts::change(store, ctx, ws, id, ContactInput { phone, ..ContactInput::default() }).await.unwrap();
        };
        let numbers = async |id| {
            let phones = world.write(move |tx| tx.phones_of_contact(ws, id)).await;
            phones.into_iter().map(|(phone, _)| phone).collect::<Vec<_>>()
        };
        // Edited to a third number, and back to the number that the kept contact had before.
        for (start, edited, expected) in [(0, 2, vec![phone(2), phone(0)]), (10, 10, vec![phone(10)])] {
            let kept = world.subscriber(&phone(start), "Ana").await;
            let merged = world.subscriber(&phone(start + 1), "Anna").await;
            let take = ["phone", "email"].map(str::to_owned).to_vec();
            contacts::change(store, ctx, ws, kept, email(&format!("Ana{start}@Example.com"))).await.unwrap();
            contacts::change(store, ctx, ws, merged, email(&format!("Anna{start}@Example.com"))).await.unwrap();
            let input = MergeInput { kept_id: kept, merged_id: merged, take };
            let done = merge::merge(store, ctx, ws, &Actor::System, input).await.unwrap();
            assert_eq!(numbers(kept).await, [phone(start + 1), phone(start)], "{engine}");
            contacts::change(store, ctx, ws, kept, email(&format!("new{start}@example.com"))).await.unwrap();
            edit(kept, &phone(edited)).await;
            merge::unmerge(store, ctx, ws, &Actor::System, done.id).await.unwrap();
            assert_eq!(numbers(kept).await, expected, "{engine}");
            assert_eq!(numbers(merged).await, [phone(start + 1)], "{engine}");
            let further = contact_addresses::list(store, ws, kept).await.unwrap();
            let mails: Vec<_> = further.iter().filter(|each| each.kind == AddressKind::Email).collect();
            assert_eq!(mails.len(), 1, "{engine}: {mails:?}");
            assert_eq!(mails[0].address, format!("ana{start}@example.com"), "{engine}");
            // A no that the person says with it counts.
            world.test.clock.advance(1_000);
            world.consent(&phone(start), ConsentAction::Revoke).await;
            let shown = contacts::get(store, ws, kept).await.unwrap();
            assert_eq!(shown.sms_consent, ConsentState::Revoked, "{engine}");
            let again = merge::unmerge(store, ctx, ws, &Actor::System, done.id).await.unwrap_err();
            assert!(matches!(again, segue_outreach::OutreachError::Unmerged), "{engine}: {again}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_pairs_once_and_a_denied_one_is_not_shown_again() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let brazil = world.test.contact("+551187654321", "Bia").await;
        let ninth = world.test.contact("+5511987654321", "Bia").await;
        let one = world.test.contact("+12125550100", "Ana").await;
        let other = world.test.contact("+12125550101", "Joe").await;
        contacts::change(store, ctx, ws, one, email("Ana@Example.com")).await.unwrap();
        contacts::change(store, ctx, ws, other, email("ana@example.com")).await.unwrap();
        world.test.contact("+12125550102", "Ana").await;

        let search = || async {
            let begun = merge::begin_search(store, ctx, ws).await.unwrap();
            assert_eq!(begun.state, SearchState::Running);
            let job: Value = world.jobs_of(merge::FIND_DUPLICATES).await.pop().unwrap();
            merge::search(store, ctx, ws, job["number"].as_i64().unwrap()).await.unwrap();
            merge::last_search(store, ws).await.unwrap().unwrap()
        };
        assert!(merge::last_search(store, ws).await.unwrap().is_none());
        let done = search().await;
        assert_eq!((done.state, done.scanned, done.found), (SearchState::Done, 5, 2), "{}", world.test.engine);
        let found = merge::duplicates(store, ws, None, 10).await.unwrap();
        let shown: Vec<_> = found.iter().map(|pair| (pair.first.id, pair.second.id, pair.reason)).collect();
        use DuplicateReason::{SameEmail, SameLine};
        assert_eq!(shown, [(brazil, ninth, SameLine), (one, other, SameEmail)]);
        let rest = merge::duplicates(store, ws, Some((brazil, ninth)), 10).await.unwrap();
        assert_eq!(rest.len(), 1);

        merge::dismiss(store, ctx, ws, (other, one)).await.unwrap();
        assert!(merge::dismiss(store, ctx, ws, (one, other)).await.is_err());
        search().await;
        assert_eq!(merge::duplicates(store, ws, None, 10).await.unwrap().len(), 1);
        let input = MergeInput { kept_id: brazil, merged_id: ninth, take: Vec::new() };
        merge::merge(store, ctx, ws, &Actor::System, input).await.unwrap();
        assert!(merge::duplicates(store, ws, None, 10).await.unwrap().is_empty(), "settled by the merge");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_contacts_come_back_with_what_was_theirs() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let (one, other) =
            (world.subscriber("+12125550100", "Ana").await, world.test.contact("+12125550101", "Ben").await);
        let list = contacts::create_list(store, ctx, ws, "All").await.unwrap().id;
        let changed = grid::change_list(store, ctx, ws, list, grid::ListAction::Add, vec![one, other]).await.unwrap();
        assert_eq!(changed, 2);
        assert_eq!(grid::change_list(store, ctx, ws, list, grid::ListAction::Remove, vec![other]).await.unwrap(), 1);
        let case = ctx.id();
        let now = world.test.now();
        world
            .write(move |tx| {
                let view = CaseView {
                    id: case,
                    number: 1,
                    subject: "Tent".to_owned(),
                    state: CaseState::Open,
                    contact_id: Some(one),
                    session_id: None,
                    created_at: now,
                    closed_at: None,
                };
                tx.insert_case(ws, &view, None)
            })
            .await;
        let before = contacts::get(store, ws, one).await.unwrap();
        world.test.clock.advance(1_000);
        let deletion = grid::delete(store, ctx, ws, &Actor::System, vec![one, other, ctx.id()]).await.unwrap();
        assert_eq!(deletion.deleted, 2);
        assert!(contacts::get(store, ws, one).await.is_err());
        // Meanwhile somebody else gets one of the numbers.
        world.test.contact("+12125550101", "Cleo").await;
        assert_eq!(grid::restore(store, ctx, ws, deletion.id).await.unwrap(), 1);
        let after = contacts::get(store, ws, one).await.unwrap();
        assert_eq!(
            (after.created_at, &after.phone, after.sms_consent),
            (before.created_at, &before.phone, before.sms_consent)
        );
        assert_eq!(contacts::lists(store, ws).await.unwrap()[0].member_count, 1);
        let linked = world.write(move |tx| tx.case(ws, case)).await.unwrap();
        assert_eq!(linked.contact_id, Some(one), "{}", world.test.engine);
        // Whose number is another's stays in it; who is back is brought back once.
        assert_eq!(grid::restore(store, ctx, ws, deletion.id).await.unwrap(), 0, "{}", world.test.engine);
        assert!(grid::delete(store, ctx, ws, &Actor::System, Vec::new()).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_deleted_for_good_takes_those_who_were_merged_along() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let merges = || async { merge::list(store, ws, None, 10).await.unwrap().len() };
        let chain = |from: u32| {
            let world = &world;
            async move {
                let mut ids = Vec::new();
                for number in from..from + 3 {
                    ids.push(world.test.contact(&phone(number), "Ana").await);
                }
                for pair in ids.windows(2) {
                    let input = MergeInput { kept_id: pair[1], merged_id: pair[0], take: Vec::new() };
                    merge::merge(store, ctx, ws, &Actor::System, input).await.unwrap();
                }
                ids[2]
            }
        };
        let one = chain(0).await;
        assert_eq!(merges().await, 2);
        contacts::delete(store, ctx, ws, one).await.unwrap();
        assert_eq!(merges().await, 0, "{}", world.test.engine);

        // While a deletion can be undone, so can the merges before it; then they go too.
        let other = chain(10).await;
        let deletion = grid::delete(store, ctx, ws, &Actor::System, vec![other]).await.unwrap();
        assert_eq!(grid::restore(store, ctx, ws, deletion.id).await.unwrap(), 1);
        assert_eq!(merges().await, 2);
        world.test.clock.advance(1_000);
        grid::delete(store, ctx, ws, &Actor::System, vec![other]).await.unwrap();
        let now = world.test.now();
        world.write(move |tx| tx.delete_old_deletions(ws, now)).await;
        assert_eq!(merges().await, 2, "this one is not old");
        world.write(move |tx| tx.delete_old_deletions(ws, now.plus(1))).await;
        assert_eq!(merges().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_in_the_middle_of_planning_keeps_the_persons_place_and_the_plan_goes_on() {
    for world in worlds().await {
        world.crowd(1_010).await;
        let draft = world.draft(world.input()).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        assert_eq!(world.step(draft.id).await, Step::More, "{}", world.test.engine);
        let ws = world.ws();
        let of = async |number: u32| {
            let phone = phone(number).parse::<PhoneNumber>().unwrap();
            world.write(move |tx| tx.contact_by_phone(ws, &phone)).await.unwrap().id
        };
        // The first is planned, the last is not yet.
        let input = MergeInput { kept_id: of(1_009).await, merged_id: of(0).await, take: Vec::new() };
        merge::merge(&world.test.store, &world.test.ctx, ws, &Actor::System, input).await.unwrap();
        assert_eq!(world.plan(draft.id).await, Planned::Complete, "{}", world.test.engine);
        let messages = world.messages().await;
        assert_eq!(messages.len(), 1_009, "{}: one for each person", world.test.engine);
        let funnel = world.write(move |tx| tx.funnel(ws, draft.id)).await;
        assert_eq!((funnel.planned, funnel.queued), (1_009, 1_009), "{}", world.test.engine);
    }
}
