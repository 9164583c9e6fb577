//! Every provider's double, each in a process of its own, so that what is measured is the client alone.

use std::collections::BTreeMap;
use std::process::Stdio;

use commlog::clock::Ambient;
use commlog::domain::value::Channel;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::Result;
use crate::doubles::bird::BirdDouble;
use crate::doubles::fcm::FcmDouble;
use crate::doubles::mailgun::MailgunDouble;
use crate::doubles::messagebird::MessagebirdDouble;
use crate::doubles::resend::ResendDouble;
use crate::doubles::sendgrid::SendgridDouble;
use crate::doubles::ses::SesDouble;
use crate::doubles::smtp::{Offers, SmtpDouble};
use crate::doubles::twilio::TwilioDouble;
use crate::doubles::vonage::VonageDouble;

/// One way to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// What the row is called, and the double asked for.
    pub name: &'static str,
    /// The provider.
    pub provider: &'static str,
    pub channel: Channel,
}

const fn way(name: &'static str, provider: &'static str, channel: Channel) -> Way {
    Way { name, provider, channel }
}

/// All of them.
pub const WAYS: &[Way] = &[
    way("Twilio", "twilio", Channel::Sms),
    way("Vonage SMS API", "vonage", Channel::Sms),
    way("Vonage Messages API", "vonage", Channel::Sms),
    way("MessageBird", "messagebird", Channel::Sms),
    way("Bird", "bird", Channel::Sms),
    way("SendGrid", "sendgrid", Channel::Email),
    way("Mailgun", "mailgun", Channel::Email),
    way("Resend", "resend", Channel::Email),
    way("Amazon SES", "ses", Channel::Email),
    way("SMTP", "smtp", Channel::Email),
    way("FCM", "fcm", Channel::Push),
];

/// A double, as the section that is measured sees it. It ends with this.
pub struct Sink {
    asks: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// What an account there is set up with.
    pub account: BTreeMap<String, String>,
    _child: Child,
}

/// What a double has taken so far.
#[derive(Serialize, Deserialize)]
pub struct Taken {
    pub count: u64,
    /// The last mail as it was written, if it came over SMTP.
    pub mail: Option<(String, String, String)>,
}

impl Sink {
    pub async fn start(way: Way) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--sink", way.name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let asks = child.stdin.take().ok_or("no pipe")?;
        let mut answers = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
        let account = serde_json::from_str(&answers.next_line().await?.ok_or("the double did not start")?)?;
        Ok(Self { asks, answers, account, _child: child })
    }

    pub async fn taken(&mut self) -> Result<Taken> {
        self.asks.write_all(b"\n").await?;
        Ok(serde_json::from_str(&self.answers.next_line().await?.ok_or("the double is gone")?)?)
    }
}

enum Double {
    Twilio(TwilioDouble),
    Vonage(VonageDouble),
    Messagebird(MessagebirdDouble),
    Bird(BirdDouble),
    Sendgrid(SendgridDouble),
    Mailgun(MailgunDouble),
    Resend(ResendDouble),
    Ses(SesDouble),
    Smtp(SmtpDouble),
    Fcm(FcmDouble),
}

impl Double {
    async fn start(provider: &str) -> Result<Self> {
        let ambient = Ambient::system();
        Ok(match provider {
            "twilio" => Self::Twilio(TwilioDouble::start(ambient).await),
            "vonage" => Self::Vonage(VonageDouble::start(ambient).await),
            "messagebird" => Self::Messagebird(MessagebirdDouble::start(ambient).await),
            "bird" => Self::Bird(BirdDouble::start(ambient).await),
            "sendgrid" => Self::Sendgrid(SendgridDouble::with(ambient, false).await),
            "mailgun" => Self::Mailgun(MailgunDouble::start(ambient).await),
            "resend" => Self::Resend(ResendDouble::start(ambient).await),
            "ses" => Self::Ses(SesDouble::start(ambient).await),
            "smtp" => Self::Smtp(SmtpDouble::start(Offers::default()).await),
            "fcm" => Self::Fcm(FcmDouble::start(ambient).await),
            other => return Err(format!("no double of {other}").into()),
        })
    }

    fn account(&self, way: Way) -> Vec<(&'static str, String)> {
        match self {
            Self::Twilio(double) => double.account(),
            Self::Vonage(double) if way.name == "Vonage SMS API" => double.sms_account(),
            Self::Vonage(double) => double.messages_account(),
            Self::Messagebird(double) => double.account(),
            Self::Bird(double) => double.account(),
            Self::Sendgrid(double) => double.account(),
            Self::Mailgun(double) => double.account(),
            Self::Resend(double) => double.account(),
            Self::Ses(double) => double.account(),
            Self::Smtp(double) => vec![
                ("host", "localhost".to_owned()),
                ("port", double.settings().server.port.to_string()),
                ("security", "none".to_owned()),
                ("from", "news@shop.example".to_owned()),
            ],
            Self::Fcm(double) => double.account(),
        }
    }

    fn taken(&self) -> Taken {
        let count = match self {
            Self::Twilio(double) => double.taken().len(),
            Self::Vonage(double) => double.taken().len(),
            Self::Messagebird(double) => double.taken().len(),
            Self::Bird(double) => double.taken().len(),
            Self::Sendgrid(double) => double.taken().len(),
            Self::Mailgun(double) => double.taken().len(),
            Self::Resend(double) => double.taken().len(),
            Self::Ses(double) => double.taken().len(),
            Self::Smtp(double) => double.taken().len(),
            Self::Fcm(double) => double.taken().len(),
        };
        let mail = match self {
            Self::Smtp(double) => double.taken().pop().map(|mail| (mail.from, mail.to, mail.content)),
            _ => None,
        };
        Taken { count: count as u64, mail }
    }
}

/// A double itself: answers until its input ends.
pub async fn serve(name: &str) -> Result {
    let way = *WAYS.iter().find(|way| way.name == name).ok_or("no such way to send")?;
    let double = Double::start(way.provider).await?;
    let account: BTreeMap<_, _> = double.account(way).into_iter().collect();
    println!("{}", serde_json::to_string(&account)?);
    let mut asked = BufReader::new(tokio::io::stdin()).lines();
    while asked.next_line().await?.is_some() {
        println!("{}", serde_json::to_string(&double.taken())?);
    }
    Ok(())
}
