use commlog::clock::Ambient;
use commlog::ids::{Label, SecretId, SubjectId, TenantId};
use commlog::log::keys::{KeyState, KeyStoreError, SecretBytes, SecretPlace};
use commlog::log::seal::MasterKey;
use commlog::log::upcast::Upcasters;
use commlog::log::{
    AppendError, Appended, EventLog, Expected, Journal, JournalError, LogError, Personal, ReadLimit, SealedAppend,
    SealedNewEvent, StreamId,
};
use futures::future::join_all;

use crate::log_contract::World;

const NAME: &str = r#"{"name":"Ada Lovelace-Byron"}"#;

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A stream with one event about its customer.
async fn person(world: &World) -> (SubjectId, StreamId, Appended) {
    let customer = world.customer();
    let stream = world.stream_of(customer);
    let append = world.append_of(stream, Expected::Exact(0), vec![world.personal_event(customer, NAME)]);
    (customer.into(), stream, world.journal.append(append).await.expect("is appended"))
}

async fn personal(journal: &Journal, stream: StreamId) -> Vec<Personal> {
    let events = journal.read_stream(stream, 0, ReadLimit::events(100)).await.expect("is read");
    events.into_iter().map(|event| event.personal).collect()
}

pub(crate) async fn personal_data_is_nowhere_in_the_clear(world: &World) {
    let (_, stream, _) = person(world).await;
    let subject = stream.key.into();
    let fold = b"Ada Lovelace-Byron".to_vec();
    world.journal.save_snapshot(stream, Some(subject), "customer", 1, 1, fold).await.expect("is saved");
    let raw = world.store.raw().await;
    assert!(contains(&raw, "Counted"), "the dump holds the event");
    assert!(!contains(&raw, "Lovelace"));
    assert!(!contains(&raw, &hex::encode("Lovelace")));
}

pub(crate) async fn personal_data_opens_for_who_has_the_keys(world: &World) {
    let (_, stream, _) = person(world).await;
    let elsewhere = world.elsewhere().await;
    assert_eq!(personal(&elsewhere, stream).await, [Personal::Clear(NAME.into())]);
    elsewhere.backend().close().await;
}

pub(crate) async fn a_sealed_text_moved_to_another_event_does_not_open(world: &World) {
    let (subject, stream, appended) = person(world).await;
    let sealed = world.all().await.remove(0);
    let event = world.event(0);
    let append = world.append_of(stream, Expected::Any, vec![event.clone()]);
    let forged = SealedNewEvent {
        id: event.id,
        event_type: event.event_type,
        schema_version: event.schema_version,
        occurred_at: event.occurred_at,
        data: event.data,
        personal: sealed.personal,
        subject: Some(subject),
    };
    let append = SealedAppend {
        stream,
        expected: append.expected,
        preconditions: Vec::new(),
        cause: append.cause,
        events: vec![forged],
    };
    world.log.append(vec![append]).await.expect("answers").remove(0).expect("is appended");
    let read = world.journal.read_all(appended.position, ReadLimit::events(1)).await;
    assert!(matches!(read, Err(LogError::Damaged { .. })));
}

pub(crate) async fn a_decided_append_for_a_forgotten_subject_is_refused(world: &World) {
    let (subject, stream, _) = person(world).await;
    world.journal.destroy_key(subject).await.expect("is destroyed");
    let append = world.append_of(stream, Expected::Exact(1), vec![world.personal_event(subject, NAME)]);
    let Err(JournalError::Append(error)) = world.journal.append(append).await else { panic!("is refused") };
    assert_eq!(error, AppendError::SubjectErased { subject });
}

pub(crate) async fn a_late_fact_about_a_forgotten_subject_keeps_the_fact_only(world: &World) {
    let (subject, stream, _) = person(world).await;
    world.journal.destroy_key(subject).await.expect("is destroyed");
    let fact = world.personal_event(subject, NAME);
    let data = fact.data.clone();
    world.journal.append(world.append_of(stream, Expected::Any, vec![fact])).await.expect("is kept");
    let late = world.all().await.pop().expect("two events");
    assert_eq!((late.data, late.personal, late.envelope.subject), (data, None, Some(subject)));
}

pub(crate) async fn a_forgotten_subjects_events_stay_without_personal_data(world: &World) {
    let (subject, stream, _) = person(world).await;
    let (_, bystander, _) = person(world).await;
    assert_eq!(personal(&world.journal, stream).await, [Personal::Clear(NAME.into())]);
    world.journal.destroy_key(subject).await.expect("is destroyed");
    world.journal.destroy_key(subject).await.expect("again changes nothing");
    assert_eq!(personal(&world.journal, stream).await, [Personal::Erased]);
    assert_eq!(personal(&world.journal, bystander).await, [Personal::Clear(NAME.into())]);
    commlog::log::chain::verify(&*world.log, |_| ()).await.expect("verifies without the key");
}

pub(crate) async fn a_key_destroyed_elsewhere_is_forgotten_here(world: &World) {
    let (subject, stream, _) = person(world).await;
    let elsewhere = world.elsewhere().await;
    assert_eq!(personal(&world.journal, stream).await, [Personal::Clear(NAME.into())]);
    elsewhere.destroy_key(subject).await.expect("is destroyed");
    // At most a second later; nothing announces it.
    while personal(&world.journal, stream).await != [Personal::Erased] {
        tokio::task::yield_now().await;
    }
    elsewhere.backend().close().await;
}

pub(crate) async fn a_restored_key_never_undoes_its_tombstone(world: &World) {
    let (subject, stream, _) = person(world).await;
    world.store.tamper_keys("CREATE TABLE backup AS SELECT * FROM subject_keys").await.expect("is backed up");
    world.journal.destroy_key(subject).await.expect("is destroyed");
    let restore = "INSERT INTO subject_keys SELECT * FROM backup";
    if world.store.tamper_keys(restore).await.is_err() {
        // The store refuses it; a backup tool that writes files does not ask.
        let forced = format!("DROP TRIGGER subject_keys_insert; {restore}");
        world.store.tamper_keys(&forced).await.expect("is restored by force");
    }
    let elsewhere = world.elsewhere().await;
    assert_eq!(personal(&elsewhere, stream).await, [Personal::Erased]);
    let keys = world.store.keys(&world.master, world.ambient.clone()).await.expect("opens");
    assert!(matches!(keys.get_or_create(&[subject]).await.expect("answers")[..], [KeyState::Destroyed]));
    elsewhere.backend().close().await;
}

pub(crate) async fn a_subject_forgotten_before_its_first_event_never_gets_a_key(world: &World) {
    let customer = world.customer();
    world.journal.destroy_key(customer.into()).await.expect("is destroyed");
    let stream = world.stream_of(customer);
    let append = world.append_of(stream, Expected::Exact(0), vec![world.personal_event(customer, NAME)]);
    let result = world.journal.append(append).await;
    assert!(matches!(result, Err(JournalError::Append(AppendError::SubjectErased { .. }))));
}

pub(crate) async fn concurrent_first_uses_agree_on_one_key(world: &World) {
    let (customer, elsewhere) = (world.customer(), world.elsewhere().await);
    let stream = world.stream_of(customer);
    let appends = (0..16).map(|index| {
        let journal = if index % 2 == 0 { &world.journal } else { &elsewhere };
        journal.append(world.append_of(stream, Expected::Any, vec![world.personal_event(customer, NAME)]))
    });
    assert!(join_all(appends).await.iter().all(Result::is_ok));
    for journal in [&world.journal, &elsewhere, &world.elsewhere().await] {
        assert_eq!(personal(journal, stream).await, vec![Personal::Clear(NAME.into()); 16]);
    }
    elsewhere.backend().close().await;
}

pub(crate) async fn a_tenant_secret_is_made_once_and_outlives_the_tenants_key(world: &World) {
    let fingerprint = async |journal: &Journal| {
        journal.tenant_secret(world.tenant).await.expect("answers").fingerprint(Label::FileContent, &[b"input"])
    };
    let first = fingerprint(&world.journal).await;
    world.journal.destroy_key(world.tenant.into()).await.expect("is destroyed");
    let elsewhere = world.elsewhere().await;
    assert_eq!(fingerprint(&elsewhere).await, first);
    let other = world.journal.tenant_secret(world.ambient.uuid().into()).await.expect("answers");
    assert_ne!(other.fingerprint(Label::FileContent, &[b"input"]), first);
    elsewhere.backend().close().await;
}

pub(crate) async fn snapshots_are_sealed_and_go_with_the_key(world: &World) {
    let (subject, stream, _) = person(world).await;
    let save = |version, state: &str| {
        world.journal.save_snapshot(stream, Some(subject), "customer", 1, version, state.as_bytes().to_vec())
    };
    let load = || world.journal.load_snapshot(stream, Some(subject), "customer", 1);
    assert_eq!(load().await.expect("answers"), None);
    save(1, "first").await.expect("is saved");
    save(2, "second").await.expect("is saved");
    assert_eq!(load().await.expect("answers"), Some((2, b"second".to_vec())));
    world.journal.destroy_key(subject).await.expect("is destroyed");
    assert_eq!(load().await.expect("answers"), None);
    save(3, "third").await.expect("is left out");
    world.log.drop_snapshots(stream).await.expect("are dropped");
    assert_eq!(world.log.load_snapshot(stream, "customer").await.expect("answers"), None);
}

pub(crate) async fn a_snapshot_of_another_fold_version_is_ignored(world: &World) {
    let stream = world.stream();
    world.add(stream, 1).await;
    world.journal.save_snapshot(stream, None, "tenant", 1, 1, b"state".to_vec()).await.expect("is saved");
    let load = |version| world.journal.load_snapshot(stream, None, "tenant", version);
    assert_eq!(load(1).await.expect("answers"), Some((1, b"state".to_vec())));
    assert_eq!(load(2).await.expect("answers"), None);
}

pub(crate) async fn a_wrong_master_key_is_told(world: &World) {
    person(world).await;
    let wrong = MasterKey::generate(&Ambient::system());
    let Err(error) = world.store.keys(&wrong, world.ambient.clone()).await else { panic!("is refused") };
    assert!(matches!(error, KeyStoreError::WrongMasterKey { .. }));
    assert!(error.to_string().starts_with("the master key does not fit the key store at "), "{error}");
    world.elsewhere().await.backend().close().await;
}

pub(crate) async fn a_missing_key_store_is_told(world: &World) {
    let (subject, ..) = person(world).await;
    let delete = "DELETE FROM subject_keys";
    world.store.tamper_keys(delete).await.expect("keys may be deleted");
    let log: std::sync::Arc<dyn EventLog> = world.store.log(world.ambient.clone()).await.expect("opens");
    let keys = world.store.keys(&world.master, world.ambient.clone()).await.expect("opens");
    let opened = Journal::open(log.clone(), keys, Upcasters::none(), world.ambient.clone()).await;
    let Err(LogError::Keys(error)) = opened.map(drop) else { panic!("is refused") };
    assert!(matches!(&error, KeyStoreError::Missing { subject: missing, .. } if *missing == subject), "{error}");
    log.close().await;
}

pub(crate) async fn a_secret_is_sealed_opens_in_its_place_only_and_is_destroyed_for_good(world: &World) {
    let (store, ambient) = (&world.store, &world.ambient);
    let keys = store.keys(&world.master, ambient.clone()).await.expect("opens");
    let tenant = TenantId(ambient.uuid());
    let place = |id| SecretPlace { id, tenant, owner: "twilio/main".to_owned(), name: "auth_token".to_owned() };
    let [first, second] = [place(SecretId(ambient.uuid())), place(SecretId(ambient.uuid()))];
    let secret = |text: &str| SecretBytes::new(text.into());
    let kept = [(first.clone(), secret("hunter2-hunter2")), (second.clone(), secret("correct horse"))];
    keys.keep_secrets(&kept).await.expect("is kept");

    // Another process finds them; nobody finds them in another place, or with another master key.
    let elsewhere = store.keys(&world.master, ambient.clone()).await.expect("opens");
    let found = elsewhere.secrets(&[second.clone(), first.clone()]).await.expect("answers");
    assert_eq!(found, [Some(secret("correct horse")), Some(secret("hunter2-hunter2"))]);
    let moved = [
        SecretPlace { tenant: TenantId(ambient.uuid()), ..first.clone() },
        SecretPlace { owner: "twilio/other".to_owned(), ..first.clone() },
        SecretPlace { name: "next_auth_token".to_owned(), ..first.clone() },
    ];
    for place in moved {
        assert!(matches!(elsewhere.secrets(&[place]).await, Err(KeyStoreError::DamagedSecret { .. })));
    }
    let [from, to] = [second.id.0, first.id.0].map(|id| store.id_literal(id));
    let swap = format!(
        "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE secret_id = {from}) WHERE secret_id = {to}"
    );
    assert!(store.tamper_keys(&swap).await.is_err(), "a secret is never changed");

    assert_eq!(elsewhere.secrets_of(tenant).await.expect("answers").len(), 2);
    let older = keys.copy_rest().await.expect("is copied");
    let row = format!(
        "INSERT INTO secrets SELECT {to}, tenant_id, sealed, stored_at FROM secrets WHERE secret_id = {from}",
        from = store.id_literal(second.id.0),
        to = store.id_literal(first.id.0),
    );
    keys.destroy_secrets(&[first.id]).await.expect("is destroyed");
    keys.destroy_secrets(&[first.id]).await.expect("repeating it changes nothing");
    // Neither an older copy nor a row that was put back brings it back.
    keys.merge(older).await.expect("the rest is taken in");
    let gone = elsewhere.secrets(std::slice::from_ref(&first)).await.expect("answers");
    assert_eq!(gone, [None]);
    store.tamper_keys(&row).await.expect("the store cannot know");
    assert_eq!(elsewhere.secrets(&[first]).await.expect("answers"), [None]);
    let copied = keys.copy_rest().await.expect("is copied").secrets;
    assert_eq!(copied.into_iter().map(|secret| secret.id).collect::<Vec<_>>(), [second.id]);
    let left: Vec<SecretId> =
        elsewhere.secrets_of(tenant).await.expect("answers").into_iter().map(|stored| stored.id).collect();
    assert_eq!(left, [second.id]);
}
