//! Tenants, API keys and imports.

use commlog::domain::import::event::{ImportCompleted, ImportKind, ImportStarted, ImportStartedPersonal, ImportUndone};
use commlog::domain::tenant::event::{
    ApiKeyIssued, ApiKeyRevoked, Role, TenantCreated, UserForgotten, UserNamed, UserNamedPersonal,
};
use commlog::ids::{ApiKeyId, ImportId};
use commlog::queries::{Page, imports, tenants};
use commlog::sql::Engine;
use uuid::Uuid;

use super::story::{Story, TENANT, import, minute};
use super::{check, on_both_engines};

on_both_engines! {
    a_key_is_known_until_it_is_revoked,
    a_user_has_the_name_that_was_given_last,
    an_import_tells_what_it_brought_and_whether_it_was_undone,
    imports_are_listed_newest_first,
}

async fn a_key_is_known_until_it_is_revoked(engine: Engine) {
    let key_id = |number| ApiKeyId(Uuid::from_u128(number));
    let issued = |number, role, personal| ApiKeyIssued {
        key_id: key_id(number),
        role,
        personal,
        send: false,
        acts_for_users: role == Role::Admin,
        label: "test".to_owned(),
        secret_hash: "ab".repeat(32),
        user_id: (role == Role::Analyst).then(|| Uuid::from_u128(7)),
        expires_at: (role == Role::Analyst).then(|| minute(90)),
    };
    let mut story = Story::new();
    story.tell_tenant(0, TenantCreated { name: "Lanterns Ltd".to_owned() });
    story.tell_tenant(1, issued(1, Role::Admin, true));
    story.tell_tenant(2, issued(2, Role::Analyst, false));
    story.tell_tenant(3, ApiKeyRevoked { key_id: key_id(1) });
    story.tell_tenant(4, ApiKeyRevoked { key_id: key_id(1) });
    check(engine, &story, async |db| {
        assert_eq!(tenants::list(db).await.unwrap()[0].name, "Lanterns Ltd");
        assert_eq!(tenants::by_id(db, TENANT).await.unwrap().unwrap().created_at, minute(0));
        let keys = tenants::api_keys(db, TENANT).await.unwrap();
        let read: Vec<_> = keys.iter().map(|key| (key.role.word(), key.personal, key.send, key.revoked_at)).collect();
        assert_eq!(read, [("admin", true, false, Some(minute(3))), ("analyst", false, false, None)]);
        let key = tenants::api_key(db, key_id(2)).await.unwrap().unwrap();
        assert_eq!((key.tenant_id, key.secret_hash, key.issued_at), (TENANT, "ab".repeat(32), minute(2)));
        assert_eq!((key.user_id, key.expires_at), (Some(Uuid::from_u128(7)), Some(minute(90))));
        assert!(tenants::api_key(db, key_id(3)).await.unwrap().is_none());
    })
    .await;
}

async fn a_user_has_the_name_that_was_given_last(engine: Engine) {
    let named = |name: &str| UserNamed {
        user_id: "u-42".to_owned(),
        subject_id: uuid::Uuid::from_u128(42).into(),
        personal: Some(UserNamedPersonal { name: name.to_owned() }),
    };
    let mut story = Story::new();
    story.tell_tenant(0, TenantCreated { name: "Lanterns Ltd".to_owned() });
    story.tell_tenant(1, named("Bob"));
    story.tell_tenant(2, named("Bob Ø"));
    check(engine, &story, async |db| {
        let ids = ["u-42".into(), "u-43".into()];
        let users = tenants::users_by_ids(db, TENANT, &ids).await.unwrap();
        let names: Vec<_> = users.iter().map(|user| (user.user_id.as_str(), user.name.as_deref())).collect();
        assert_eq!(names, [("u-42", Some("Bob Ø"))]);
    })
    .await;
    story.tell_tenant(3, UserForgotten { user_id: "u-42".to_owned(), subject_id: uuid::Uuid::from_u128(42).into() });
    check(engine, &story, async |db| {
        let users = tenants::users_by_ids(db, TENANT, &["u-42".into()]).await.unwrap();
        assert_eq!(users.iter().map(|user| user.name.as_deref()).collect::<Vec<_>>(), [None]);
    })
    .await;
}

fn started(import_id: ImportId) -> ImportStarted {
    ImportStarted {
        import_id,
        kind: ImportKind::Orders,
        file_digest: "cd".repeat(32),
        run: 0,
        personal: Some(ImportStartedPersonal { file_name: "orders.csv".to_owned() }),
    }
}

async fn an_import_tells_what_it_brought_and_whether_it_was_undone(engine: Engine) {
    let completed =
        |appended, already| ImportCompleted { import_id: import(1), lines: 9, appended, already, refused: 1 };
    let mut story = Story::new();
    story.tell_import(import(1), 0, started(import(1)));
    let states = async |story: &Story, expected: &str| {
        check(engine, story, async |db| {
            assert_eq!(imports::by_id(db, TENANT, import(1)).await.unwrap().unwrap().state.word(), expected);
        })
        .await;
    };
    states(&story, "running").await;
    story.tell_import(import(1), 1, completed(8, 0));
    story.tell_import(import(1), 2, completed(0, 8));
    states(&story, "completed").await;
    story.tell_import(import(1), 3, ImportUndone { import_id: import(1), retracted: 7, kept: 1 });
    check(engine, &story, async |db| {
        let row = imports::by_id(db, TENANT, import(1)).await.unwrap().unwrap();
        assert_eq!((row.state.word(), row.kind.word(), row.run), ("undone", "orders", 0));
        assert_eq!((row.lines, row.appended, row.already, row.refused), (Some(9), Some(0), Some(8), Some(1)));
        assert_eq!((row.retracted, row.kept, row.file_name.as_deref()), (Some(7), Some(1), Some("orders.csv")));
        assert_eq!((row.started_at, row.completed_at, row.undone_at), (minute(0), Some(minute(2)), Some(minute(3))));
    })
    .await;
}

async fn imports_are_listed_newest_first(engine: Engine) {
    let mut story = Story::new();
    for number in 1..=3 {
        story.tell_import(import(number), i64::try_from(number).unwrap(), started(import(number)));
    }
    check(engine, &story, async |db| {
        let first = imports::list(db, TENANT, &Page::first(2)).await.unwrap();
        let after = first.rows[1].0.clone();
        let rest = imports::list(db, TENANT, &Page::first(2).after(after)).await.unwrap();
        let ids: Vec<_> = first.into_rows().into_iter().chain(rest.into_rows()).map(|row| row.import_id).collect();
        assert_eq!(ids, [3, 2, 1].map(import));
        assert_eq!(imports::count(db, TENANT).await.unwrap(), 3);
    })
    .await;
}
