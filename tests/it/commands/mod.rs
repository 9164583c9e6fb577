//! Commands through the real journal, on SQLite and on PostgreSQL.

mod world;

mod back_test;
mod concurrency;
mod dispatching;
mod erasure;
mod idempotency;
mod imports;
mod keywords;
mod last_text;
mod last_word;
mod lists;
mod merged_erasure;
mod merged_imports;
mod merged_sending;
mod merging;
mod messages;
mod opt_outs;
mod overlapping_imports;
mod policies;
mod reclass;
mod replaced;
mod shares;

/// Declares tests that run once on each backend.
macro_rules! on_both {
    ($($(#[$attribute:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn check($world: $crate::commands::world::World) $body

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                check($crate::commands::world::World::sqlite().await).await;
            }

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                check($crate::commands::world::World::postgres().await).await;
            }
        }
    )*};
}

use on_both;
