//! When a customer likes to be written to: a window of the day by their own clock, perhaps on some weekdays only.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Weekday};

/// What is written for the days of the week, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The same as others write them; each may have more letters, as in `tues` and `Montag`.
const OTHERS: [(&str, usize); 14] = [
    ("monday", 0),
    ("tuesday", 1),
    ("wednesday", 2),
    ("thursday", 3),
    ("friday", 4),
    ("saturday", 5),
    ("sunday", 6),
    ("montag", 0),
    ("dienstag", 1),
    ("mittwoch", 2),
    ("donnerstag", 3),
    ("freitag", 4),
    ("samstag", 5),
    ("sonntag", 6),
];

/// A window of the day, on all days or on some.
///
/// As text: `18:00-21:00`, `mon-fri 09:00-18:00`, `sat,sun 10:00-24:00`. A window that ends before it begins lasts until the
/// next day, and is of the day on which it begins: `fri 22:00-02:00` ends on a Saturday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreferredHours {
    /// Monday is the lowest bit.
    days: u8,
    from: NaiveTime,
    /// Midnight is the end of the day.
    to: NaiveTime,
}

const ALL_DAYS: u8 = 0b111_1111;

impl PreferredHours {
    /// Of a window and weekdays; none means all.
    ///
    /// # Errors
    /// If they leave nothing to prefer, or nothing at all.
    pub fn new(days: impl IntoIterator<Item = Weekday>, from: NaiveTime, to: NaiveTime) -> Result<Self, String> {
        let days = days.into_iter().fold(0, |days, day: Weekday| days | 1 << day.num_days_from_monday());
        Self::of(if days == 0 { ALL_DAYS } else { days }, from, to)
    }

    fn of(days: u8, from: NaiveTime, to: NaiveTime) -> Result<Self, String> {
        let is_whole_day = from == NaiveTime::MIN && to == NaiveTime::MIN;
        if from == to && !is_whole_day {
            return Err(format!("the hours begin and end at {}", from.format("%H:%M")));
        }
        if is_whole_day && days == ALL_DAYS {
            return Err("all hours of all days: leave it empty instead".to_owned());
        }
        Ok(Self { days, from, to })
    }

    /// When the window begins.
    #[must_use]
    pub const fn from(&self) -> NaiveTime {
        self.from
    }

    /// When it ends; midnight is the end of the day.
    #[must_use]
    pub const fn to(&self) -> NaiveTime {
        self.to
    }

    /// Whether it begins on a weekday.
    #[must_use]
    pub fn is_on(&self, day: Weekday) -> bool {
        self.days & 1 << day.num_days_from_monday() != 0
    }

    /// Whether it is on all days of the week.
    #[must_use]
    pub const fn is_daily(&self) -> bool {
        self.days == ALL_DAYS
    }

    /// Whether what a clock shows is within.
    #[must_use]
    pub fn covers(&self, local: NaiveDateTime) -> bool {
        let (time, today) = (local.time(), self.is_of(Some(local.date())));
        if self.from < self.to || self.to == NaiveTime::MIN {
            return today && self.from <= time && (time < self.to || self.to == NaiveTime::MIN);
        }
        today && self.from <= time || self.is_of(local.date().pred_opt()) && time < self.to
    }

    fn is_of(&self, date: Option<NaiveDate>) -> bool {
        date.is_some_and(|date| self.is_on(date.weekday()))
    }
}

impl fmt::Display for PreferredHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_daily() {
            let mut sign = "";
            let mut day = 0;
            while day < DAYS.len() {
                let length = (day..DAYS.len()).take_while(|other| self.days & 1 << other != 0).count();
                match length {
                    0 => {}
                    1 | 2 => f.write_str(&format!("{sign}{}", DAYS[day..day + length].join(",")))?,
                    _ => write!(f, "{sign}{}-{}", DAYS[day], DAYS[day + length - 1])?,
                }
                sign = if length > 0 { "," } else { sign };
                day += length.max(1);
            }
            f.write_str(" ")?;
        }
        write!(f, "{}-", self.from.format("%H:%M"))?;
        if self.to == NaiveTime::MIN { f.write_str("24:00") } else { write!(f, "{}", self.to.format("%H:%M")) }
    }
}

impl FromStr for PreferredHours {
    type Err = String;

    /// Reads what people write, too: `Mon - Fri, 9am to 6 pm`, `Mo–Fr 9–18 Uhr`, `18.30-21h`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let usual = text.trim().to_lowercase().replace(['–', '—', '−'], "-").replace(" to ", "-").replace(" bis ", "-");
        let (days, times) = usual.split_at(usual.find(|c: char| c.is_ascii_digit()).unwrap_or(usual.len()));
        let (from, to) = times
            .split_once('-')
            .ok_or_else(|| "must be hours of the day, such as 18:00-21:00 or mon-fri 09:00-18:00".to_owned())?;
        let (from, to) = (time(from)?, time(to)?);
        if from >= DAY {
            return Err("the hours begin at 24:00: write 00:00".to_owned());
        }
        // Where a form knows no 24:00, people write the last minute for it (zammad/zammad#3180, chatwoot/chatwoot#15638).
        Self::of(weekdays(days)?, clock(from), clock(if to == DAY - 1 { DAY } else { to }))
    }
}

/// Minutes of a day.
const DAY: u32 = 24 * 60;

fn clock(minutes: u32) -> NaiveTime {
    NaiveTime::from_num_seconds_from_midnight_opt(minutes % DAY * 60, 0).unwrap_or_default()
}

/// Minutes since midnight of `9`, `09:30`, `9.30 am`, `18h`, `18 uhr`.
fn time(text: &str) -> Result<u32, String> {
    let wrong = || format!("{:?} is not a time of the day, such as 09:00", text.trim());
    let text = text.trim();
    let text = text.strip_suffix("uhr").or_else(|| text.strip_suffix('h')).unwrap_or(text).trim_end();
    let half = [("am", 0), ("a.m.", 0), ("pm", 12), ("p.m.", 12)];
    let (number, half) = half
        .into_iter()
        .find_map(|(word, hours)| Some((text.strip_suffix(word)?.trim_end(), Some(hours))))
        .unwrap_or((text, None));
    let (hours, minutes) = number.split_once([':', '.', 'h']).unwrap_or((number, "00"));
    let is_number = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) || minutes.len() != 2 {
        return Err(wrong());
    }
    let (hours, minutes): (u32, u32) = (hours.parse().map_err(|_| wrong())?, minutes.parse().map_err(|_| wrong())?);
    let hours = match half {
        Some(_) if !(1..=12).contains(&hours) => return Err(wrong()),
        Some(half) => hours % 12 + half,
        None => hours,
    };
    let all = hours * 60 + minutes;
    if minutes > 59 || all > DAY { Err(wrong()) } else { Ok(all) }
}

/// The bits of `mon-fri`, `mo, mi`, `sat & sun`; of nothing, all.
fn weekdays(text: &str) -> Result<u8, String> {
    let text = text.trim().trim_end_matches([',', ':', '.']).replace(" and ", ",").replace(" und ", ",");
    if matches!(text.trim(), "" | "daily" | "every day" | "täglich") {
        return Ok(ALL_DAYS);
    }
    let mut days = 0;
    for part in text.split([',', ';', '/', '&', '+']).map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (weekday(first)?, weekday(last)?);
        loop {
            days |= 1 << day;
            if day == last {
                break;
            }
            day = (day + 1) % DAYS.len();
        }
    }
    Ok(days)
}

fn weekday(text: &str) -> Result<usize, String> {
    let text = text.trim().trim_end_matches('.');
    let known = OTHERS.iter().find(|(name, _)| text.len() >= 2 && name.starts_with(text));
    known.map(|(_, day)| *day).ok_or_else(|| format!("{text:?} is not a weekday, such as mon"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> PreferredHours {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn hours_are_read_as_people_write_them_and_written_in_one_way() {
        let table = [
            ("18:00-21:00", "18:00-21:00"),
            ("9-17", "09:00-17:00"),
            ("9am - 5pm", "09:00-17:00"),
            ("12am-12 p.m.", "00:00-12:00"),
            ("Mon - Fri, 9am to 6 pm", "mon-fri 09:00-18:00"),
            ("Mo–Fr 9–18 Uhr", "mon-fri 09:00-18:00"),
            ("Montag bis Freitag 9 bis 18 Uhr", "mon-fri 09:00-18:00"),
            ("sat & sun 10.30-24:00", "sat,sun 10:30-24:00"),
            ("sun,mon,wed 18h30-21h", "mon,wed,sun 18:30-21:00"),
            ("fri-mon 22:00-02:00", "mon,fri-sun 22:00-02:00"),
            ("daily 8:00-20:00", "08:00-20:00"),
            ("mon-sun 8:00-20:00", "08:00-20:00"),
            ("Tues/Thurs 8-9", "tue,thu 08:00-09:00"),
            ("sat 0-24", "sat 00:00-24:00"),
            ("22:00-00:00", "22:00-24:00"),
            ("sat 0:00 - 23:59", "sat 00:00-24:00"),
            ("9 pm - 2 am", "21:00-02:00"),
        ];
        for (written, usual) in table {
            assert_eq!(read(written).to_string(), usual, "{written}");
            assert_eq!(read(usual), read(written), "{written}");
        }
    }

    #[test]
    fn what_is_no_window_is_refused_with_the_part_that_is_wrong() {
        let table = [
            ("", "must be hours"),
            ("evenings", "must be hours"),
            ("mon-fri", "must be hours"),
            ("9", "must be hours"),
            ("25:00-26:00", "\"25:00\" is not a time"),
            ("9:60-10", "\"9:60\" is not a time"),
            ("13pm-14pm", "\"13pm\" is not a time"),
            ("9-", "\"\" is not a time"),
            ("9-12-15", "\"12-15\" is not a time"),
            ("24:00-08:00", "begin at 24:00"),
            ("09:00-09:00", "begin and end at 09:00"),
            ("00:00-24:00", "all hours of all days"),
            ("00:00-23:59", "all hours of all days"),
            ("mon-someday 9-17", "\"someday\" is not a weekday"),
            ("m 9-17", "\"m\" is not a weekday"),
            ("9-17, 19-21", "is not a time"),
        ];
        for (written, part) in table {
            let error = written.parse::<PreferredHours>().expect_err(written);
            assert!(error.contains(part), "{written}: {error}");
        }
    }

    #[test]
    fn a_window_over_midnight_is_of_the_day_on_which_it_begins() {
        let hours = read("fri 22:00-02:00");
        let covers = |local: &str| hours.covers(local.parse().expect("a local time"));
        // 2026-12-04 is a Friday.
        assert!(!covers("2026-12-04T01:00:00") && !covers("2026-12-04T21:59:59"));
        assert!(covers("2026-12-04T22:00:00") && covers("2026-12-05T01:59:59"));
        assert!(!covers("2026-12-05T02:00:00") && !covers("2026-12-05T23:00:00"));
        let until_midnight = read("sat 10:00-24:00");
        let covers = |local: &str| until_midnight.covers(local.parse().expect("a local time"));
        assert!(covers("2026-12-05T23:59:59") && !covers("2026-12-06T00:00:00") && !covers("2026-12-05T09:59:59"));
    }
}
