//! Mail in HTML that comes in, beside what reading it alone costs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use commlog::accounts::{Account, Accounts, Terms, WebhookPath};
use commlog::app::App;
use commlog::clock::Ambient;
use commlog::domain::tenant::decide::CreateTenant;
use commlog::intake::Intake;
use commlog::providers::kit::client::{ClientOptions, HttpClient};
use commlog::providers::sendgrid::{Sendgrid, SendgridSettings, SendgridWebhook};
use commlog::providers::{Secret, Webhook, WebhookRequest};
use commlog::queries::Reads;
use tokio_util::sync::CancellationToken;

use crate::log::per_second;
use crate::report::{Goal, Measurement};
use crate::stores::{Own, Place, caller};
use crate::{Result, Size};

const SECRET: &str = "an-inbound-secret-of-the-benchmark";
/// Webhooks at once.
const AT_ONCE: usize = 64;

/// What mail programs write around a few words: 12 KB of it, in a table with styles.
fn html(number: usize) -> String {
    let row = "<tr><td style=\"font-family:Arial,sans-serif;font-size:14px;color:#333333\">A case of <b>Gr&uuml;ner</b> \
               &amp; two of <i>Zweigelt</i>, please.</td></tr>";
    format!(
        "<html><head><style>td {{ padding: 4px }}</style></head><body><p>Order {number}</p><table>{}</table></body></html>",
        row.repeat(85)
    )
}

/// A mail of HTML alone from one of a thousand people, as Inbound Parse posts it.
fn request(number: usize) -> WebhookRequest {
    let (from, to) = (format!("reader{}@example.org", number % 1_000), "orders@reply.example");
    let envelope = format!("{{\"to\":[\"{to}\"],\"from\":\"{from}\"}}");
    let headers = format!("Message-ID: <mail{number}@example.org>\nSubject: An order\nContent-Type: text/html");
    let html = html(number);
    let fields = [
        ("headers", headers.as_str()),
        ("from", &from),
        ("to", to),
        ("html", &html),
        ("envelope", &envelope),
        ("SPF", "pass"),
    ];
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!("--xYzZY\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    body.push_str("--xYzZY--\r\n");
    WebhookRequest {
        method: "POST".to_owned(),
        url: format!("https://commlog.example/webhooks/sendgrid/main?secret={SECRET}"),
        headers: vec![("content-type".to_owned(), Bytes::from("multipart/form-data; boundary=xYzZY"))],
        body: Bytes::from(body),
    }
}

/// Takes mails in on the log that `sending` leaves behind.
pub async fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Sending).await?;
    let app = stores.app.clone();
    // Known already, if the section `sending` ran before.
    app.create_tenant(&caller(), CreateTenant { name: "bench".into() }).await?;
    let reads = stores.read_store().await?;
    let stop = CancellationToken::new();
    let projector = tokio::spawn({
        let (reads, stop) = (reads.clone(), stop.clone());
        async move { reads.run(stop).await }
    });
    let measured = take_in(place, &app, &Reads::new(reads), usize::try_from(size.commands / 20)?).await;
    stop.cancel();
    projector.await??;
    stores.close().await;
    Ok(vec![measured?])
}

async fn take_in(place: &Place, app: &App, reads: &Reads, count: usize) -> Result<Measurement> {
    let from = commlog::providers::sendgrid::Mailbox { email: "news@example.com".to_owned(), name: None };
    let mut settings = SendgridSettings::new("main", Secret::new("SG.bench"), from, "http://127.0.0.1:9".parse()?);
    settings.inbound_secret = Some(Secret::new(SECRET));
    let webhook = std::sync::Arc::new(SendgridWebhook::try_new(&settings)?);
    let client = HttpClient::new(ClientOptions::default())?;
    let provider = std::sync::Arc::new(Sendgrid::try_new(settings, client, Ambient::system())?);
    let accounts = Accounts::new(vec![Account::new(provider, Some(webhook.clone()), Terms::default())]);
    let intake = Intake::new(app.clone(), reads.clone(), accounts, caller().tenant);

    let now = app.ambient().now();
    let started = Instant::now();
    let parsing = (0..AT_ONCE).map(|first| {
        let webhook = webhook.clone();
        tokio::spawn(async move {
            for number in (first..count).step_by(AT_ONCE) {
                webhook.parse(&request(number), now).await;
            }
        })
    });
    for ended in parsing.collect::<Vec<_>>() {
        ended.await?;
    }
    let parsed = per_second(count as u64, started.elapsed());

    let kept = std::sync::Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let taking = (0..AT_ONCE).map(|first| {
        let (intake, kept) = (intake.clone(), kept.clone());
        tokio::spawn(async move {
            for number in (first..count).step_by(AT_ONCE) {
                let (_, taken) = intake.take("sendgrid", &WebhookPath::new("main"), &request(number)).await?;
                kept.fetch_add(taken.kept, Ordering::Relaxed);
            }
            Ok::<_, commlog::intake::IntakeError>(())
        })
    });
    for ended in taking.collect::<Vec<_>>() {
        ended.await??;
    }
    let rate = per_second(count as u64, started.elapsed());
    if kept.load(Ordering::Relaxed) > 0 {
        return Err("a mail was not understood".into());
    }
    Ok(Measurement::new(place.engine, "mails in HTML of 12 KB", rate, "mails/s", Goal::None)
        .limit(parsed, "mails/s parsed and made text, not stored")
        .note(format!("{count} webhooks of Inbound Parse, from verifying to the log, with the HTML and the form")))
}
