//! Files that hold a virus, over the API: what an upload is answered, what a download is answered, and what admins see.

use http::{Method, StatusCode};
use segue_channels::clamd::Clamd;
use segue_model::{MediaId, role::Role};
use segue_store::{
    StoreError,
    media::{CheckVerdict, NewMedia},
};
use segue_testkit::clamd::{FakeClamd, Manner, eicar};

use crate::support::{Server, form, request, servers, with_key};

/// The same server with a virus checker.
async fn checked(mut server: Server, fake: &FakeClamd) -> Server {
    let files = server.state.files.clone().checked_by(Some(Clamd::at(&fake.address).unwrap()));
    server.state = server.state.with_files(files);
    server.router = segue_api::router(server.state.clone());
    server
}

#[tokio::test]
async fn an_upload_with_a_virus_or_without_a_check_is_refused_in_words() {
    for server in servers().await {
        let fake = FakeClamd::start().await;
        let server = checked(server, &fake).await;
        let key = server.key(Role::Agent).await;
        let infected = [b"%PDF-1.4\n".as_slice(), &eicar()].concat();
        let upload = async |data: &[u8]| server.send(with_key(form("/api/v1/media", "a.pdf", data, "xyz"), &key)).await;
        let refused = upload(&infected).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "file_infected"));
        assert!(refused.text().contains("Eicar-Test-Signature"), "{}", refused.text());
        assert_eq!(upload(b"%PDF-1.4\nclean").await.status, StatusCode::CREATED, "{}", server.test.engine);
        fake.be(Manner::Mute);
        let refused = upload(b"%PDF-1.4\nclean").await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "file_not_checked"));
        fake.be(Manner::Limit(2));
        let refused = upload(b"%PDF-1.4\nclean").await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "file_not_checked"));
    }
}

#[tokio::test]
async fn what_is_not_found_clean_is_never_served_and_admins_see_why() {
    for server in servers().await {
        let fake = FakeClamd::start().await;
        let (workspace_id, ctx, engine) = (server.workspace_id(), server.test.ctx.clone(), server.test.engine);
        let admin = server.key(Role::Admin).await;
        assert_eq!(server.get(&admin, "/api/v1/file-check").await.json()["state"], "off", "{engine}");
        let server = checked(server, &fake).await;
        let media = NewMedia { id: ctx.id(), mime: "application/pdf".to_owned(), file_name: None, data: eicar() };
        let (id, at): (MediaId, _) = (media.id, ctx.now());
        let stored = server.test.store.write::<_, StoreError, _>(move |tx| {
            tx.insert_media(workspace_id, &media, at)?;
            tx.plan_media_check(workspace_id, id, &ctx)
        });
        stored.await.unwrap();
        let path = format!("/api/v1/media/{id}");
        let told = async |verdict: CheckVerdict| {
            let noted = server
                .test
                .store
                .write::<_, StoreError, _>(move |tx| tx.note_media_check(workspace_id, id, (&verdict, at)));
            noted.await.unwrap();
        };
        let answer = async |path: &str| {
            let answer = server.get(&admin, path).await;
            (answer.status.as_u16(), answer.code())
        };
        assert_eq!(answer(&path).await, (409, "media_checking".to_owned()), "{engine}");
        assert_eq!(answer(&format!("{path}?download=1")).await, (409, "media_checking".to_owned()));
        told(CheckVerdict::Unchecked("The checker is away.".to_owned())).await;
        assert_eq!(answer(&path).await, (409, "media_unchecked".to_owned()), "{engine}");
        fake.be(Manner::Mute);
        let seen = server.get(&admin, "/api/v1/file-check").await.json();
        assert_eq!((&seen["state"], &seen["files"]["unchecked"]), (&"failing".into(), &1.into()), "{seen}");
        assert_eq!(seen["last_problem"], "The checker is away.");
        let agent = server.key(Role::Agent).await;
        let again = request(Method::POST, "/api/v1/file-check/again");
        assert_eq!(server.send(with_key(again, &agent)).await.status, StatusCode::FORBIDDEN);
        let again = request(Method::POST, "/api/v1/file-check/again");
        assert_eq!(server.send(with_key(again, &admin)).await.json()["files"], 1, "{engine}");
        assert_eq!(answer(&path).await, (409, "media_checking".to_owned()));
        told(CheckVerdict::Infected("Eicar".to_owned())).await;
        assert_eq!(answer(&path).await, (410, "media_infected".to_owned()), "{engine}");
        fake.be(Manner::Honest);
        let seen = server.get(&admin, "/api/v1/file-check").await.json();
        assert_eq!((&seen["state"], &seen["files"]["infected"]), (&"working".into(), &1.into()), "{seen}");
    }
}
