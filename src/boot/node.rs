//! TEMP
use super::{BootError, Stores};
use tokio_util::sync::CancellationToken;
pub struct Node; pub struct Running;
impl Node { pub async fn start(_s: Stores, _t: CancellationToken) -> Result<Running, BootError> { Ok(Running) } }
impl Running { pub fn address(&self) -> std::net::SocketAddr { ([127,0,0,1],1).into() } pub async fn wait(&self, t: &CancellationToken) -> Result<(), BootError> { t.cancelled().await; Ok(()) } pub async fn finish(self) -> Result<(), BootError> { Ok(()) } }
