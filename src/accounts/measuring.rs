//! How well the messages of accounts arrive: measured on those of the last hours, as the read tables show them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::account::event::AccountName;
use crate::domain::message::routing::Measured;
use crate::domain::value::Channel;
use crate::ids::TenantId;
use crate::queries::provider_accounts::{self, ReportRow};
use crate::queries::{QueryError, Reads};

/// How far back is looked.
const LATELY: TimeDelta = TimeDelta::hours(6);

/// What was measured of a tenant's accounts, by channel.
pub type MeasuredAccounts = BTreeMap<AccountName, BTreeMap<Channel, Measured>>;

/// Measures a tenant's accounts on some channels.
pub async fn measure(
    reads: &Reads,
    tenant: TenantId,
    channels: impl IntoIterator<Item = Channel>,
    now: DateTime<Utc>,
) -> Result<MeasuredAccounts, QueryError> {
    let mut measured = MeasuredAccounts::new();
    for channel in channels {
        let mut rows: BTreeMap<AccountName, Vec<ReportRow>> = BTreeMap::new();
        for row in provider_accounts::reports(&reads.db(), tenant, channel, now - LATELY).await? {
            let name = AccountName { provider: row.provider.clone(), account: row.account.clone() };
            rows.entry(name).or_default().push(row);
        }
        for (name, rows) in rows {
            measured.entry(name).or_default().insert(channel, of(&rows));
        }
    }
    Ok(measured)
}

fn of(rows: &[ReportRow]) -> Measured {
    let reports = rows.iter().flat_map(|row| [row.delivered_at, row.bounced_at, row.failed_at]).flatten();
    let last_report_at = reports.max();
    let taken = || rows.iter().filter_map(|row| row.sent_at);
    let unreported = || taken().filter(|at| last_report_at.is_none_or(|last| *at > last));
    let latencies: Vec<i64> =
        rows.iter().filter_map(|row| Some((row.delivered_at? - row.sent_at?).num_milliseconds().max(0))).collect();
    let average = || u64::try_from(latencies.iter().sum::<i64>() / i64::try_from(latencies.len()).ok()?).ok();
    Measured {
        taken: taken().count() as u64,
        delivered: rows.iter().filter(|row| row.sent_at.is_some() && row.delivered_at.is_some()).count() as u64,
        latency_ms: if latencies.is_empty() { None } else { average() },
        last_report_at,
        unreported: unreported().count() as u64,
        unreported_since: unreported().min(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn row(sent: i64, delivered: Option<i64>) -> ReportRow {
        ReportRow {
            provider: "twilio".to_owned(),
            account: "main".to_owned(),
            sent_at: Some(at(sent)),
            delivered_at: delivered.map(at),
            bounced_at: None,
            failed_at: None,
        }
    }

    #[test]
    fn delivery_and_latency_are_of_what_was_taken() {
        let measured = of(&[row(0, Some(2)), row(1, Some(5)), row(2, None), row(9, None)]);
        assert_eq!((measured.taken, measured.delivered, measured.latency_ms), (4, 2, Some(3_000)));
        assert_eq!((measured.last_report_at, measured.unreported), (Some(at(5)), 1));
        assert_eq!(of(&[]), Measured::default());
    }

    #[test]
    fn an_account_is_silent_if_it_takes_many_and_hears_nothing_for_two_hours() {
        let many: Vec<ReportRow> = (0..60).map(|second| row(second, None)).collect();
        let measured = of(&many);
        assert_eq!(measured.silence(at(3_600)), None);
        let silence = measured.silence(at(7_300)).expect("is silent");
        assert_eq!((silence.sent, silence.since), (60, None));
        let heard: Vec<ReportRow> = many.into_iter().chain([row(60, Some(7_000))]).collect();
        assert_eq!(of(&heard).silence(at(7_300)), None);
        assert_eq!(of(&heard[..40]).silence(at(7_300)), None, "few");
    }
}
