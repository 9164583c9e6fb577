//! Stands in for `queries::Reads` until it lands.
use crate::ids::{CustomerId, Position, TenantId};
use crate::log::Journal;
use crate::queries::Db;
use std::time::Duration;
#[derive(Clone)]
pub struct Reads {
    db: Db,
    journal: Journal,
    applied: tokio::sync::watch::Receiver<Position>,
}
impl Reads {
    pub fn db(&self) -> Db {
        self.db.clone()
    }
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
    pub fn applied(&self) -> tokio::sync::watch::Receiver<Position> {
        self.applied.clone()
    }
    pub async fn wait_for(&self, _position: Position, _most: Duration) -> Result<(), std::io::Error> {
        Ok(())
    }
    pub async fn as_of_customer(
        &self,
        _t: TenantId,
        _c: CustomerId,
        _at: super::model::event::AsOfInput,
    ) -> Result<Db, std::io::Error> {
        Ok(self.db.clone())
    }
}
