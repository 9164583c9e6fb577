//! Single-event commands from 256 callers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use commlog::app::App;
use commlog::domain::customer::decide::{AddNote, ProfileInput, RegisterCustomer};
use commlog::domain::customer::event::{NoteAdded, NoteAddedPersonal, Source};
use commlog::domain::tenant::decide::CreateTenant;
use commlog::ids::{CustomerId, NoteId};
use commlog::log::Journal;

use crate::log::per_second;
use crate::report::{Goal, Measurement, goal};
use crate::stores::{Own, Place, caller};
use crate::{Result, Size, events};

const CALLERS: u64 = 256;
const CUSTOMERS: u64 = 4_000;
const TEXT: &str = "Called about the delivery on Friday; asked for the invoice to be sent again, to the new address in \
                    the north. Will call back.";

pub async fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Commands).await?;
    let tenant = CreateTenant { name: "bench".into() };
    stores.app.create_tenant(&caller(), tenant).await?.into_result()?;
    let customers = Arc::new(register(&stores.app).await?);

    let started = Instant::now();
    concurrently(size.commands, {
        let (app, customers) = (stores.app.clone(), customers.clone());
        move |number| {
            let (app, customer_id) = (app.clone(), pick(&customers, number));
            async move {
                let note = AddNote { customer_id, conversation_id: None, text: TEXT.into(), pinned: false };
                app.add_note(&caller(), note).await?.into_result()?;
                Ok(())
            }
        }
    })
    .await?;
    let rate = per_second(size.commands, started.elapsed());

    let started = Instant::now();
    let ambient = stores.ambient().clone();
    concurrently(size.commands, {
        let (journal, customers) = (stores.journal.clone(), customers.clone());
        move |number| {
            let (journal, customer, ambient) = (journal.clone(), pick(&customers, number), ambient.clone());
            async move { append_bare(&journal, customer, &ambient).await }
        }
    })
    .await?;
    let bare = per_second(size.commands, started.elapsed());
    stores.close().await;
    let goals = goal(place.engine, Goal::AtLeast(10_000.0), Goal::AtLeast(8_000.0));
    Ok(vec![
        Measurement::new(place.engine, "256 concurrent single-event commands", rate, "commands/s", goals)
            .limit(bare, "appends/s without deciding"),
    ])
}

fn pick(customers: &[CustomerId], number: u64) -> CustomerId {
    // A multiplicative step visits everybody without a generator per caller.
    let index = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % customers.len() as u64;
    customers[usize::try_from(index).unwrap_or_default()]
}

/// Appends an event to a customer's stream, and decides nothing.
pub async fn append_bare(journal: &Journal, customer: CustomerId, ambient: &commlog::clock::Ambient) -> Result {
    let note = NoteAdded {
        note_id: NoteId(ambient.uuid()),
        pinned: false,
        conversation_id: None,
        personal: Some(NoteAddedPersonal { text: TEXT.into() }),
    };
    journal.append(events::append(customer, note.into(), ambient.now(), ambient)).await?;
    Ok(())
}

async fn register(app: &App) -> Result<Vec<CustomerId>> {
    let registered = Arc::new(std::sync::Mutex::new(Vec::new()));
    concurrently(CUSTOMERS, {
        let (app, registered) = (app.clone(), registered.clone());
        move |number| {
            let (app, registered) = (app.clone(), registered.clone());
            async move {
                let profile = ProfileInput { external_id: Some(format!("c{number}")), ..ProfileInput::default() };
                let command = RegisterCustomer { profile, addresses: Vec::new(), source: Source::Api };
                let id = app.register_customer(&caller(), command).await?.into_result()?.value;
                registered.lock().map_err(|_| "a caller failed")?.push(id);
                Ok(())
            }
        }
    })
    .await?;
    let registered = registered.lock().map_err(|_| "a caller failed")?;
    Ok(registered.clone())
}

/// Does a piece of work `count` times, 256 at a time.
pub async fn concurrently<F>(count: u64, work: impl Fn(u64) -> F + Clone + Send + 'static) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::<Result>::new();
    for _ in 0..CALLERS {
        let (next, work) = (next.clone(), work.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                work(number).await?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}
