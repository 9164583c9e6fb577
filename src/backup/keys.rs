//! The backup of a key store. Each run writes it anew, so that it has no key any more that was destroyed since; a tombstone that it
//! has once, it keeps, and it loses no key that only it still has.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::encoding::{Decoder, Encoder, Unreadable};
use super::folder::{Folder, Part, Stored};
use super::manifest::{self, FORMAT, NAME};
use super::{BackupError, Sources, frames};
use crate::clock::Ambient;
use crate::ids::{Position, SubjectId};
use crate::log::EventHash;
use crate::log::keys::{KeyCopy, KeyStore, KeyStoreError, Merged, SealedSecret, Tombstone, WrappedKey, copy};
use crate::log::mark::LogMark;
use crate::log::seal::MasterKey;

/// The first line of the file.
const KIND: &str = "commlog keys 1\n";

/// Tombstones come first: who reads a key knows whether it was destroyed.
const TOMBSTONES: u8 = 1;
const SECRETS: u8 = 2;
const KEYS: u8 = 3;

/// Keys in a frame.
const PAGE: usize = 4_096;

/// How often the copy is made again because a key was destroyed while it was made. The next run removes that key at the latest.
const ATTEMPTS: usize = 5;

/// What a run left in the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysReport {
    /// How many keys.
    pub keys: u64,
    /// How many tombstones.
    pub tombstones: u64,
    /// How many secrets of accounts.
    pub secrets: u64,
    /// How many people the backup knows to be forgotten, whose keys are in the key store: an older copy of that was restored.
    pub resurrected: u64,
}

/// What the backup of a key store consists of.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    /// When the last run ended.
    made_at: DateTime<Utc>,
    /// The log whose keys these are.
    log_id: Uuid,
    /// In hex: opens with the master key that the keys are wrapped with.
    check_value: String,
    key_file: Stored,
    keys: u64,
    tombstones: u64,
    secrets: u64,
    mark: Option<Mark>,
    /// The last checkpoint of the log that the key store had.
    checkpoint: Option<String>,
}

/// The newest event before which a provider was called.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    epoch: u32,
    position: Position,
    /// In hex.
    hash: String,
}

/// Writes the backup in a folder anew.
pub(super) async fn back_up(sources: &Sources, root: &Path) -> Result<KeysReport, BackupError> {
    let folder = Folder::take(root)?;
    let (store, log_id) = (sources.keys.as_ref(), sources.log.origin().await?.log_id);
    let before = find(&folder)?;
    if let Some(before) = &before {
        before.check_key(&folder, &sources.master, &sources.ambient)?;
        before.check_log(root, log_id)?;
        folder.check(&before.key_file)?;
    }
    let old = before.as_ref().map(|manifest| &manifest.key_file);
    let name = if old.is_some_and(|file| file.name == "000001.keys") { "000002.keys" } else { "000001.keys" };
    let mark = store.log_mark().await?.map(|stored| stored.mark);
    let checkpoint = store.kept_checkpoint().await?;
    let mut attempt = 1;
    let (key_file, report) = loop {
        let (seen, _) = store.destroyed_since(0).await?;
        let written = write(store, &folder, old, name).await?;
        let (_, destroyed) = store.destroyed_since(seen).await?;
        if destroyed.is_empty() || attempt == ATTEMPTS {
            break written;
        }
        attempt += 1;
    };
    let manifest = Manifest {
        format: FORMAT,
        made_at: sources.ambient.now(),
        log_id,
        check_value: hex::encode(store.check_value().await?),
        key_file,
        keys: report.keys,
        tombstones: report.tombstones,
        secrets: report.secrets,
        mark: mark.map(|LogMark { epoch, position, hash }| Mark { epoch, position, hash: hex::encode(hash) }),
        checkpoint,
    };
    manifest::write(&folder, &manifest)?;
    folder.sweep("", ".keys", &HashSet::from([name]))?;
    Ok(report)
}

/// Writes the keys of a store, and those that only the backup has, without any that was destroyed.
async fn write(
    store: &dyn KeyStore,
    folder: &Folder,
    old: Option<&Stored>,
    name: &str,
) -> Result<(Stored, KeysReport), BackupError> {
    let KeyCopy { tombstones: newest, mut secrets, .. } = store.copy_rest().await?;
    let mut part = folder.begin(name)?;
    let path = part.path().to_owned();
    let put = |part: &mut Part, tag, copy: &KeyCopy| {
        frames::write(part, tag, &encode(copy)).map_err(BackupError::file("write", &path))
    };
    frames::write_kind(&mut part, KIND).map_err(BackupError::file("write", &path))?;

    let mut old = old.map(|stored| Copies::open(folder, stored)).transpose()?;
    let buried: HashSet<SubjectId> = newest.iter().map(|tombstone| tombstone.subject).collect();
    let mut tombstones = newest;
    if let Some(old) = &mut old {
        tombstones.extend(old.tombstones()?.into_iter().filter(|old| !buried.contains(&old.subject)));
    }
    let destroyed: HashSet<SubjectId> = tombstones.iter().map(|tombstone| tombstone.subject).collect();
    secrets.retain(|secret| !destroyed.contains(&secret.grave()));
    let mut report =
        KeysReport { keys: 0, tombstones: tombstones.len() as u64, secrets: secrets.len() as u64, resurrected: 0 };
    for chunk in tombstones.chunks(PAGE) {
        put(&mut part, TOMBSTONES, &KeyCopy { tombstones: chunk.to_vec(), ..KeyCopy::default() })?;
    }
    for chunk in secrets.chunks(PAGE) {
        put(&mut part, SECRETS, &KeyCopy { secrets: chunk.to_vec(), ..KeyCopy::default() })?;
    }
    let (mut after, mut only_old) = (None, Vec::new());
    loop {
        let page = store.copy_keys(after, PAGE).await?;
        after = page.last().map(|key| key.subject);
        if let Some(old) = &mut old {
            old.read_past(after, &mut only_old)?;
        }
        report.resurrected += page.iter().filter(|key| destroyed.contains(&key.subject)).count() as u64;
        let mut keys = join(page, &mut only_old, store.url())?;
        keys.retain(|key| !destroyed.contains(&key.subject));
        report.keys += keys.len() as u64;
        for chunk in keys.chunks(PAGE) {
            put(&mut part, KEYS, &KeyCopy { keys: chunk.to_vec(), ..KeyCopy::default() })?;
        }
        if after.is_none() {
            return Ok((part.finish()?, report));
        }
    }
}

/// The keys of a page of the store, and those of the backup before it up to the page's last one, by subject; what follows is left
/// there. An empty page is the last: all that is left follows.
fn join(page: Vec<WrappedKey>, old: &mut Vec<WrappedKey>, url: &str) -> Result<Vec<WrappedKey>, BackupError> {
    let end = page.last().map(|key| key.subject);
    let split = end.map_or(old.len(), |end| old.partition_point(|key| key.subject <= end));
    let mut keys: BTreeMap<SubjectId, Vec<u8>> = page.into_iter().map(|key| (key.subject, key.wrapped)).collect();
    for WrappedKey { subject, wrapped } in old.drain(..split) {
        if *keys.entry(subject).or_insert_with(|| wrapped.clone()) != wrapped {
            return Err(KeyStoreError::Different { url: url.to_owned(), subject }.into());
        }
    }
    Ok(keys.into_iter().map(|(subject, wrapped)| WrappedKey { subject, wrapped }).collect())
}

/// A backup of a key store.
pub struct KeysBackup {
    root: PathBuf,
    manifest: Manifest,
}

impl KeysBackup {
    /// Opens the backup in a folder, after making sure that its file is what was written, and that the master key, if given, is the
    /// one that its keys were wrapped with.
    ///
    /// # Errors
    /// [`BackupError::None`], [`BackupError::Format`], [`BackupError::MasterKey`], [`BackupError::Damaged`].
    pub fn open(root: &Path, master: Option<&MasterKey>, ambient: &Ambient) -> Result<Self, BackupError> {
        let folder = Folder::open(root);
        let none = || BackupError::None { what: "a key store", folder: root.to_owned() };
        let manifest = find(&folder)?.ok_or_else(none)?;
        if let Some(master) = master {
            manifest.check_key(&folder, master, ambient)?;
        }
        folder.check(&manifest.key_file)?;
        Ok(Self { root: root.to_owned(), manifest })
    }

    /// Makes sure that the keys are those of a log.
    ///
    /// # Errors
    /// [`BackupError::OtherKeys`].
    pub fn check_log(&self, log_id: Uuid) -> Result<(), BackupError> {
        self.manifest.check_log(&self.root, log_id)
    }

    /// Reads all of it; returns what it has.
    ///
    /// # Errors
    /// [`BackupError::Damaged`].
    pub fn check(&self) -> Result<KeysReport, BackupError> {
        let mut copies = Copies::open(&Folder::open(&self.root), &self.manifest.key_file)?;
        let mut found = KeysReport { keys: 0, tombstones: 0, secrets: 0, resurrected: 0 };
        while let Some((_, copy)) = copies.next()? {
            found.keys += copy.keys.len() as u64;
            found.tombstones += copy.tombstones.len() as u64;
            found.secrets += copy.secrets.len() as u64;
        }
        let Manifest { keys, tombstones, secrets, .. } = self.manifest;
        if found != (KeysReport { keys, tombstones, secrets, resurrected: 0 }) {
            let reason = format!("it has {} keys, and the manifest says {keys}", found.keys);
            return Err(BackupError::damaged(copies.path, reason));
        }
        Ok(found)
    }

    /// Merges it into a key store: tombstones of either side win.
    pub(super) async fn restore(&self, store: &dyn KeyStore) -> Result<Merged, BackupError> {
        let mut copies = Copies::open(&Folder::open(&self.root), &self.manifest.key_file)?;
        let mut merged = Merged::default();
        while let Some((_, copy)) = copies.next()? {
            let brought = store.merge(copy).await?;
            merged.added += brought.added;
            merged.destroyed += brought.destroyed;
            merged.refused += brought.refused;
        }
        if let Some(mark) = self.manifest.mark(&self.root)? {
            store.advance_log_mark(mark, &[]).await?;
        }
        if let Some(checkpoint) = &self.manifest.checkpoint
            && store.kept_checkpoint().await?.is_none()
        {
            store.keep_checkpoint(checkpoint).await?;
        }
        Ok(merged)
    }
}

impl Manifest {
    fn check_key(&self, folder: &Folder, master: &MasterKey, ambient: &Ambient) -> Result<(), BackupError> {
        let value = hex::decode(&self.check_value).unwrap_or_default();
        if copy::fits(master, ambient, &value) {
            return Ok(());
        }
        Err(BackupError::MasterKey { path: folder.path(NAME) })
    }

    fn check_log(&self, root: &Path, log: Uuid) -> Result<(), BackupError> {
        if self.log_id == log {
            return Ok(());
        }
        Err(BackupError::OtherKeys { folder: root.to_owned(), keys: self.log_id, log })
    }

    fn mark(&self, root: &Path) -> Result<Option<LogMark>, BackupError> {
        let Some(Mark { epoch, position, hash: text }) = &self.mark else { return Ok(None) };
        let mut hash = EventHash::default();
        hex::decode_to_slice(text, &mut hash)
            .map_err(|error| BackupError::damaged(root.join(NAME), format!("the mark of the log: {error}")))?;
        Ok(Some(LogMark { epoch: *epoch, position: *position, hash }))
    }
}

fn find(folder: &Folder) -> Result<Option<Manifest>, BackupError> {
    manifest::find(folder, "key_file", "it is not the manifest of a key store's backup")
}

/// Reads the file frame by frame.
struct Copies {
    file: std::io::BufReader<std::fs::File>,
    path: PathBuf,
    /// A frame that was read and not used.
    ahead: Option<(u8, KeyCopy)>,
}

impl Copies {
    fn open(folder: &Folder, stored: &Stored) -> Result<Self, BackupError> {
        let path = folder.path(&stored.name);
        let mut file = std::io::BufReader::new(folder.open_checked(stored)?);
        frames::read_kind(file.by_ref(), KIND).map_err(|error| BackupError::damaged(&path, error.to_string()))?;
        Ok(Self { file, path, ahead: None })
    }

    fn next(&mut self) -> Result<Option<(u8, KeyCopy)>, BackupError> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let damaged = |error: &dyn std::error::Error| BackupError::damaged(&self.path, error.to_string());
        let Some((tag, body)) = frames::read(&mut self.file).map_err(|error| damaged(&error))? else { return Ok(None) };
        Ok(Some((tag, decode(tag, &body).map_err(|error| damaged(&error))?)))
    }

    /// All tombstones, which come first.
    fn tombstones(&mut self) -> Result<Vec<Tombstone>, BackupError> {
        let mut tombstones = Vec::new();
        while let Some((tag, copy)) = self.next()? {
            if tag != TOMBSTONES {
                self.ahead = Some((tag, copy));
                break;
            }
            tombstones.extend(copy.tombstones);
        }
        Ok(tombstones)
    }

    /// Reads keys until one follows a subject, or until the end.
    fn read_past(&mut self, subject: Option<SubjectId>, keys: &mut Vec<WrappedKey>) -> Result<(), BackupError> {
        while subject.is_none() || keys.last().map(|key| key.subject) <= subject {
            let Some(more) = self.keys()? else { break };
            keys.extend(more);
        }
        Ok(())
    }

    /// The next keys; [`None`] at the end.
    fn keys(&mut self) -> Result<Option<Vec<WrappedKey>>, BackupError> {
        while let Some((tag, copy)) = self.next()? {
            if tag == KEYS {
                return Ok(Some(copy.keys));
            }
        }
        Ok(None)
    }
}

/// Only one kind of what a copy has is in a frame.
fn encode(copy: &KeyCopy) -> Vec<u8> {
    let mut encoder = Encoder::default();
    for tombstone in &copy.tombstones {
        encoder.id(tombstone.subject.0);
        encoder.time(tombstone.destroyed_at);
    }
    for secret in &copy.secrets {
        encoder.id(secret.id.0);
        encoder.id(secret.tenant.0);
        encoder.bytes(&secret.sealed);
        encoder.time(secret.stored_at);
    }
    for key in &copy.keys {
        encoder.id(key.subject.0);
        encoder.bytes(&key.wrapped);
    }
    encoder.0
}

fn decode(tag: u8, bytes: &[u8]) -> Result<KeyCopy, Unreadable> {
    let (mut decoder, mut copy) = (Decoder(bytes), KeyCopy::default());
    while !decoder.0.is_empty() {
        match tag {
            TOMBSTONES => {
                copy.tombstones.push(Tombstone { subject: decoder.id()?, destroyed_at: decoder.time()? });
            }
            SECRETS => {
                let (id, tenant) = (decoder.id()?, decoder.id()?);
                let sealed = decoder.bytes()?.to_vec();
                copy.secrets.push(SealedSecret { id, tenant, sealed, stored_at: decoder.time()? });
            }
            KEYS => {
                copy.keys.push(WrappedKey { subject: decoder.id()?, wrapped: decoder.bytes()?.to_vec() });
            }
            _ => return Err(Unreadable),
        }
    }
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: u128, byte: u8) -> WrappedKey {
        WrappedKey { subject: SubjectId(Uuid::from_u128(subject)), wrapped: vec![byte] }
    }

    #[test]
    fn keys_of_store_and_backup_are_joined_page_by_page() {
        let mut old = vec![key(1, 1), key(2, 2), key(5, 5)];
        let first = join(vec![key(2, 2), key(3, 3)], &mut old, "here").expect("the same keys");
        assert_eq!(first, [key(1, 1), key(2, 2), key(3, 3)]);
        let last = join(vec![], &mut old, "here").expect("the same keys");
        assert_eq!((last, old), (vec![key(5, 5)], vec![]));
        let different = join(vec![key(2, 3)], &mut vec![key(2, 2)], "here");
        assert!(matches!(different, Err(BackupError::Keys(KeyStoreError::Different { .. }))));
    }

    #[test]
    fn each_kind_of_frame_comes_back_as_it_was() {
        let id = Uuid::from_u128(7);
        let time = DateTime::from_timestamp_micros(1).expect("a time");
        let tombstones = vec![Tombstone { subject: SubjectId(id), destroyed_at: time }];
        let secret = SealedSecret { id: id.into(), tenant: id.into(), sealed: vec![1, 2], stored_at: time };
        for (tag, copy) in [
            (TOMBSTONES, KeyCopy { tombstones, ..KeyCopy::default() }),
            (SECRETS, KeyCopy { secrets: vec![secret], ..KeyCopy::default() }),
            (KEYS, KeyCopy { keys: vec![key(1, 2), key(3, 4)], ..KeyCopy::default() }),
        ] {
            let bytes = encode(&copy);
            assert_eq!(decode(tag, &bytes), Ok(copy));
            assert!(decode(tag, &bytes[..bytes.len() - 1]).is_err());
        }
        assert_eq!(decode(9, &[1]), Err(Unreadable));
    }
}
