//! Wrapping: subjects' keys are themselves sealed, by a key derived from the master key.

use crate::clock::Ambient;
use crate::ids::SubjectId;
use crate::log::keys::{KeyStoreError, SecretBytes, SecretPlace};
use crate::log::seal::{MasterKey, Place, Purpose, SubjectKey};

const CHECK: &[u8] = b"commlog key store";

/// Seals and opens subjects' keys, and secrets.
#[derive(Clone)]
pub(super) struct Wrapper {
    key: SubjectKey,
    secrets: SubjectKey,
    ambient: Ambient,
}

impl Wrapper {
    pub(super) fn new(master: &MasterKey, ambient: Ambient) -> Self {
        let [key, secrets] =
            [Purpose::WrapSubjectKeys, Purpose::SealSecrets].map(|purpose| SubjectKey::new(master.derive(purpose)));
        Self { key, secrets, ambient }
    }

    /// A value that only the same master key opens; stored once, when the store is made.
    pub(super) fn check_value(&self) -> Vec<u8> {
        self.key.seal(&self.ambient, &[Place::Check.byte()], CHECK)
    }

    /// Whether the store was made with this master key.
    pub(super) fn check(&self, url: &str, value: &[u8]) -> Result<(), KeyStoreError> {
        match self.key.open(&[Place::Check.byte()], value) {
            Ok(plain) if plain == CHECK => Ok(()),
            _ => Err(KeyStoreError::WrongMasterKey { url: url.to_owned() }),
        }
    }

    /// A new random key and its wrapped form.
    pub(super) fn create(&self, subject: SubjectId) -> (SubjectKey, Vec<u8>) {
        let key = SubjectKey::new(self.ambient.bytes());
        let wrapped = self.key.seal(&self.ambient, &place(subject), key.bytes());
        (key, wrapped)
    }

    pub(super) fn unwrap(&self, url: &str, subject: SubjectId, wrapped: &[u8]) -> Result<SubjectKey, KeyStoreError> {
        self.key
            .open(&place(subject), wrapped)
            .ok()
            .and_then(|plain| plain.try_into().ok())
            .map(SubjectKey::new)
            .ok_or_else(|| KeyStoreError::Damaged { url: url.to_owned(), subject })
    }

    pub(super) fn seal_secret(&self, place: &SecretPlace, secret: &[u8]) -> Vec<u8> {
        self.secrets.seal(&self.ambient, &place.bytes(), secret)
    }

    pub(super) fn open_secret(
        &self,
        url: &str,
        place: &SecretPlace,
        sealed: &[u8],
    ) -> Result<SecretBytes, KeyStoreError> {
        self.secrets.open(&place.bytes(), sealed).map(SecretBytes::new).map_err(|_| KeyStoreError::DamagedSecret {
            url: url.to_owned(),
            owner: place.owner.clone(),
            name: place.name.clone(),
        })
    }
}

fn place(subject: SubjectId) -> [u8; 17] {
    let mut place = [Place::SubjectKey.byte(); 17];
    place[1..].copy_from_slice(subject.0.as_bytes());
    place
}
